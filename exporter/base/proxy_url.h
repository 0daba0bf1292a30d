#pragma once

#include <string>
#include <string_view>

/// The URL of a proxy, and the part of it that may be shown. Pure.
namespace registry_exporter {

/// Whether it surely is [scheme://][user[:password]@]host[:port][/], of a scheme that proxies have.
bool is_readable_proxy(std::string_view url);
/// How to correct one that is not.
inline constexpr const char* kProxyForm =
    "write http://user:password@host:port, with user and password percent-encoded (%40 for @)";

/// "host:port" of a proxy's URL; "" where there is none. Hides an unreadable URL: what looks
/// like its host may be its password.
std::string proxy_host(std::string_view url);

}  // namespace registry_exporter
