#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/model/native_histogram.h"

namespace registry_exporter {

/// A histogram of durations, without the bounds of its classic buckets. Whole milliseconds and
/// whole counts. Classic and native buckets hold the same observations.
struct DurationHistogram {
  std::vector<std::uint64_t> counts;  ///< Per bucket, not cumulative; the last one is +Inf.
  std::uint64_t sum_ms = 0;
  NativeHistogram native{};
  std::optional<UnixMillis> created_at{};  ///< When the series began; nullopt: not told yet.
  std::uint64_t count() const {
    std::uint64_t all = 0;
    for (const std::uint64_t bucket : counts) all += bucket;
    return all;
  }
  bool operator==(const DurationHistogram&) const = default;
};

/// An empty one for these bounds: seconds, strictly increasing, without +Inf.
DurationHistogram empty_histogram(std::span<const double> bounds);

/// Adds an observation, which is not negative. Returns the number of its classic bucket.
std::size_t observe(DurationHistogram& histogram, std::span<const double> bounds, Millis duration);

/// The native buckets hold more or fewer observations than the classic ones, as in states from
/// before there were native ones.
bool lacks_native(const DurationHistogram& histogram);
/// Makes the native buckets of the classic ones.
void restore_native(DurationHistogram& histogram, std::span<const double> bounds);

}  // namespace registry_exporter
