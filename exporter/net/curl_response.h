#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <string>

#include "exporter/net/http_transport.h"

namespace registry_exporter::net {

/// An answer while libcurl receives it. Refuses what is over the limits, and heads that leave open
/// where the answer ends.
class CurlResponse {
 public:
  CurlResponse(std::size_t head_bytes_max, std::size_t body_bytes_max)
      : head_bytes_max_(head_bytes_max), body_bytes_max_(body_bytes_max) {}
  CurlResponse(const CurlResponse&) = delete;
  CurlResponse& operator=(const CurlResponse&) = delete;

  /// Makes the next transfer of `handle` write into this object, which must outlive it.
  void receive_from(CURL* handle);

  HttpResponse& response() { return response_; }
  /// Why it stopped reading; nullptr: it did not.
  const char* refused() const { return refused_; }

 private:
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);

  bool take_header(std::string_view line);
  void check_framing(std::string_view name, std::string_view value);

  HttpResponse response_;
  std::size_t head_bytes_ = 0;
  const std::size_t head_bytes_max_;
  const std::size_t body_bytes_max_;
  std::string length_;  ///< Content-Length.
  bool is_chunked_ = false;
  const char* refused_ = nullptr;
};

}  // namespace registry_exporter::net
