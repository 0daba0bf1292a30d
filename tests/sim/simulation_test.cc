#include "tests/sim/simulation.h"

#include <doctest/doctest.h>

#include "exporter/base/log.h"

using namespace registry_exporter;

namespace {

/// Seeds that once failed: kept for ever.
constexpr std::uint64_t kOnceFailed[] = {1};
constexpr std::uint64_t kSeeds = 40;

void check(std::uint64_t seed, History& all) {
  CAPTURE(seed);
  const History history = live_through(seed);
  CHECK(history.failure == "");
  all.scrapes += history.scrapes;
  all.crashes += history.crashes;
  all.disk_failures += history.disk_failures;
  all.counted += history.counted;
}

}  // namespace

TEST_CASE("simulation: whatever the clouds, the disk and crashes do, every record counts once") {
  log::configure(log::Level::error, log::Format::logfmt);
  History all;
  for (const std::uint64_t seed : kOnceFailed) check(seed, all);
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) check(seed, all);
  CHECK(all.scrapes > 1000);
  CHECK(all.crashes > 100);
  CHECK(all.disk_failures > 100);
  CHECK(all.counted > 10'000);
  MESSAGE("scrapes " << all.scrapes << ", crashes " << all.crashes << ", disk failures "
                     << all.disk_failures << ", records " << all.counted);
}

TEST_CASE("simulation: the same seed is the same history") {
  log::configure(log::Level::error, log::Format::logfmt);
  for (const std::uint64_t seed : {3U, 11U}) {
    const History first = live_through(seed);
    const History second = live_through(seed);
    CHECK(first.trace == second.trace);
    CHECK(first.counted == second.counted);
  }
}
