#include "exporter/base/url.h"

#include <algorithm>

#include "exporter/base/text.h"

namespace registry_exporter {
namespace {

constexpr std::string_view kSchemeEnd = "://";

}  // namespace

std::string_view Origin::effective_port() const {
  if (!port.empty()) return port;
  return is_secure() ? "443" : "80";
}

std::string Origin::host_header() const {
  const bool is_own_port = port == (is_secure() ? "443" : "80");
  return port.empty() || is_own_port ? host : host + ":" + port;
}

Origin parse_origin(std::string_view url) {
  Origin origin;
  if (const std::size_t scheme = url.find(kSchemeEnd); scheme != std::string_view::npos) {
    origin.scheme = lower(url.substr(0, scheme));
    url.remove_prefix(scheme + kSchemeEnd.size());
  }
  url = url.substr(0, url.find('/'));
  const std::size_t bracket = url.rfind(']');
  const std::size_t colon = url.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (has_port) origin.port = url.substr(colon + 1);
  origin.host = has_port ? url.substr(0, colon) : url;
  return origin;
}

bool has_scheme(std::string_view url) { return contains(url, kSchemeEnd); }

bool is_http(std::string_view url) {
  return url.starts_with("http://") || url.starts_with("https://");
}

SplitUrl split_url(std::string_view url) {
  url = url.substr(0, url.find('#'));
  const std::size_t host = url.find(kSchemeEnd) + kSchemeEnd.size();
  const std::size_t path = std::min(url.find_first_of("/?", host), url.size());
  SplitUrl split{std::string(url.substr(0, path)), std::string(url.substr(path))};
  if (!split.target.starts_with('/')) split.target.insert(0, "/");
  return split;
}

}  // namespace registry_exporter
