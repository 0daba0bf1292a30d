#include "tests/sim/simulation.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <utility>

#include "exporter/base/log.h"

using namespace registry_exporter;

namespace {

/// Seeds that once failed: kept for ever.
constexpr std::uint64_t kOnceFailed[] = {1};

/// SIM_SEEDS=A..B in the environment: a campaign of those.
std::pair<std::uint64_t, std::uint64_t> seeds() {
  const char* wanted = std::getenv("SIM_SEEDS");
  std::pair<std::uint64_t, std::uint64_t> range{1, 40};
  if (wanted != nullptr) {
    char* rest = nullptr;
    range.first = std::strtoull(wanted, &rest, 10);
    range.second = std::strtoull(rest + 2, nullptr, 10);
  }
  return range;
}

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
  const auto [first, last] = seeds();
  for (std::uint64_t seed = first; seed <= last; ++seed) check(seed, all);
  const int lives = static_cast<int>(last - first + 1);
  CHECK(all.scrapes >= 30 * lives);
  CHECK(all.crashes >= 3 * lives);
  CHECK(all.disk_failures >= 2 * lives);
  CHECK(all.counted >= 500 * static_cast<std::uint64_t>(lives));
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
