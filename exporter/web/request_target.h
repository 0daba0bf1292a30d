#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "exporter/base/percent_encoding.h"

namespace registry_exporter::web {

/// A decoded request target. Dot segments are not resolved: paths are names, not files.
struct RequestTarget {
  std::string path;  ///< Begins with '/', or is "*".
  QueryPairs query;
};

/// Reads "/path?query", "http://host/path?query" and "*". Pure.
/// nullopt: another form, an invalid escape, or an escaped control character.
std::optional<RequestTarget> parse_request_target(std::string_view raw);

}  // namespace registry_exporter::web
