#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/model/history.h"

/// The past as OpenMetrics: counters and histograms as they would have stood. Pure.
namespace registry_exporter::exposition {

struct HistoryOptions {
  Millis step{60'000};                                      ///< ≥ 1 s
  std::vector<double> bucket_bounds;                        ///< Seconds, strictly increasing.
  std::vector<std::pair<std::string, std::string>> labels;  ///< Added to each series.
  std::vector<std::string> disabled;                        ///< Families not wanted.
};

/// One sample of a series: its time, and how many of the series' events had happened by then.
struct SamplePoint {
  UnixMillis at;
  std::size_t events = 0;
  bool operator==(const SamplePoint&) const = default;
};

/// When a series with these events (sorted, none after `until`) is sampled, in time order:
///  - 0, one step before `first`;
///  - in each step with events, at the last of them, and one step before the first of them unless
///    there is a sample since: two samples, so that increase() over a short range has something to
///    compare;
///  - at `until`, where the series then stands: increase() up to there is not extrapolated.
/// Neighbours are at least 2 ms apart, because promtool reads seconds as floating point.
std::vector<SamplePoint> sample_points(std::span<const UnixMillis> events, UnixMillis first,
                                       UnixMillis until, Millis step);

/// Whether the series have a label of this name themselves.
bool is_history_label(std::string_view name);

/// Writes everything, in pieces, "# EOF" last. Families are grouped, then series.
void write_history(const std::vector<RegistryHistory>& registries, const HistoryOptions& options,
                   const std::function<void(std::string_view)>& write);

}  // namespace registry_exporter::exposition
