#include "exporter/web/listen_address.h"

#include <charconv>

namespace registry_exporter {
namespace {

tl::unexpected<Error> not_understood(std::string_view text, std::string_view why) {
  return fail(ErrorKind::invalid_config, "listen address \"" + std::string(text) +
                                             "\": " + std::string(why) +
                                             "; write host:port, :port or [::1]:port");
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
    if (host.find(':') == std::string_view::npos) return not_understood(text, "bad IPv6 address");
  } else if (host.find(':') != std::string_view::npos) {
    return not_understood(text, "an IPv6 address needs brackets");
  }
  if (host.find_first_of("[]/ \t") != std::string_view::npos) {
    return not_understood(text, "bad host");
  }
  return ListenAddress{std::string(host), port};
}

std::string format_address(std::string_view host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string_view::npos;
  const std::string name(host);
  return (v6 ? "[" + name + "]" : name) + ":" + std::to_string(port);
}

}  // namespace registry_exporter
