#include "tests/sim/exposition_reader.h"

#include <charconv>

namespace registry_exporter {

Series read_exposition(std::string_view text) {
  Series series;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty() || line[0] == '#') continue;
    line = line.substr(0, line.find(" # "));
    const std::size_t space = line.rfind(' ');
    double value = 0;
    const auto [end, error] =
        std::from_chars(line.data() + space + 1, line.data() + line.size(), value);
    if (space == std::string_view::npos || error != std::errc() || *end == '.') {
      series.problem = "no value: " + std::string(line);
      return series;
    }
    if (!series.values.emplace(line.substr(0, space), value).second) {
      series.problem = "twice: " + std::string(line);
      return series;
    }
  }
  return series;
}

std::string_view label(std::string_view series, std::string_view name) {
  for (std::size_t at = series.find(name); at != std::string_view::npos;
       at = series.find(name, at + 1)) {
    const std::size_t value = at + name.size() + 2;
    const bool whole = at > 0 && (series[at - 1] == '{' || series[at - 1] == ',') &&
                       series.substr(at + name.size(), 2) == "=\"";
    if (whole) return series.substr(value, series.find('"', value) - value);
  }
  return {};
}

}  // namespace registry_exporter
