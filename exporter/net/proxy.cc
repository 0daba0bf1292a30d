#include "exporter/net/proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace registry_exporter {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

struct Origin {
  bool secure = false;
  std::string host;  ///< Lower case, an IPv6 address without its brackets.
  std::string port;
};

Origin parse_origin(std::string_view origin) {
  Origin parsed;
  parsed.secure = origin.starts_with("https://");
  parsed.port = parsed.secure ? "443" : "80";
  const std::size_t scheme = origin.find("://");
  std::string_view rest = scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
  rest = rest.substr(0, rest.find('/'));
  const std::size_t bracket = rest.rfind(']');
  const std::size_t colon = rest.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (has_port) {
    parsed.port = std::string(rest.substr(colon + 1));
    rest = rest.substr(0, colon);
  }
  if (rest.size() > 2 && rest.front() == '[') rest = rest.substr(1, rest.size() - 2);
  parsed.host = lower(rest);
  return parsed;
}

/// Address family and its bytes in network order; nullopt: not an IP address.
struct Address {
  int family = AF_INET;
  std::array<unsigned char, 16> bytes{};
};
std::optional<Address> parse_address(const std::string& text) {
  Address address;
  if (inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) return address;
  address.family = AF_INET6;
  if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

bool same_bits(const Address& one, const Address& other, unsigned bits) {
  if (one.family != other.family) return false;
  for (unsigned bit = 0; bit < bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if ((one.bytes[bit / 8] & mask) != (other.bytes[bit / 8] & mask)) return false;
  }
  return true;
}

bool network_covers(const std::string& network, const std::string& host) {
  const std::size_t slash = network.find('/');
  const auto base = parse_address(network.substr(0, slash));
  const auto address = parse_address(host);
  unsigned bits = 0;
  const char* begin = network.data() + slash + 1;
  const char* end = network.data() + network.size();
  const auto [stop, error] = std::from_chars(begin, end, bits);
  if (!base || !address || error != std::errc{} || stop != end) return false;
  return bits <= (base->family == AF_INET ? 32U : 128U) && same_bits(*base, *address, bits);
}

/// "host:port" or "[v6]:port"; a bare IPv6 address has no port.
void split_port(std::string& entry, std::string& port) {
  const std::size_t colon = entry.rfind(':');
  if (colon == std::string::npos) return;
  const bool has_port = entry.find(':') == colon || (colon > 0 && entry[colon - 1] == ']');
  if (!has_port) return;
  port = entry.substr(colon + 1);
  entry.resize(colon);
}

bool entry_covers(std::string entry, const std::string& host, std::string_view port) {
  if (entry == "*") return true;
  if (entry.find('/') != std::string::npos) return network_covers(entry, host);
  std::string wanted_port;
  split_port(entry, wanted_port);
  if (!wanted_port.empty() && wanted_port != port) return false;
  if (entry.size() > 2 && entry.front() == '[') entry = entry.substr(1, entry.size() - 2);
  if (const auto address = parse_address(host)) {
    const auto wanted = parse_address(entry);
    return wanted && same_bits(*wanted, *address, wanted->family == AF_INET ? 32 : 128);
  }
  if (entry.starts_with("*.")) entry.erase(0, 2);
  if (entry.starts_with(".")) entry.erase(0, 1);
  return !entry.empty() && (host == entry || host.ends_with("." + entry));
}

std::string from_environment(const ProxySettings& settings, const std::string& name) {
  if (!settings.environment) return {};
  if (const auto value = settings.environment(name); value && !value->empty()) return *value;
  return settings.environment(lower(name)).value_or("");
}

}  // namespace

bool no_proxy_covers(std::string_view list, std::string_view host, std::string_view port) {
  const std::string wanted = lower(host);
  while (!list.empty()) {
    const std::size_t end = std::min(list.find_first_of(", \t"), list.size());
    if (end > 0 && entry_covers(lower(list.substr(0, end)), wanted, port)) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

std::string proxy_for(std::string_view origin, const ProxySettings& settings) {
  if (!settings.proxy_url.empty()) return settings.proxy_url;
  const Origin parsed = parse_origin(origin);
  if (no_proxy_covers(from_environment(settings, "NO_PROXY"), parsed.host, parsed.port)) return {};
  return from_environment(settings, parsed.secure ? "HTTPS_PROXY" : "HTTP_PROXY");
}

}  // namespace registry_exporter
