#pragma once

#include "exporter/net/curl_handle.h"
#include "exporter/net/curl_transport.h"
#include "exporter/net/http_transport.h"
#include "exporter/net/proxy.h"

namespace registry_exporter::net {

/// A request as options of a libcurl handle. It and what it was made of must outlive the transfer.
class CurlRequest {
 public:
  CurlRequest(const HttpRequest& request, const Proxy& proxy, const CurlOptions& options);

  void configure(CURL* handle) const;

 private:
  void set_message(CURL* handle) const;
  void set_connection(CURL* handle) const;
  void set_tls(CURL* handle) const;

  const HttpRequest& request_;
  const Proxy& proxy_;
  const CurlOptions& options_;
  std::string url_;
  CurlList headers_;
  CurlList connect_to_;  ///< Another host to connect to than the one that the URL names.
};

}  // namespace registry_exporter::net
