#include "exporter/web/site.h"

#include <algorithm>

#include "exporter/base/text.h"
#include "exporter/base/url.h"
#include "exporter/web/listen_address.h"

namespace registry_exporter::web {
namespace {

constexpr const char* kUrlFormat =
    "--web.external-url: must be https://host[:port][/path] (or http://), or only /path";
constexpr const char* kPlainPath =
    " must be a plain path such as /team/exporter: letters, digits and -._~, no %, ? or #";

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string_view without_end_slashes(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

bool is_plain(char c) {
  return is_letter_or_digit(c) ||
         std::string_view("-._~!$&()*+,;=:@/").find(c) != std::string_view::npos;
}

/// "" or "/a/b", without empty and dot segments, which proxies and browsers would rewrite.
bool is_plain_path(std::string_view path) {
  if (path.empty()) return true;
  const std::string closed = std::string(path) + "/";
  return path.starts_with('/') && std::all_of(path.begin(), path.end(), is_plain) &&
         !contains(closed, "//") && !contains(closed, "/./") && !contains(closed, "/../");
}

bool is_authority(const Origin& origin) {
  const auto address =
      parse_listen_address(origin.host + ":" + std::string(origin.effective_port()));
  return !origin.host.empty() && address && address->port != 0;
}

/// An external URL, cut in front of its path.
struct ExternalUrl {
  std::string origin;  ///< Empty: only a path was given.
  std::string path;    ///< "" or "/a/b".
};

Result<ExternalUrl> read_external_url(std::string_view text) {
  const std::string_view url = without_end_slashes(text);
  ExternalUrl external;
  if (has_scheme(url)) {
    const std::size_t path = std::min(url.find('/', url.find("://") + 3), url.size());
    external = {std::string(url.substr(0, path)), std::string(url.substr(path))};
    const Origin origin = parse_origin(external.origin);
    const bool http = origin.scheme == "http" || origin.scheme == "https";
    if (!http || !is_authority(origin)) return fail(ErrorKind::invalid_config, kUrlFormat);
  } else if (text.starts_with('/')) {
    external.path = url;
  } else {
    return fail(ErrorKind::invalid_config, kUrlFormat);
  }
  if (is_plain_path(external.path)) return external;
  return fail(ErrorKind::invalid_config, std::string("--web.external-url: its path") + kPlainPath);
}

Result<std::string> read_route_prefix(std::string_view text) {
  std::string_view path = without_end_slashes(text);
  while (path.starts_with('/')) path.remove_prefix(1);
  std::string prefix = path.empty() ? "" : "/" + std::string(path);
  if (is_plain_path(prefix)) return prefix;
  return fail(ErrorKind::invalid_config, std::string("--web.route-prefix:") + kPlainPath);
}

}  // namespace

std::optional<std::string> Site::path_inside(std::string_view path) const {
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  if (!path.starts_with('/')) return std::nullopt;
  return std::string(path);
}

Result<Site> make_site(const std::optional<std::string>& external_url,
                       const std::optional<std::string>& route_prefix) {
  const auto is_given = [](const auto& text) { return text && !text->empty(); };
  const auto url = is_given(external_url) ? read_external_url(*external_url) : ExternalUrl{};
  if (!url) return tl::unexpected(url.error());
  const auto prefix = is_given(route_prefix) ? read_route_prefix(*route_prefix) : url->path;
  if (!prefix) return tl::unexpected(prefix.error());
  Site site{.prefix = *prefix, .external = std::nullopt};
  if (is_given(external_url)) site.external = url->origin + url->path;
  return site;
}

}  // namespace registry_exporter::web
