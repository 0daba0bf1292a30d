#include "exporter/base/proxy_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <optional>

#include "exporter/base/text.h"

namespace registry_exporter {
namespace {

bool is_word(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return std::isalnum(c) != 0 || others.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  constexpr unsigned kPortMax = 65'535;
  return error == std::errc{} && stop == text.data() + text.size() && port > 0 && port <= kPortMax;
}

/// "[v6]", with a zone if wanted.
bool is_bracketed(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return false;
  const std::string_view inside = text.substr(1, text.size() - 2);
  const std::size_t zone = std::min(inside.find('%'), inside.size());
  in6_addr address{};
  return inet_pton(AF_INET6, std::string(inside.substr(0, zone)).c_str(), &address) == 1 &&
         is_word(inside.substr(zone), "%.-_");
}

bool is_host_and_port(std::string_view text) {
  const std::size_t host = text.starts_with('[') ? std::min(text.find(']'), text.size()) : 0;
  const std::size_t colon = text.find(':', host);
  if (colon != std::string_view::npos && !is_port(text.substr(colon + 1))) return false;
  const std::string_view name = text.substr(0, colon);
  return is_bracketed(name) || (!name.empty() && is_word(name, ".-_"));
}

/// libcurl's.
bool is_proxy_scheme(std::string_view scheme) {
  constexpr std::array<std::string_view, 7> kSchemes{"http",    "https",  "socks",  "socks4",
                                                     "socks4a", "socks5", "socks5h"};
  return std::find(kSchemes.begin(), kSchemes.end(), lower(scheme)) != kSchemes.end();
}

/// No @ but the last, none of what ends a URL's authority, no blanks: those have to be encoded.
bool is_user_and_password(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) {
    return c <= ' ' || c == 0x7f || std::strchr("@/?#\\", c) != nullptr;
  });
}

/// "host[:port]" of [scheme://][user[:password]@]host[:port][/]. nullopt: it is anything else, and
/// any piece of it may be a piece of a password.
std::optional<std::string_view> address_of(std::string_view url) {
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    if (!is_proxy_scheme(url.substr(0, scheme))) return std::nullopt;
    url.remove_prefix(scheme + 3);
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  if (const std::size_t user = url.rfind('@'); user != std::string_view::npos) {
    if (!is_user_and_password(url.substr(0, user))) return std::nullopt;
    url.remove_prefix(user + 1);
  }
  return is_host_and_port(url) ? std::optional(url) : std::nullopt;
}

}  // namespace

bool is_readable_proxy(std::string_view url) { return address_of(url).has_value(); }

std::string proxy_host(std::string_view url) {
  if (url.empty()) return {};
  return std::string(address_of(url).value_or("a URL that can't be read"));
}

}  // namespace registry_exporter
