#include "exporter/ingest/beginnings.h"

#include <doctest/doctest.h>

#include "exporter/ingest/tracked_registry.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;

namespace {

constexpr UnixMillis at(std::int64_t seconds) { return UnixMillis{Millis{seconds * 1000}}; }

/// With one counted success, one counted failure and one success of the baseline.
RepositoryState with_events() {
  RepositoryState state;
  Ledger& ledger = state.ledger;
  ledger.closed = {{1, at(90), at(100), RecordClass::counted, Outcome::success},
                   {2, at(40), at(50), RecordClass::counted, Outcome::failed},
                   {3, at(10), at(20), RecordClass::baseline, Outcome::success}};
  ledger.counters.durations[Outcome::success].emplace();
  ledger.counters.durations[Outcome::failed].emplace();
  ledger.counters.durations[Outcome::canceled].emplace();
  return state;
}

}  // namespace

TEST_CASE("beginnings: a series begins when it is first shown, and keeps that") {
  RepositoryState state;
  note_beginnings(state, at(1'000));
  CHECK(state.ledger.counters.created_at == at(1'000));
  note_beginnings(state, at(2'000));
  CHECK(state.ledger.counters.created_at == at(1'000));
  state.ledger.counters.durations[Outcome::failed].emplace();  // A status seen for the first time.
  note_beginnings(state, at(3'000));
  CHECK(state.ledger.counters.created_at == at(1'000));
  CHECK(state.ledger.counters.durations[Outcome::failed]->created_at == at(3'000));
}

TEST_CASE("beginnings: what shows events from before began with the first of them") {
  RepositoryState state = with_events();
  note_beginnings(state, at(1'000));
  const EventCounters& counters = state.ledger.counters;
  CHECK(counters.created_at == at(50));
  CHECK(counters.durations[Outcome::success]->created_at == at(100));
  CHECK(counters.durations[Outcome::failed]->created_at == at(50));
  CHECK(counters.durations[Outcome::canceled]->created_at == at(1'000));
}

TEST_CASE("beginnings: an event that ends in the future makes no series begin there") {
  RepositoryState state = with_events();
  note_beginnings(state, at(60));
  CHECK(state.ledger.counters.durations[Outcome::success]->created_at == at(60));
}

TEST_CASE("beginnings: what does not show yet has not begun") {
  RepositoryState state = with_events();
  state.hidden = true;
  note_beginnings(state, at(1'000));
  adopt_beginnings(state, at(500));
  CHECK_FALSE(state.ledger.counters.created_at);
  CHECK_FALSE(state.ledger.counters.durations[Outcome::success]->created_at);
}

TEST_CASE("beginnings: of a state that does not tell, series began with the registry") {
  RepositoryState state = with_events();
  state.ledger.counters.durations[Outcome::failed].edit().created_at = at(7);
  adopt_beginnings(state, at(500));
  note_beginnings(state, at(1'000));
  const EventCounters& counters = state.ledger.counters;
  CHECK(counters.created_at == at(500));
  CHECK(counters.durations[Outcome::success]->created_at == at(500));
  CHECK(counters.durations[Outcome::failed]->created_at == at(7));
}

TEST_CASE("beginnings: after an upgrade series began with their registry, not with the process") {
  TrackedRegistry registry;
  registry.state.created_at = at(500);
  auto list = std::make_unique<TrackedList>();
  list->state.ref = {"team", "app", ""};
  list->state.kind = &kBuilds;
  const EventCounters& counters = list->state.ledger.counters;
  registry.add(std::move(list));
  complete_counters(registry, {}, at(1'000));
  CHECK(counters.created_at == at(500));
}

TEST_CASE("beginnings: histograms of new bounds begin when these are adopted") {
  TrackedRegistry registry;
  registry.state.created_at = at(500);
  registry.state.bucket_bounds = {10};
  auto list = std::make_unique<TrackedList>();
  list->state = with_events();
  list->state.ref = {"team", "app", ""};
  list->state.kind = &kBuilds;
  auto& histogram = list->state.ledger.counters.durations[Outcome::success];
  histogram.edit().created_at = at(600);
  registry.add(std::move(list));
  ReadRules rules;
  rules.bucket_bounds = {10, 60};
  REQUIRE(adopt_bucket_bounds(registry, rules, at(1'000)));
  CHECK(histogram->created_at == at(1'000));
}
