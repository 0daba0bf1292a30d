#include "exporter/model/duration_histogram.h"

#include <doctest/doctest.h>

using namespace registry_exporter;

namespace {

const std::vector<double> kBounds{10, 60};

}  // namespace

TEST_CASE("duration histogram: each observation is in one bucket of each kind, and in the sum") {
  DurationHistogram histogram = empty_histogram(kBounds);
  CHECK(histogram.counts == std::vector<std::uint64_t>{0, 0, 0});
  CHECK(observe(histogram, kBounds, Millis{10'000}) == 0);  // Bounds belong to what is below them.
  CHECK(observe(histogram, kBounds, Millis{10'001}) == 1);
  CHECK(observe(histogram, kBounds, Millis{0}) == 0);
  CHECK(observe(histogram, kBounds, Millis{3'600'000}) == 2);
  CHECK(histogram.counts == std::vector<std::uint64_t>{2, 1, 1});
  CHECK(histogram.sum_ms == 3'620'001);
  CHECK(histogram.native == NativeHistogram{3, 1, {{27, 2}, {95, 1}}});
  CHECK(histogram.count() == histogram.native.count());
}

TEST_CASE("duration histogram: one from before native buckets gets them, the rest stays") {
  DurationHistogram old{{4, 3, 2}, 777, {}, UnixMillis{Millis{5}}};
  DurationHistogram restored = old;
  CHECK(lacks_native(restored));
  restore_native(restored, kBounds);
  CHECK(restored.native.count() == 9);
  CHECK(restored.counts == old.counts);
  CHECK(restored.sum_ms == old.sum_ms);
  CHECK(restored.created_at == old.created_at);
  const DurationHistogram once = restored;
  CHECK_FALSE(lacks_native(restored));
  observe(restored, kBounds, Millis{30'000});
  CHECK_FALSE(lacks_native(restored));
  CHECK(restored.native.count() == once.native.count() + 1);
  CHECK_FALSE(lacks_native(empty_histogram(kBounds)));
}
