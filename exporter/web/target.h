#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "exporter/base/percent_encoding.h"

namespace registry_exporter {

/// A request target, decoded. There are no files behind it: dot segments mean nothing.
struct Target {
  std::string path;  ///< Begins with '/', or is "*".
  QueryPairs query;
};

/// Reads "/path?query", "http://host/path?query" and "*". Pure.
/// nullopt: another form, a broken escape, or a control character behind an escape.
std::optional<Target> parse_target(std::string_view raw);

}  // namespace registry_exporter
