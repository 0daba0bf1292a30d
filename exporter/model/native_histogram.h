#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "exporter/base/clock.h"

namespace registry_exporter {

/// A bucket counts no further.
inline constexpr std::uint64_t kNativeCountMax = (std::uint64_t{1} << 48) - 1;

/// Bucket i of schema s holds durations above 2^((i-1)/2^s) and of at most 2^(i/2^s) seconds. It
/// takes 8 bytes, because buckets are most of what a histogram is made of.
struct NativeBucket {
  std::int64_t index : 16 = 0;
  std::uint64_t count : 48 = 0;  ///< Of this bucket alone.

  NativeBucket() = default;
  /// An index that does not fit becomes one that is_valid() refuses.
  NativeBucket(std::int64_t at, std::uint64_t observations)
      : index(static_cast<std::int16_t>(std::clamp<std::int64_t>(at, INT16_MIN, INT16_MAX))),
        // `&` shows the compiler that it fits.
        count(std::min(observations, kNativeCountMax) & kNativeCountMax) {}
  bool operator==(const NativeBucket&) const = default;
};
static_assert(sizeof(NativeBucket) == 8);

/// The buckets of a native histogram of durations (Prometheus' exponential schemas). Only buckets
/// with observations exist.
struct NativeHistogram {
  std::int32_t schema = 3;            ///< Bounds grow by a factor of 2^(1/2^schema).
  std::uint64_t zeros = 0;            ///< Durations of 0.
  std::vector<NativeBucket> buckets;  ///< Sorted by index; none is empty.
  std::uint64_t count() const {
    std::uint64_t all = zeros;
    for (const NativeBucket& bucket : buckets) all += bucket.count;
    return all;
  }
  bool operator==(const NativeHistogram&) const = default;
};

inline constexpr std::int32_t kNativeSchemaMax = 3;
inline constexpr std::int32_t kNativeSchemaMin = -4;  ///< Prometheus knows none below.
inline constexpr std::size_t kNativeBucketsMax = 160;
/// What is at most this far from 0 is in the bucket of zeros: Prometheus' default.
inline constexpr double kNativeZeroThreshold = 0x1p-128;

/// No index is further from 0: that of the longest duration.
inline constexpr std::int32_t kNativeIndexMax = 1024 * 8;
/// Schema, number and order of the buckets are as they have to be.
bool is_valid(const NativeHistogram& histogram);

/// Adds observations of one duration, which is not negative. With more than kNativeBucketsMax
/// buckets the resolution is halved: neighbours are joined, and the schema falls by one. Pure.
void observe(NativeHistogram& histogram, Millis duration, std::uint64_t times = 1);

/// What can be told from classic buckets alone: as many observations, spread evenly over each of
/// them, as histogram_quantile() takes them to be. What is above the highest bound is just above
/// it. `counts` are not cumulative and have one more item than `bounds` (seconds). Pure.
NativeHistogram native_from_classic(std::span<const std::uint64_t> counts,
                                    std::span<const double> bounds);

}  // namespace registry_exporter
