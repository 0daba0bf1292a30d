#include "exporter/ingest/cycle.h"

#include <doctest/doctest.h>

#include "exporter/ingest/tracked_list.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;
using std::chrono::minutes;
using std::chrono::seconds;
using Kind = ScrapeTicket::Kind;
using Work = CycleTask::Work;

namespace {

constexpr CycleOptions kOptions{seconds(15), minutes(10), minutes(2), 3};

SteadyTime at(Millis span) { return SteadyTime{std::chrono::hours(1)} + span; }

Plan::Item due_now(TrackedList& list, std::uint64_t demand) {
  return {&list, demand, {Urgency::overdue, 1}, std::nullopt};
}

/// A cycle whose discovery is over, with one list left to read.
ScrapeTicket begin_with(Cycle& cycle, TrackedList& list, SteadyTime now) {
  const ScrapeTicket ticket = cycle.begin_scrape(now, false);
  const CycleTask task = cycle.take_task();
  REQUIRE(task.work == Work::discovery);
  cycle.discovered(now, true);
  cycle.finish_task(task);
  cycle.plan({due_now(list, cycle.demand())});
  return ticket;
}

}  // namespace

TEST_CASE("cycle: a scrape waits for what was due when it came, and for nothing that came later") {
  Cycle cycle(kOptions);
  TrackedList early, late;
  const ScrapeTicket first = begin_with(cycle, early, at(seconds(0)));
  CHECK(first.kind == Kind::joined);
  const CycleTask reads_early = cycle.take_task();
  const ScrapeTicket second = cycle.begin_scrape(at(seconds(1)), false);
  cycle.plan({due_now(late, cycle.demand())});
  CHECK(cycle.is_waiting(first));
  cycle.finish_task(reads_early);
  CHECK_FALSE(cycle.is_waiting(first));
  CHECK(cycle.is_waiting(second));
  CHECK_FALSE(cycle.end_if_done(at(seconds(2))));
  cycle.finish_task(cycle.take_task());
  CHECK_FALSE(cycle.is_waiting(second));
  const std::optional<CycleEnd> ended = cycle.end_if_done(at(seconds(3)));
  REQUIRE(ended);
  CHECK(ended->complete);
  CHECK(ended->seconds == 3.0);
  CHECK(cycle.succeeded(first));
}

TEST_CASE("cycle: within min_interval of its end a scrape is cached, whoever failed") {
  Cycle cycle(kOptions);
  TrackedList list;
  begin_with(cycle, list, at(seconds(0)));
  cycle.finish_task(cycle.take_task());
  cycle.end_if_done(at(seconds(1)));
  const ScrapeTicket soon = cycle.begin_scrape(at(seconds(15)), false);
  CHECK(soon.kind == Kind::cached);
  CHECK_FALSE(cycle.is_waiting(soon));
  CHECK(cycle.succeeded(soon));
  CHECK(cycle.begin_scrape(at(seconds(16)), false).kind == Kind::joined);
}

TEST_CASE("cycle: a failure makes every scrape that waits incomplete, and no later one") {
  Cycle cycle(kOptions);
  TrackedList list;
  const ScrapeTicket ticket = begin_with(cycle, list, at(seconds(0)));
  cycle.finish_task(cycle.take_task());
  cycle.note_failure();
  const std::optional<CycleEnd> ended = cycle.end_if_done(at(seconds(1)));
  REQUIRE(ended);
  CHECK_FALSE(ended->complete);
  CHECK_FALSE(cycle.succeeded(ticket));
  CHECK(cycle.succeeded(cycle.begin_scrape(at(minutes(1)), false)));
}

TEST_CASE("cycle: while nothing can be saved scrapes are refused and no work is given out") {
  Cycle cycle(kOptions);
  TrackedList list;
  const ScrapeTicket ticket = begin_with(cycle, list, at(seconds(0)));
  cycle.saved(false);
  CHECK(cycle.take_task().work == Work::none);
  CHECK_FALSE(cycle.is_waiting(ticket));
  CHECK_FALSE(cycle.succeeded(ticket));
  CHECK(cycle.begin_scrape(at(seconds(1)), false).kind == Kind::refused);
  cycle.saved(true);
  cycle.end_if_done(at(seconds(2)));
  CHECK(cycle.begin_scrape(at(minutes(1)), false).kind == Kind::joined);
}

TEST_CASE("cycle: it is given up when nothing answers, and planned lists are free again") {
  Cycle cycle(kOptions);
  TrackedList list;
  list.schedule.planned = 1;
  const ScrapeTicket ticket = begin_with(cycle, list, at(seconds(0)));
  const Error silent{ErrorKind::timeout, "no answer", {}, std::nullopt};
  cycle.react_to(silent, at(seconds(1)));
  cycle.react_to(silent, at(seconds(1)));
  cycle.note_answer();
  cycle.react_to(silent, at(seconds(1)));
  cycle.react_to(silent, at(seconds(1)));
  CHECK(cycle.is_waiting(ticket));
  cycle.react_to(silent, at(seconds(1)));
  CHECK_FALSE(cycle.is_waiting(ticket));
  CHECK_FALSE(list.schedule.planned);
}

TEST_CASE("cycle: a wait that the server names is kept; without one, work goes on") {
  Cycle cycle(kOptions);
  TrackedList list;
  const ScrapeTicket ticket = begin_with(cycle, list, at(seconds(0)));
  cycle.react_to(Error{ErrorKind::throttled, "slow down", {}, std::nullopt}, at(seconds(1)));
  CHECK(cycle.is_waiting(ticket));
  cycle.react_to(Error{ErrorKind::throttled, "slow down", {}, seconds(40)}, at(seconds(1)));
  CHECK_FALSE(cycle.is_waiting(ticket));
  cycle.end_if_done(at(seconds(1)));
  CHECK(cycle.begin_scrape(at(seconds(40)), false).kind == Kind::refused);
  CHECK(cycle.begin_scrape(at(seconds(41)), false).kind == Kind::joined);
}

TEST_CASE("cycle: discovery comes with its interval, or when it must, and one at a time") {
  Cycle cycle(kOptions);
  TrackedList list;
  begin_with(cycle, list, at(seconds(0)));
  cycle.finish_task(cycle.take_task());
  cycle.end_if_done(at(seconds(1)));
  cycle.begin_scrape(at(minutes(9)), false);
  CHECK(cycle.take_task().work == Work::none);
  cycle.begin_scrape(at(minutes(9)), true);
  CHECK(cycle.take_task().work == Work::discovery);
  cycle.begin_scrape(at(minutes(11)), true);
  CHECK(cycle.take_task().work == Work::none);
}
