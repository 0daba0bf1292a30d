#include "exporter/ingest/view.h"

#include <doctest/doctest.h>

#include <array>

using namespace registry_exporter;
using namespace registry_exporter::ingest;

namespace {

constexpr std::array<Millis, 2> kWindows = {std::chrono::minutes(10), std::chrono::hours(1)};

UnixMillis minute(int number) { return UnixMillis{std::chrono::minutes(number)}; }

/// A build that ended in that minute.
void ended(RepositoryState& state, int at, Outcome outcome,
           RecordClass record_class = RecordClass::counted) {
  state.ledger.closed.push_back({static_cast<RecordKey>(state.ledger.closed.size() + 1),
                                 minute(at - 1), minute(at), record_class, outcome});
  auto& last = state.ledger.last_end[outcome];
  if (!last || *last < minute(at)) last = minute(at);
}

RepositoryView view_at(const RepositoryState& state, int now) {
  return make_view(state, kWindows, minute(now), nullptr);
}

}  // namespace

TEST_CASE("view: a streak of failures is those since the newest success, however they are listed") {
  RepositoryState state;
  state.kind = &kBuilds;
  ended(state, 30, Outcome::failed);
  CHECK(view_at(state, 60).consecutive_failed == 1);
  ended(state, 20, Outcome::success);
  ended(state, 10, Outcome::failed);
  ended(state, 40, Outcome::failed);
  ended(state, 45, Outcome::canceled);
  ended(state, 50, Outcome::failed, RecordClass::vanished);
  CHECK(view_at(state, 60).consecutive_failed == 2);
  ended(state, 55, Outcome::success);
  CHECK(view_at(state, 60).consecutive_failed == 0);
}

TEST_CASE("view: a window holds what ended within it, its edge included, and loses it with time") {
  RepositoryState state;
  state.kind = &kBuilds;
  ended(state, 50, Outcome::success);
  ended(state, 49, Outcome::success);
  ended(state, 55, Outcome::failed, RecordClass::vanished);
  const auto view = std::make_shared<const RepositoryView>(view_at(state, 60));
  CHECK(view->recent[0][Outcome::success] == 1);
  CHECK(view->recent[1][Outcome::success] == 2);
  CHECK(view->recent[0][Outcome::failed] == 0);
  CHECK(with_windows_moved(view, state.ledger, kWindows, minute(60)) == nullptr);
  const auto later = with_windows_moved(view, state.ledger, kWindows, minute(61));
  REQUIRE(later);
  CHECK(later->recent[0][Outcome::success] == 0);
  CHECK(later->recent[1][Outcome::success] == 2);
}

TEST_CASE("view: equal counters are shared with the view before, changed ones are not") {
  RepositoryState state;
  state.kind = &kBuilds;
  state.ledger.counters.events[Outcome::success] = 3;
  const RepositoryView before = view_at(state, 1);
  CHECK(make_view(state, kWindows, minute(2), &before).counters == before.counters);
  ++state.ledger.counters.events[Outcome::success];
  CHECK(make_view(state, kWindows, minute(2), &before).counters != before.counters);
}

TEST_CASE("view: held series show 0, the others what they are") {
  EventCounters counters;
  counters.events[Outcome::success] = 5;
  counters.events[Outcome::failed] = 2;
  counters.durations[Outcome::success] =
      DurationHistogram{{1, 4}, 900, {3, 1, {{-3, 4}}}, UnixMillis{Millis{7}}};
  RepositoryView view;
  view.events_held[Outcome::failed] = view.durations_held[Outcome::success] = true;
  const EventCounters shown = with_holds(counters, held_series(view));
  CHECK(shown.events[Outcome::success] == 5);
  CHECK(shown.events[Outcome::failed] == 0);
  REQUIRE(shown.durations[Outcome::success]);
  CHECK(*shown.durations[Outcome::success] ==
        DurationHistogram{{0, 0}, 0, {}, UnixMillis{Millis{7}}});
  CHECK((held_series(view) & ~series_at_zero(shown)) == 0);
  CHECK((held_series(view) & series_at_zero(counters)) == 0);
}
