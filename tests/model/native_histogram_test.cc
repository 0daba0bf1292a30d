#include "exporter/model/native_histogram.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

namespace registry_exporter {
namespace {

using Buckets = std::vector<NativeBucket>;

NativeHistogram of(const std::vector<std::int64_t>& milliseconds) {
  NativeHistogram histogram;
  for (const std::int64_t each : milliseconds) observe(histogram, Millis{each});
  return histogram;
}

double upper_bound(const NativeHistogram& histogram, std::int32_t index) {
  return std::exp2(index * std::exp2(-histogram.schema));
}

/// As histogram_quantile() finds its bucket.
double upper_bound_of_quantile(const NativeHistogram& histogram, double quantile) {
  const double rank = quantile * static_cast<double>(histogram.count());
  auto before = static_cast<double>(histogram.zeros);
  for (const NativeBucket& bucket : histogram.buckets) {
    before += static_cast<double>(bucket.count);
    if (before >= rank) return upper_bound(histogram, bucket.index);
  }
  return std::numeric_limits<double>::infinity();
}

TEST_CASE(
    "native histogram: a duration is in the bucket whose bounds hold it, the upper included") {
  struct Row {
    std::int64_t milliseconds;
    std::int32_t index;
  };
  const Row rows[] = {{1, -79},   {2, -71},   {125, -24},   {126, -23},      {500, -8},
                      {999, 0},   {1'000, 0}, {1'001, 1},   {1'090, 1},      {1'091, 2},
                      {2'000, 8}, {2'001, 9}, {60'000, 48}, {7'200'000, 103}};
  for (const Row& row : rows) {
    CAPTURE(row.milliseconds);
    CHECK(of({row.milliseconds}).buckets == Buckets{{row.index, 1}});
  }
  CHECK(of({0, 0}) == NativeHistogram{3, 2, {}});
}

TEST_CASE("native histogram: any duration lies between the bounds of its bucket") {
  std::mt19937_64 dice(7);
  for (int i = 0; i < 20'000; ++i) {
    const auto milliseconds = static_cast<std::int64_t>(dice() >> (1 + dice() % 62)) + 1;
    CAPTURE(milliseconds);
    const NativeHistogram histogram = of({milliseconds});
    const std::int32_t index = histogram.buckets.at(0).index;
    const double seconds = static_cast<double>(milliseconds) / 1000;
    CHECK(seconds <= upper_bound(histogram, index) * (1 + 1e-12));
    CHECK(seconds > upper_bound(histogram, index - 1) * (1 - 1e-12));
  }
}

TEST_CASE("native histogram: buckets are sorted, counted apart, and none is empty") {
  CHECK(of({60'000, 1'000, 60'000, 0, 500}) == NativeHistogram{3, 1, {{-8, 1}, {0, 1}, {48, 2}}});
  CHECK(of({60'000, 1'000, 60'000, 0, 500}).count() == 5);
  NativeHistogram histogram;
  observe(histogram, Millis{1'000}, 0);
  CHECK(histogram == NativeHistogram{});
}

TEST_CASE("native histogram: buckets that are stored out of order are none of ours") {
  CHECK(is_valid({3, 0, {{1, 1}, {2, 1}}}));
  CHECK_FALSE(is_valid({3, 0, {{2, 1}, {1, 1}}}));
  CHECK_FALSE(is_valid({3, 0, {{1, 1}, {1, 1}}}));
}

TEST_CASE("native histogram: the 161st bucket halves the resolution, and no observation is lost") {
  NativeHistogram histogram;
  std::vector<double> seen;
  int before = 0;
  for (double seconds = 0.001; seconds < 1e13; seconds *= std::exp2(1.0 / 8)) {
    const Millis duration{static_cast<std::int64_t>(seconds * 1000)};
    observe(histogram, duration);
    seen.push_back(static_cast<double>(duration.count()) / 1000);
    CHECK(histogram.buckets.size() <= kNativeBucketsMax);
    CHECK(histogram.count() == seen.size());
    if (histogram.schema == 2 && before == 3) CHECK(histogram.buckets.size() >= 80);
    before = histogram.schema;
  }
  CHECK(histogram.schema == 1);
  std::size_t at = 0;
  for (const NativeBucket& bucket : histogram.buckets) {
    std::uint64_t inside = 0;
    for (; at < seen.size() && seen[at] <= upper_bound(histogram, bucket.index) * (1 + 1e-12);
         ++at) {
      ++inside;
    }
    CHECK(inside == bucket.count);
  }
  CHECK(at == seen.size());
  observe(histogram, Millis{1'000});  // Later ones are counted in the coarser buckets.
  CHECK(histogram.count() == seen.size() + 1);
  CHECK(histogram.schema == 1);
}

TEST_CASE("native histogram: joined buckets are those of the coarser schema, below 1 s too") {
  NativeHistogram fine;
  for (std::int32_t i = -79; i <= 81; ++i) {
    const double inside = std::exp2((i - 0.5) / 8);
    observe(fine, Millis{static_cast<std::int64_t>(std::ceil(inside * 1000))});
  }
  for (std::int64_t milliseconds = 100'000'000'000; fine.schema == 3; milliseconds *= 2) {
    observe(fine, Millis{milliseconds});
  }
  const auto at_2 = [&](std::int32_t index) {
    for (const NativeBucket& bucket : fine.buckets) {
      if (bucket.index == index) return bucket.count;
    }
    return std::uint64_t{0};
  };
  CHECK(at_2(0) == 2);    // (0.841, 1]: buckets -1 and 0 of schema 3.
  CHECK(at_2(1) == 2);    // (1, 1.189]: 1 and 2.
  CHECK(at_2(-12) == 2);  // (0.105, 0.125]: -25 and -24.
}

TEST_CASE("native histogram: of classic buckets, each observation stays between their bounds") {
  const std::vector<double> bounds{10, 60, 600};
  struct Row {
    const char* name;
    std::vector<std::uint64_t> counts;
  };
  const Row rows[] = {{"nothing", {0, 0, 0, 0}},
                      {"one each", {1, 1, 1, 1}},
                      {"many", {1'000, 30'000, 7, 12}},
                      {"only the last", {0, 0, 0, 9}},
                      {"very many", {(std::uint64_t{1} << 50) + 1, 3, 0, 0}}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const NativeHistogram histogram = native_from_classic(row.counts, bounds);
    CHECK(histogram.schema == 3);
    std::vector<std::uint64_t> found(4);
    for (const NativeBucket& bucket : histogram.buckets) {
      // The bucket that a bound lies in belongs to what is below the bound.
      std::size_t i = 0;
      while (i < bounds.size() && upper_bound(histogram, bucket.index - 1) >= bounds[i]) ++i;
      found[i] += bucket.count;
    }
    std::uint64_t all = 0;
    for (const std::uint64_t count : row.counts) all += count;
    CHECK(histogram.count() == all);
    // Less than a bucket's share may lie on the other side of a bound.
    if (all < 10) CHECK(found[3] == row.counts[3]);
    for (std::size_t i = 0; i < 4; ++i) {
      const double difference = static_cast<double>(found[i]) - static_cast<double>(row.counts[i]);
      CHECK(std::abs(difference) <= 0.1 * static_cast<double>(all) + 1);
    }
  }
}

TEST_CASE("native histogram: quantiles of classic buckets stay what they were, within a bucket") {
  const std::vector<double> bounds{10, 30, 60, 120, 300, 600};
  const std::vector<std::uint64_t> counts{100, 400, 300, 100, 80, 20, 0};
  const NativeHistogram histogram = native_from_classic(counts, bounds);
  // By linear interpolation, as Prometheus does it for classic buckets.
  const std::vector<std::pair<double, double>> quantiles{
      {0.05, 5}, {0.1, 10}, {0.3, 20}, {0.5, 30}, {0.65, 45}, {0.8, 60}, {0.9, 120}, {0.99, 450}};
  for (const auto& [quantile, seconds] : quantiles) {
    CAPTURE(quantile);
    const double bound = upper_bound_of_quantile(histogram, quantile);
    CHECK(bound >= seconds / std::exp2(1.0 / 8));
    CHECK(bound <= seconds * std::exp2(2.0 / 8));
  }
}

TEST_CASE("native histogram: classic buckets without bounds, or with tiny ones, lose nothing") {
  CHECK(native_from_classic(std::vector<std::uint64_t>{5}, {}).count() == 5);
  const std::vector<double> tiny{1e-9, 1e-3, 1e300};
  CHECK(native_from_classic(std::vector<std::uint64_t>{1, 2, 3, 4}, tiny).count() == 10);
}

TEST_CASE("native histogram: an index that does not fit into a bucket is refused") {
  for (const std::int64_t index : {kNativeIndexMax + 0L, -kNativeIndexMax + 0L}) {
    const NativeBucket bucket(index, 1);
    CHECK(bucket.index == index);
    CHECK(is_valid({3, 0, {bucket}}));
  }
  for (const std::int64_t index : {kNativeIndexMax + 1L, -kNativeIndexMax - 1L, 65'536L, -65'536L,
                                   65'537L, INT64_MAX, INT64_MIN}) {
    CAPTURE(index);
    CHECK_FALSE(is_valid({3, 0, {{index, 1}}}));
  }
}

TEST_CASE("native histogram: a bucket that is full stays full") {
  constexpr std::uint64_t kMore = (std::uint64_t{1} << 48) + 5;
  CHECK(NativeBucket(1, kNativeCountMax - 1).count == kNativeCountMax - 1);
  CHECK(NativeBucket(1, kMore).count == kNativeCountMax);
  NativeHistogram histogram;
  observe(histogram, Millis{1'000}, kMore);
  observe(histogram, Millis{1'000});
  CHECK(histogram.count() == kNativeCountMax);
  CHECK(is_valid(histogram));
}

}  // namespace
}  // namespace registry_exporter
