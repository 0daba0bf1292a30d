#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/result.h"

namespace registry_exporter::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "GET";
  std::string origin;        ///< "https://host[:port]", without a path.
  std::string target = "/";  ///< Path and query exactly as they go on the wire.
  HttpHeaders headers;       ///< `host` among them when it is signed.
  std::string body;
  Millis timeout{10'000};  ///< Whole request, connect to last byte.
  bool direct = false;     ///< Never through a proxy (metadata services).
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  ///< Names in lower case.
  std::string body;     ///< Decoded.
  std::string proxy{};  ///< A proxy that may have answered instead of the server; empty: none.

  /// Value of the first header called `lower_case_name`, or "".
  std::string_view header(std::string_view lower_case_name) const {
    for (const auto& [header_name, value] : headers) {
      if (header_name == lower_case_name) return value;
    }
    return {};
  }
};

/// Sends one request and waits for the answer. Thread-safe. Never follows a redirect.
/// Any answer is a success here, a 403 or a 503 too: what a status means is decided by `acr/` and
/// `swr/`. Errors: timeout, transport, malformed (an answer over the limits), canceled.
class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  virtual Result<HttpResponse> send(const HttpRequest& request) = 0;
  /// Ends the calls under way and refuses new ones with `canceled`.
  virtual void abort() = 0;
};

}  // namespace registry_exporter::net
