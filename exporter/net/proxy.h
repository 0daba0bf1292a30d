#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/base/proxy_url.h"

namespace registry_exporter::net {

/// Which proxy a request goes through. Pure.
struct ProxySettings {
  std::string proxy_url;  ///< From the configuration: wins over the environment.
  /// The environment: HTTPS_PROXY, HTTP_PROXY, NO_PROXY, and the same in lower case.
  std::function<std::optional<std::string>(const std::string& name)> environment;
};

struct Proxy {
  std::string url;     ///< "": the request goes directly.
  std::string set_by;  ///< "proxy_url", or the variable; "" when it goes directly.

  bool is_none() const { return url.empty(); }
  bool is_socks() const;
  bool is_plain_http() const;
  /// For people: "p.example:3128 (HTTPS_PROXY)"; never the name and password in the URL.
  std::string spoken() const;
};

/// The way to `origin` ("https://host[:port]"), by the rules of Go's clients, which Prometheus and
/// most of its exporters follow: a proxy of the environment is not for this machine itself
/// (127.0.0.0/8, ::1, localhost and the names below it), nor for what NO_PROXY covers. The
/// configuration's own proxy takes everything.
Proxy proxy_for(std::string_view origin, const ProxySettings& settings);

/// Whether a NO_PROXY list covers a host. It holds IP addresses, networks ("10.0.0.0/8"), hosts
/// with everything below them ("example.com"), what is below a host alone (".example.com",
/// "*.example.com"), each but a network with a port if wanted, or "*". Commas or blanks between.
bool no_proxy_covers(std::string_view list, std::string_view host, std::string_view port);

}  // namespace registry_exporter::net
