#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "exporter/base/result.h"

namespace registry_exporter::web {

/// Where the pages are: for this server, and for people and programs outside (behind a reverse
/// proxy, both may differ). Without flags, both are the root.
struct Site {
  std::string prefix;  ///< Of every path: "" or "/a/b".
  /// "", "/a/b" or "https://host[:port][/a/b]". nullopt: wherever the request went.
  std::optional<std::string> external;
  bool operator==(const Site&) const = default;

  /// What follows the prefix: "/" and so on. nullopt: the path is not under it.
  std::optional<std::string> path_inside(std::string_view path) const;
  bool has_external_host() const {
    return external && !external->empty() && external->front() != '/';
  }
  /// Where the start page is; ends in '/'.
  std::string home() const { return external.value_or(prefix) + "/"; }
  /// What the links of a page directly under the prefix begin with. Without an external URL they
  /// are relative, which is right behind every proxy.
  std::string links() const { return external ? *external + "/" : "./"; }
};

/// Reads --web.external-url and --web.route-prefix as Prometheus does: an URL or only its path, and
/// a prefix that defaults to that path; slashes at the ends don't matter, and empty is not given.
/// Pure. Errors: invalid_config, with the flag and what to write; never quotes the URL, which may
/// contain a password by mistake.
Result<Site> make_site(const std::optional<std::string>& external_url,
                       const std::optional<std::string>& route_prefix);

}  // namespace registry_exporter::web
