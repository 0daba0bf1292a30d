#include "exporter/ingest/schedule.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr Millis kMaxStaleness = minutes(2);

RepositoryPace read_ago(Millis ago) {
  RepositoryPace pace;
  pace.since_read = ago;
  return pace;
}

}  // namespace

TEST_CASE("schedule: what is due, and how urgently") {
  struct Row {
    const char* name;
    RepositoryPace pace;
    std::optional<Urgency> urgency;
  };
  RepositoryPace building = read_ago(seconds(30));
  building.open = 2;
  RepositoryPace building_just_read = read_ago(seconds(4));
  building_just_read.open = 2;
  RepositoryPace hinted = read_ago(seconds(1));
  hinted.hinted = true;
  RepositoryPace active = read_ago(seconds(40));
  active.typical_gap = minutes(2);
  RepositoryPace calm = read_ago(seconds(40));
  calm.typical_gap = minutes(60);
  RepositoryPace failed = read_ago(minutes(9));
  failed.retry_in = seconds(3);
  RepositoryPace sweeping = read_ago(seconds(1));
  sweeping.sweep_due = true;
  const Row rows[] = {
      {"never read", {}, Urgency::first},
      {"just read", read_ago(seconds(1)), std::nullopt},
      {"read within max_staleness", read_ago(seconds(119)), std::nullopt},
      {"at max_staleness", read_ago(minutes(2)), Urgency::idle},
      {"long overdue", read_ago(minutes(4)), Urgency::overdue},
      {"with open builds", building, Urgency::following},
      {"with open builds, just read", building_just_read, std::nullopt},
      {"its listing changed", hinted, Urgency::hinted},
      {"usually active", active, Urgency::active},
      {"rarely active", calm, std::nullopt},
      {"failed just now", failed, std::nullopt},
      {"a sweep is due", sweeping, Urgency::idle},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto found = due(row.pace, kMaxStaleness);
    CHECK(found.has_value() == row.urgency.has_value());
    if (found && row.urgency) CHECK(found->urgency == *row.urgency);
  }
}

TEST_CASE("schedule: the more urgent goes first, then the one that has waited longest") {
  CHECK(more_urgent({Urgency::following, seconds(5)}, {Urgency::hinted, seconds(500)}));
  CHECK(more_urgent({Urgency::overdue, seconds(5)}, {Urgency::idle, seconds(500)}));
  CHECK(more_urgent({Urgency::idle, seconds(500)}, {Urgency::idle, seconds(5)}));
  CHECK_FALSE(more_urgent({Urgency::idle, seconds(5)}, {Urgency::idle, seconds(500)}));
}

TEST_CASE("schedule: a repository that fails is asked ever more rarely, up to max_staleness") {
  CHECK(retry_delay(1, false, kMaxStaleness) == seconds(5));
  CHECK(retry_delay(3, false, kMaxStaleness) == seconds(20));
  CHECK(retry_delay(99, false, kMaxStaleness) == kMaxStaleness);
  CHECK(retry_delay(1, true, kMaxStaleness) == kMaxStaleness);
}
