#include "exporter/web/listen_address.h"

#include <arpa/inet.h>

#include <charconv>

namespace registry_exporter::web {
namespace {

constexpr std::size_t kLabelMax = 63;  // RFC 1035, 2.3.4.
constexpr std::size_t kNameMax = 253;

tl::unexpected<Error> not_understood(std::string_view text, std::string_view why) {
  return fail(ErrorKind::invalid_config, "listen address \"" + std::string(text) +
                                             "\": " + std::string(why) +
                                             "; write host:port, :port or [::1]:port");
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), &address) == 1;
}

/// Accepts names a resolver could know: labels of letters, digits, '-' and '_', with or without a
/// final dot. Digits alone must be an IPv4 address.
bool is_name_or_ipv4(std::string host) {
  if (host.ends_with('.')) host.pop_back();
  bool has_letter = false;
  std::size_t label = 0;
  for (const char c : host) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    if (c == '.' ? label == 0 : !letter && (c < '0' || c > '9')) return false;
    label = c == '.' ? 0 : label + 1;
    if (label > kLabelMax) return false;
    has_letter |= letter;
  }
  in_addr address{};
  return label > 0 && host.size() <= kNameMax &&
         (has_letter || ::inet_aton(host.c_str(), &address) == 1);
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return not_understood(text, "no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  std::uint16_t port = 0;
  const char* const end = port_text.data() + port_text.size();
  const auto [stopped, error] = std::from_chars(port_text.data(), end, port);
  if (error != std::errc() || stopped != end) return not_understood(text, "bad port");
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
    if (!is_ipv6(std::string(host))) return not_understood(text, "bad IPv6 address");
  } else if (host.find(':') != std::string_view::npos) {
    return not_understood(text, "an IPv6 address needs brackets");
  } else if (!host.empty() && !is_name_or_ipv4(std::string(host))) {
    return not_understood(text, "bad host");
  }
  return ListenAddress{std::string(host), port};
}

std::string format_address(std::string_view host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string_view::npos;
  const std::string name(host);
  return (v6 ? "[" + name + "]" : name) + ":" + std::to_string(port);
}

}  // namespace registry_exporter::web
