#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "tests/ingest/fake_list.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;

namespace {

const std::vector<double> kBounds{10, 60};
const UnixMillis kNow = at(1'000'000);

MergeEffects merge(Ledger& ledger, const std::vector<Record>& records) {
  MergeEffects effects;
  for (const Record& record : records) {
    merge_record(ledger, record, {&kBuilds, kNow, kBounds, true}, effects);
  }
  return effects;
}

}  // namespace

TEST_CASE("merge: every finished build counts exactly once, under its first final status") {
  struct Row {
    const char* name;
    std::vector<Record> records;
    std::uint64_t succeeded;
    std::uint64_t failed;
    std::size_t open;
  };
  const Row rows[] = {
      {"nothing listed", {}, 0, 0, 0},
      {"the same record twice", {done("a", 10), done("a", 10)}, 1, 0, 0},
      {"open, then finished", {runs("a", 10), done("a", 10, Outcome::failed)}, 0, 1, 0},
      {"finished, then open again", {done("a", 10), runs("a", 10)}, 1, 0, 0},
      {"finished, then another status", {done("a", 10), done("a", 10, Outcome::failed)}, 1, 0, 0},
      {"finished, then the id of a later build",
       {done("a", 10), done("a", 5000, Outcome::failed)},
       1,
       0,
       0},
      {"still open", {runs("a", 10), runs("a", 10)}, 0, 0, 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Ledger ledger;
    merge(ledger, row.records);
    CHECK(ledger.counters.events[Outcome::success] == row.succeeded);
    CHECK(ledger.counters.events[Outcome::failed] == row.failed);
    CHECK(ledger.open.size() == row.open);
    CHECK(imbalance(ledger) == 0);
  }
}

TEST_CASE("merge: shuffled and doubled input gives the same counters") {
  std::vector<Record> records;
  for (int i = 0; i < 60; ++i) {
    const std::string id = "b" + std::to_string(i);
    records.push_back(done(id, 1000 + i, i % 3 == 0 ? Outcome::failed : Outcome::success, i));
  }
  Ledger expected;
  merge(expected, records);
  std::mt19937_64 dice(7);
  for (int round = 0; round < 20; ++round) {
    std::vector<Record> shuffled = records;
    shuffled.insert(shuffled.end(), records.begin(), records.begin() + 30);
    std::shuffle(shuffled.begin(), shuffled.end(), dice);
    Ledger ledger;
    merge(ledger, shuffled);
    CHECK(ledger.counters == expected.counters);
    CHECK(ledger.closed == expected.closed);
  }
}

TEST_CASE("merge: a duration that makes no sense is not observed, the build still counts") {
  Record negative = done("n", 100);
  negative.ended_at = at(50);
  Record no_end = done("e", 100);
  no_end.ended_at.reset();
  Record no_start = done("s", 100);
  no_start.started_at.reset();
  Record ahead = done("a", 100, Outcome::success, 2'000'000);
  Ledger ledger;
  const MergeEffects effects = merge(ledger, {negative, no_end, no_start, ahead});
  CHECK(counted(ledger) == 4);
  CHECK(effects.invalid_durations[static_cast<std::size_t>(InvalidDuration::negative)] == 1);
  CHECK(effects.invalid_durations[static_cast<std::size_t>(InvalidDuration::missing)] == 2);
  REQUIRE(ledger.counters.durations[Outcome::success]);
  CHECK(ledger.counters.durations[Outcome::success]->count() == 1);
  for (const ClosedRecord& record : ledger.closed) CHECK(record.ended_at <= kNow);
}

TEST_CASE("merge: what has no start is placed at its end, or when it was first seen") {
  Ledger ledger;
  ledger.floor = kNow - std::chrono::hours(1);
  const auto without_start = [](Record record) {
    record.started_at.reset();
    return record;
  };
  Record timeless = without_start(done("t", 0));
  timeless.ended_at.reset();
  merge(ledger, {without_start(done("f", 1'000'000 - 605)), without_start(runs("r", 0)), timeless,
                 without_start(done("old", 1'000'000 - 7'200))});
  CHECK(counted(ledger) == 2);
  CHECK(late(ledger) == 1);  // As one that started before the floor.
  REQUIRE(ledger.open.size() == 1);
  CHECK(ledger.open[0].placed_at == kNow);
  const auto placed_at = [&](const char* id) {
    const auto found = std::find_if(ledger.closed.begin(), ledger.closed.end(),
                                    [&](const auto& each) { return each.key == record_key(id); });
    return found == ledger.closed.end() ? UnixMillis{} : found->placed_at;
  };
  CHECK(placed_at("f") == kNow - std::chrono::seconds(600));
  CHECK(placed_at("t") == kNow);
  CHECK(imbalance(ledger) == 0);
}

TEST_CASE("conclude_sweep: what has no start does not count again when it was forgotten") {
  for (const bool was_open : {false, true}) {
    CAPTURE(was_open);
    Ledger ledger;
    Record build = done("a", 999'000);
    build.started_at.reset();
    Record open = runs("a", 0);
    open.started_at.reset();
    if (was_open) merge(ledger, {open});
    merge(ledger, {build});
    SweepFindings findings;
    findings.lookback = std::chrono::seconds(500);
    findings.started_at = kNow + std::chrono::seconds(5'000);
    MergeEffects effects;
    conclude_sweep(ledger, findings, effects);  // It was not listed for a moment.
    MergeEffects again;
    merge_record(ledger, build, {&kBuilds, findings.started_at, kBounds, true}, again);
    CHECK(ledger.counters.events[Outcome::success] == 1);
  }
}

TEST_CASE("merge: a bucket's bound is inclusive") {
  Ledger ledger;
  merge(ledger, {done("a", 1, Outcome::success, 10), done("b", 1, Outcome::success, 11),
                 done("c", 1, Outcome::success, 61), done("d", 1, Outcome::success, 0)});
  CHECK(ledger.counters.durations[Outcome::success]->counts == std::vector<std::uint64_t>{2, 1, 1});
  CHECK(ledger.counters.durations[Outcome::success]->sum_ms == 82'000);
}

TEST_CASE("merge: a status that any finished build had is seen: its histogram is there, at 0") {
  Record no_span = done("n", 990'000, Outcome::failed);
  no_span.ended_at.reset();
  struct Row {
    const char* name;
    Record record;
    bool baseline;
    std::uint64_t observed;
  };
  const Row rows[] = {
      {"counted", done("a", 990'000, Outcome::failed), false, 1},
      {"counted without a span", no_span, false, 0},
      {"history", done("b", 990'000, Outcome::failed), true, 0},
      {"late", done("l", 10, Outcome::failed), false, 0},
      {"late history", done("l", 10, Outcome::failed), true, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Ledger ledger;
    ledger.floor = at(500'000);
    ledger.baseline_pending = row.baseline;
    merge(ledger, {row.record});
    const auto& durations = ledger.counters.durations[Outcome::failed];
    REQUIRE(durations);
    CHECK(durations->counts.size() == kBounds.size() + 1);
    CHECK(durations->count() == row.observed);
    CHECK(ledger.durations_held[Outcome::failed]);
    CHECK_FALSE(ledger.counters.durations[Outcome::success]);
    // Once it has shown 0, nothing more is held.
    ledger.durations_held = {};
    ledger.baseline_pending = false;
    merge(ledger, {done("next", 990'001, Outcome::failed)});
    CHECK(durations->count() == row.observed + 1);
    CHECK_FALSE(ledger.durations_held[Outcome::failed]);
  }
}

TEST_CASE("merge: what never was seen finished tells of no status") {
  Ledger ledger;
  ledger.floor = at(500'000);
  merge(ledger, {runs("open", 990'000), runs("open below the floor", 10)});
  for (int sweep = 0; sweep < 2; ++sweep) {
    MergeEffects effects;
    conclude_sweep(ledger, {.met = {}, .started_at = kNow}, effects);
  }
  CHECK(ledger.present[static_cast<std::size_t>(RecordClass::vanished)] == 1);
  for (const Outcome outcome : kBuilds.outcomes) {
    CHECK_FALSE(ledger.counters.durations[outcome]);
    CHECK_FALSE(ledger.last_end[outcome]);
  }
}

TEST_CASE("merge: deletions have no durations") {
  Ledger ledger;
  MergeEffects effects;
  merge_record(ledger, done("d", 10, Outcome::date_rule), {&kDeletions, kNow, kBounds, true},
               effects);
  CHECK_FALSE(ledger.counters.durations[Outcome::date_rule]);
}

TEST_CASE("merge: the last build and the last ends do not depend on the order") {
  Ledger ledger;
  merge(ledger, {done("new", 500, Outcome::failed), done("old", 100, Outcome::success),
                 done("c", 700, Outcome::canceled)});
  REQUIRE(ledger.last_build);
  CHECK_FALSE(ledger.last_build->succeeded);
  CHECK(ledger.last_end[Outcome::canceled] == at(705));
  CHECK(ledger.last_end[Outcome::success] == at(105));
}

namespace {

/// Three records, of which a sweep that began at `started` met the oldest alone.
Ledger after_sweep(std::int64_t started, SweepFindings findings) {
  Ledger ledger;
  ledger.read_whole = true;
  merge(ledger, {done("a", 100), done("b", 200), done("c", 1'000)});
  const RecordKey met[] = {record_key("a")};
  findings.met = met;
  findings.started_at = at(started);
  findings.kept_below = 0;
  MergeEffects effects;
  conclude_sweep(ledger, findings, effects);
  return ledger;
}

}  // namespace

TEST_CASE("conclude_sweep: below the floor only what was not met is forgotten") {
  SweepFindings findings;
  findings.lookback = std::chrono::seconds(500);
  Ledger ledger = after_sweep(1'000, findings);
  CHECK(ledger.floor == at(500));
  CHECK(is_known(ledger, record_key("a")));
  CHECK_FALSE(is_known(ledger, record_key("b")));
  CHECK(is_known(ledger, record_key("c")));
  merge(ledger, {done("a", 100), done("b", 200)});
  CHECK(ledger.present[static_cast<std::size_t>(RecordClass::late)] == 1);
  CHECK(counted(ledger) == 3);

  findings.met_is_whole = false;  // It does not know all that it met.
  CHECK(is_known(after_sweep(1'000, findings), record_key("b")));
}

TEST_CASE("merge: a build met below the floor as running has its histogram once it has ended") {
  for (const Outcome outcome : {Outcome::canceled, Outcome::other}) {
    SweepFindings findings;
    findings.lookback = std::chrono::seconds(500);
    Ledger ledger = after_sweep(1'000, findings);
    merge(ledger, {runs("slow", 100)});
    CHECK(late(ledger) == 1);
    CHECK_FALSE(ledger.counters.durations[outcome]);
    const std::uint64_t counted_before = counted(ledger);
    const MergeEffects effects = merge(ledger, {done("slow", 100, outcome)});
    REQUIRE(ledger.counters.durations[outcome]);
    CHECK(ledger.counters.durations[outcome]->count() == 0);
    CHECK(ledger.last_end[outcome] == at(105));
    REQUIRE(effects.closed.size() == 1);  // Saved.
    CHECK(effects.closed.front().outcome == outcome);
    CHECK(effects.closed.front().ended_at == at(105));
    CHECK(effects.closed.front().record_class == RecordClass::late);
    CHECK(counted(ledger) == counted_before);
    CHECK(late(ledger) == 1);
    CHECK(imbalance(ledger) == 0);
    CHECK_FALSE(merge(ledger, {done("slow", 100, outcome)}).changed);
  }
}

TEST_CASE("conclude_sweep: the floor never falls") {
  SweepFindings findings;
  findings.lookback = std::chrono::seconds(500);
  Ledger ledger = after_sweep(3'000, findings);
  CHECK(ledger.floor == at(2'500));
  findings.started_at = at(2'000);
  MergeEffects effects;
  conclude_sweep(ledger, findings, effects);
  CHECK(ledger.floor == at(2'500));
}

TEST_CASE("conclude_sweep: an open build is gone only after two sweeps in a row without it") {
  SweepFindings findings;
  findings.lookback = std::chrono::hours(1);
  findings.started_at = kNow;
  const RecordKey a[] = {record_key("a")};
  Ledger ledger;
  merge(ledger, {runs("a", 999'000)});
  const auto sweep = [&](bool met) {
    findings.met = met ? std::span<const RecordKey>(a) : std::span<const RecordKey>();
    MergeEffects effects;
    conclude_sweep(ledger, findings, effects);
    return ledger.open.size();
  };
  CHECK(sweep(false) == 1);
  CHECK(sweep(true) == 1);
  CHECK(sweep(false) == 1);
  CHECK(sweep(false) == 0);
  CHECK(ledger.present[static_cast<std::size_t>(RecordClass::vanished)] == 1);
  merge(ledger, {done("a", 999'000)});
  CHECK(counted(ledger) == 1);
  CHECK(imbalance(ledger) == 0);
}

TEST_CASE("conclude_sweep: a sweep that left rows out does not prove that an open build is gone") {
  SweepFindings findings;
  findings.lookback = std::chrono::hours(1);
  findings.started_at = kNow;
  findings.left_out_rows = true;
  Ledger ledger;
  merge(ledger, {runs("a", 999'000)});
  for (int i = 0; i < 3; ++i) {
    MergeEffects effects;
    conclude_sweep(ledger, findings, effects);
  }
  CHECK(ledger.open.size() == 1);
}

TEST_CASE("imbalance: every way in which books can be wrong shows") {
  Ledger good;
  merge(good, {done("a", 10), runs("b", 20)});
  CHECK(imbalance(good) == 0);
  Ledger one_unknown = good;
  ++one_unknown.known;
  CHECK(imbalance(one_unknown) == 1);
  Ledger one_lost = good;
  one_lost.open.clear();
  CHECK(imbalance(one_lost) == 1);
  Ledger counted_too_often = good;
  counted_too_often.counters.events[Outcome::failed] += 3;
  CHECK(imbalance(counted_too_often) == 3);
}

namespace {

/// An execution that ended, of which the list does not tell what it deleted.
Record without_details(const std::string& id, std::int64_t started) {
  Record record = done(id, started);
  record.needs_details = true;
  return record;
}

Record with_details(const std::string& id, std::int64_t started, std::uint64_t deleted) {
  Record record = done(id, started);
  record.parts = {{{"team", "app", ""}, Outcome::tag_rule, deleted}};
  return record;
}

MergeEffects merge_retention(Ledger& ledger, const Record& record) {
  MergeEffects effects;
  merge_record(ledger, record, {&kRetentions, kNow, kBounds, true}, effects);
  return effects;
}

}  // namespace

TEST_CASE("merge: an execution counts with its deletions, once, when they are known") {
  Ledger ledger;
  CHECK(merge_retention(ledger, runs("1", 10)).parts.empty());
  CHECK_FALSE(ledger.open.front().ended);
  for (int times = 0; times < 2; ++times) {
    CHECK(merge_retention(ledger, without_details("1", 10)).parts.empty());
    REQUIRE(ledger.open.size() == 1);
    CHECK(ledger.open.front().ended);
    CHECK(ledger.counters.events[Outcome::success] == 0);
  }
  const MergeEffects counted = merge_retention(ledger, with_details("1", 10, 7));
  REQUIRE(counted.parts.size() == 1);
  CHECK(counted.parts.front().part.amount == 7);
  CHECK(ledger.counters.events[Outcome::success] == 1);
  CHECK(merge_retention(ledger, with_details("1", 10, 7)).parts.empty());
  CHECK(merge_retention(ledger, without_details("1", 10)).parts.empty());
  CHECK(ledger.open.empty());
  CHECK(imbalance(ledger) == 0);
}

TEST_CASE("merge: an execution that runs again is followed until it ends again") {
  Ledger ledger;
  merge_retention(ledger, without_details("1", 10));
  merge_retention(ledger, runs("1", 10));
  REQUIRE(ledger.open.size() == 1);
  CHECK_FALSE(ledger.open.front().ended);
}

TEST_CASE("merge: what is history needs no details, and deletes nothing") {
  Ledger ledger;
  ledger.baseline_pending = true;
  CHECK(merge_retention(ledger, without_details("1", 10)).parts.empty());
  CHECK(merge_retention(ledger, with_details("2", 10, 7)).parts.empty());
  CHECK(ledger.open.empty());
  CHECK(ledger.present[static_cast<std::size_t>(RecordClass::baseline)] == 2);
}
