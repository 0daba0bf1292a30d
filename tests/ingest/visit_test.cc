#include <doctest/doctest.h>

#include "tests/ingest/collector_bench.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;
using std::chrono::seconds;

TEST_CASE("visit: one id that is refused does not stop the others from being asked for") {
  Bench bench(2);
  bench.cloud.knows_ids = true;
  for (const char* name : {"r0", "r1"}) {
    FakeList& list = bench.cloud.lists[name];
    list.newest_first.insert(list.newest_first.begin(),
                             runs(std::string("open in ") + name, bench.started_ago(100)));
  }
  bench.cloud.lists["r0"].refuses_id = "open in r0";
  bench.start();
  bench.scrape();
  for (const char* name : {"r0", "r1"}) {  // The open builds sink.
    FakeList& list = bench.cloud.lists[name];
    for (int i = 0; i < 120; ++i) {
      list.newest_first.insert(list.newest_first.begin(),
                               done(name + std::to_string(i), bench.started_ago(90)));
    }
  }
  for (int i = 0; i < 10; ++i) {
    bench.baton.sleep(seconds(70));
    bench.scrape();
  }
  CHECK(bench.cloud.lists["r0"].record_calls > 0);
  CHECK(bench.cloud.lists["r1"].record_calls >= 9);
}

TEST_CASE("visit: a depth that could not be read is tried again, and not each time") {
  Bench bench(1);
  FakeList& list = bench.cloud.lists["r0"];
  for (int i = 0; i < 300; ++i) {
    list.newest_first.push_back(done("b" + std::to_string(i), bench.started_ago(1000 + i)));
  }
  int refused = 0;
  list.refuses = [&](std::size_t row) -> std::optional<Error> {
    if (row < 200) return std::nullopt;
    ++refused;
    return Error{ErrorKind::bad_request, "too deep", {}, {}};
  };
  bench.start();
  bench.scrape();
  const auto known = [&] { return bench.records(RecordClass::baseline); };
  CHECK(known() == 200);
  int visits_refused = 0;
  for (int i = 0; i < 30; ++i) {
    const int before = refused;
    bench.baton.sleep(seconds(70));
    bench.scrape();
    visits_refused += refused > before ? 1 : 0;
  }
  CHECK(visits_refused >= 3);
  CHECK(visits_refused <= 6);
  list.refuses = nullptr;
  for (int i = 0; i < 60; ++i) {
    bench.baton.sleep(seconds(70));
    bench.scrape();
  }
  CHECK(known() == 302);
}

TEST_CASE(
    "visit: details that were refused are asked for again, at the latest after a sweep's time") {
  TrackedList list;
  list.state.kind = &kRetentions;
  ListLessons lessons{{}, PageLimit(seconds(60)), {}};
  ReadRules rules;
  rules.sweep_interval = seconds(3600);
  const SteadyTime start{seconds(5)};
  const auto retries = [&](seconds after) {
    list.schedule.swept_at = start + after;  // Where there is no order each visit sweeps.
    return list_reader_options(list, rules, lessons, start + after, UnixMillis{}).retry_ids;
  };
  note_refused_ids(list, rules, start);
  CHECK_FALSE(retries(seconds(7200)));  // None is refused.
  list.sweep.refused_ids = {7};
  note_refused_ids(list, rules, start);
  note_refused_ids(list, rules, start + seconds(1800));
  CHECK_FALSE(retries(seconds(3599)));
  CHECK(retries(seconds(3600)));
  note_refused_ids(list, rules, start + seconds(3600));  // Refused again.
  CHECK_FALSE(retries(seconds(7199)));
  CHECK(retries(seconds(7200)));
  list.state.kind = &kBuilds;
  CHECK_FALSE(retries(seconds(9000)));  // The list tells how a build ended.
}

TEST_CASE("visit: where answers by id tell nothing of builds, they are not asked for") {
  TrackedList list;
  list.state.kind = &kBuilds;
  ListLessons lessons{{}, PageLimit(seconds(60)), {}};
  Record record;
  for (const bool tells_nothing : {false, true}) {
    record.tells_nothing = tells_nothing;
    for (int i = 0; i < 3; ++i) lessons.point_reads.note(record, seconds(3600), {});
    CHECK(list_reader_options(list, {}, lessons, {}, at(0)).point_reads != tells_nothing);
  }
}

TEST_CASE("visit: details that are refused in one place are asked for in all others") {
  TrackedList list;
  list.state.kind = &kRetentions;
  ListLessons lessons{{}, PageLimit(seconds(60)), {}};
  const SteadyTime now{};
  for (int i = 0; i < 5; ++i) {
    lessons.point_reads.note(fail(ErrorKind::forbidden, "no"), seconds(3600), now);
  }
  CHECK(list_reader_options(list, {}, lessons, now, at(0)).point_reads);
  list.state.kind = &kBuilds;  // Their list tells all that there is.
  CHECK_FALSE(list_reader_options(list, {}, lessons, now, at(0)).point_reads);
}
