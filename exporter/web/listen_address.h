#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "exporter/base/result.h"

namespace registry_exporter::web {

struct ListenAddress {
  std::string host;  ///< Empty: all interfaces. IPv6 without brackets.
  std::uint16_t port = 0;
  bool operator==(const ListenAddress&) const = default;
};

/// Reads "host:port", ":port" and "[::1]:port"; port 0: chosen by the system. Pure.
/// Errors: invalid_config.
Result<ListenAddress> parse_listen_address(std::string_view text);

/// "127.0.0.1:80", "[::1]:80".
std::string format_address(std::string_view host, std::uint16_t port);

}  // namespace registry_exporter::web
