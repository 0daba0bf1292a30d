#include "exporter/model/duration_histogram.h"

#include <algorithm>

namespace registry_exporter {

DurationHistogram empty_histogram(std::span<const double> bounds) {
  DurationHistogram histogram;
  histogram.counts.assign(bounds.size() + 1, 0);
  return histogram;
}

std::size_t observe(DurationHistogram& histogram, std::span<const double> bounds, Millis duration) {
  const double seconds = static_cast<double>(duration.count()) / 1000.0;
  const auto bound = std::lower_bound(bounds.begin(), bounds.end(), seconds);
  const auto bucket = static_cast<std::size_t>(bound - bounds.begin());
  ++histogram.counts[bucket];
  histogram.sum_ms += static_cast<std::uint64_t>(duration.count());
  observe(histogram.native, duration);
  return bucket;
}

bool lacks_native(const DurationHistogram& histogram) {
  return histogram.native.count() != histogram.count();
}

void restore_native(DurationHistogram& histogram, std::span<const double> bounds) {
  histogram.native = native_from_classic(histogram.counts, bounds);
}

}  // namespace registry_exporter
