#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "exporter/base/clock.h"

/// Prometheus-style durations ("500ms", "15s", "1h30m", "30d", "0s"). Pure.
namespace registry_exporter {

/// Also takes a fraction of one unit ("0.5s"). nullopt: not a duration, negative, or over 100
/// years.
std::optional<Millis> parse_duration(std::string_view text);

/// The shortest spelling: "1h30m", "500ms", "0s".
std::string format_duration(Millis duration);

}  // namespace registry_exporter
