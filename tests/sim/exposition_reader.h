#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace registry_exporter {

/// The series of an exposition: "name{labels}" → value.
struct Series {
  std::unordered_map<std::string, double> values;
  std::string problem;  ///< Why it can't be read; "" when it can.
};

/// An independent reader of the text formats, as far as values go: exemplars are cut off, a series
/// that comes twice is a problem.
Series read_exposition(std::string_view text);

/// The value of a label in "name{…}"; "" when there is none. Values of the simulation need no
/// escapes.
std::string_view label(std::string_view series, std::string_view name);

}  // namespace registry_exporter
