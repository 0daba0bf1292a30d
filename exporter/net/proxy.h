#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace registry_exporter {

/// Which proxy a request goes through. Pure.
struct ProxySettings {
  std::string proxy_url;  ///< From the configuration: wins over the environment.
  /// The environment: HTTPS_PROXY, HTTP_PROXY, NO_PROXY, and the same in lower case.
  std::function<std::optional<std::string>(const std::string& name)> environment;
};

/// "" when the request to `origin` ("https://host[:port]") goes directly. NO_PROXY lists exact
/// hosts, suffixes (".example.com", "example.com"), host:port, IP networks ("10.0.0.0/8"), or "*";
/// it holds for proxies from the environment only.
std::string proxy_for(std::string_view origin, const ProxySettings& settings);

/// Whether a NO_PROXY list covers a host.
bool no_proxy_covers(std::string_view list, std::string_view host, std::string_view port);

}  // namespace registry_exporter
