#include "exporter/model/native_histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace registry_exporter {
namespace {

/// Bounds between 0.5 and 1 of schema 3, as Prometheus' clients have them: 2^(-8/8) … 2^(-1/8).
constexpr std::array<double, 8> kFractions{0.5,
                                           0.5452538663326288,
                                           0.5946035575013605,
                                           0.6484197773255048,
                                           0.7071067811865475,
                                           0.7711054127039704,
                                           0.8408964152537144,
                                           0.9170040432046711};
constexpr int kPerOctave = static_cast<int>(kFractions.size());
constexpr double kShortest = 0.001;  // No duration but 0 is shorter.

/// Of the bucket of schema 3 that `seconds` (above 0) belong to.
std::int32_t index_of(double seconds) {
  int exponent = 0;
  const double fraction = std::frexp(seconds, &exponent);
  const auto bound = std::lower_bound(kFractions.begin(), kFractions.end(), fraction);
  return static_cast<std::int32_t>(bound - kFractions.begin()) + (exponent - 1) * kPerOctave;
}

/// The upper bound of a bucket of schema 3.
double bound_of(std::int32_t index) {
  const std::int32_t octave = index >> 3;  // Rounds down, also below 0.
  return std::ldexp(kFractions[static_cast<std::size_t>(index - octave * kPerOctave)], octave + 1);
}

/// Of the bucket of a schema `halvings` below that holds bucket `index`: half of it, rounded up,
/// each time.
std::int32_t coarser(std::int32_t index, std::int32_t halvings) { return -(-index >> halvings); }

void halve_resolution(NativeHistogram& histogram) {
  --histogram.schema;
  auto& buckets = histogram.buckets;
  std::size_t used = 0;
  for (const NativeBucket bucket : buckets) {
    const std::int32_t index = coarser(bucket.index, 1);
    if (used > 0 && buckets[used - 1].index == index) {
      buckets[used - 1] = {index, buckets[used - 1].count + bucket.count};
    } else {
      buckets[used++] = {index, bucket.count};
    }
  }
  buckets.resize(used);
}

/// `index` is one of schema 3.
void add(NativeHistogram& histogram, std::int32_t index, std::uint64_t times) {
  if (times == 0) return;
  const std::int32_t wanted = coarser(index, kNativeSchemaMax - histogram.schema);
  auto& buckets = histogram.buckets;
  const auto at =
      std::lower_bound(buckets.begin(), buckets.end(), wanted,
                       [](const NativeBucket& bucket, std::int32_t i) { return bucket.index < i; });
  if (at != buckets.end() && at->index == wanted) {
    *at = {wanted, at->count + times};
    return;
  }
  buckets.insert(at, {wanted, times});
  while (buckets.size() > kNativeBucketsMax && histogram.schema > kNativeSchemaMin) {
    halve_resolution(histogram);
  }
}

/// Spreads `count` observations evenly over what is above `low` and at most `high`.
void spread(NativeHistogram& histogram, double low, double high, std::uint64_t count) {
  const std::int32_t last = index_of(high);
  std::uint64_t before = 0;
  for (std::int32_t i = index_of(std::max(low, kShortest)); before < count; ++i) {
    std::uint64_t below = count;
    if (i < last) {
      const double part = std::max(0.0, (bound_of(i) - low) / (high - low));
      below = std::min(count, static_cast<std::uint64_t>(part * static_cast<double>(count) + 0.5));
    }
    add(histogram, i, below - before);
    before = below;
  }
}

}  // namespace

bool is_valid(const NativeHistogram& histogram) {
  const auto& buckets = histogram.buckets;
  if (histogram.schema < kNativeSchemaMin || histogram.schema > kNativeSchemaMax) return false;
  if (buckets.size() > kNativeBucketsMax) return false;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const NativeBucket& bucket = buckets[i];
    const bool rises = i == 0 || buckets[i - 1].index < bucket.index;
    if (!rises || bucket.count == 0 || std::abs(bucket.index) > kNativeIndexMax) return false;
  }
  return true;
}

void observe(NativeHistogram& histogram, Millis duration, std::uint64_t times) {
  if (duration.count() == 0) {
    histogram.zeros += times;
    return;
  }
  add(histogram, index_of(static_cast<double>(duration.count()) / 1000.0), times);
}

NativeHistogram native_from_classic(std::span<const std::uint64_t> counts,
                                    std::span<const double> bounds) {
  NativeHistogram histogram;
  double low = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (i >= bounds.size()) {
      add(histogram, bounds.empty() ? 0 : index_of(bounds.back()) + 1, counts[i]);
      continue;
    }
    spread(histogram, low, bounds[i], counts[i]);
    low = bounds[i];
  }
  return histogram;
}

}  // namespace registry_exporter
