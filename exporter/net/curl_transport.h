#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "exporter/net/http_transport.h"
#include "exporter/net/proxy.h"

namespace registry_exporter::net {

struct CurlOptions {
  ProxySettings proxy;
  std::string ca_file, cert_file, key_file;
  /// The name that the certificate of `server_name_origin` must have, if not the host; other
  /// servers (token services) have names of their own.
  std::string server_name, server_name_origin;
  std::size_t body_bytes_max = 32UL * 1024 * 1024;  ///< Decoded.
  std::size_t head_bytes_max = 64UL * 1024;
};

/// HTTP/1.1 by libcurl, connections kept alive. TLS 1.2 and later, always verified, the name taken
/// from the certificate's subjectAltName alone. A call ends by its timeout whatever the server
/// does.
std::unique_ptr<HttpTransport> make_curl_transport(CurlOptions options);

}  // namespace registry_exporter::net
