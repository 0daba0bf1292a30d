#include "exporter/net/proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "exporter/base/text.h"
#include "exporter/base/url.h"

namespace registry_exporter::net {
namespace {

/// Lower case, an IPv6 address without its brackets.
std::string bare_host(const Origin& origin) {
  std::string host = lower(origin.host);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return host;
}

/// Address family and its bytes in network order; an IPv4 address in IPv6 is the IPv4 address.
struct IpAddress {
  int family = AF_INET;
  std::array<unsigned char, 16> bytes{};
};

constexpr std::size_t kMappedBytes = 12;

bool is_mapped(const IpAddress& address) {
  constexpr std::array<unsigned char, kMappedBytes> kPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
  return address.family == AF_INET6 &&
         std::equal(kPrefix.begin(), kPrefix.end(), address.bytes.begin());
}

void unmap(IpAddress& address) {
  std::copy(address.bytes.begin() + kMappedBytes, address.bytes.end(), address.bytes.begin());
  address.family = AF_INET;
}

std::optional<IpAddress> parse_address(const std::string& text) {
  IpAddress address;
  if (inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) return address;
  address.family = AF_INET6;
  if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) != 1) return std::nullopt;
  if (is_mapped(address)) unmap(address);
  return address;
}

bool same_bits(const IpAddress& one, const IpAddress& other, unsigned bits) {
  if (one.family != other.family) return false;
  for (unsigned bit = 0; bit < bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if ((one.bytes[bit / 8] & mask) != (other.bytes[bit / 8] & mask)) return false;
  }
  return true;
}

/// libcurl takes "127.1", "0x7f.1" and "2130706433" for 127.0.0.1, as old clients did.
std::optional<IpAddress> parse_any_spelling(const std::string& host) {
  const std::string without_zone = host.substr(0, host.find('%'));
  if (auto address = parse_address(without_zone)) return address;
  in_addr old{};
  if (inet_aton(host.c_str(), &old) == 0) return std::nullopt;
  IpAddress address;
  std::memcpy(address.bytes.data(), &old, sizeof old);
  return address;
}

/// This machine itself. No proxy could reach what is meant.
bool is_loopback(std::string host) {
  if (host.ends_with('.')) host.pop_back();
  if (host == "localhost" || host.ends_with(".localhost")) return true;  // RFC 6761, 6.3.
  const auto address = parse_any_spelling(host);
  if (!address) return false;
  if (address->family == AF_INET) return address->bytes[0] == 127;
  constexpr IpAddress kOne{AF_INET6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  return same_bits(*address, kOne, 128);
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
  if (entry.starts_with("*.")) entry.erase(0, 1);
  if (entry.starts_with(".")) return entry.size() > 1 && host.ends_with(entry);
  return !entry.empty() && (host == entry || host.ends_with("." + entry));
}

/// The first of the two spellings that is set; an empty one is not.
std::optional<Proxy> from_environment(const ProxySettings& settings, const std::string& name) {
  if (!settings.environment) return std::nullopt;
  for (const std::string& spelling : {name, lower(name)}) {
    const auto value = settings.environment(spelling);
    if (value && !value->empty()) return Proxy{*value, spelling};
  }
  return std::nullopt;
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

Proxy proxy_for(std::string_view origin, const ProxySettings& settings) {
  if (!settings.proxy_url.empty()) return {settings.proxy_url, "proxy_url"};
  const Origin parsed = parse_origin(origin);
  const std::string host = bare_host(parsed);
  if (is_loopback(host)) return {};
  const auto exempt = from_environment(settings, "NO_PROXY");
  if (exempt && no_proxy_covers(exempt->url, host, parsed.effective_port())) return {};
  return from_environment(settings, parsed.is_secure() ? "HTTPS_PROXY" : "HTTP_PROXY")
      .value_or(Proxy{});
}

bool Proxy::is_socks() const { return starts_with_ignoring_case(url, "socks"); }

bool Proxy::is_plain_http() const {
  return !has_scheme(url) || starts_with_ignoring_case(url, "http://");
}

std::string Proxy::spoken() const { return proxy_host(url) + " (" + set_by + ")"; }

}  // namespace registry_exporter::net
