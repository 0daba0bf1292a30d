#include "exporter/ingest/collector.h"

#include <doctest/doctest.h>

#include "tests/ingest/collector_bench.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;
using std::chrono::seconds;

TEST_CASE("collector: within min_interval of a cycle's end nothing is called") {
  Bench bench(2);
  bench.options.min_interval = seconds(15);
  bench.options.reading.max_staleness = seconds(1);  // All are overdue at once.
  bench.start();
  CHECK(bench.scrape());
  const std::size_t calls = bench.cloud.asked.size();
  bench.baton.sleep(seconds(14));
  bench.cloud.lists["r0"].newest_first.insert(bench.cloud.lists["r0"].newest_first.begin(),
                                              runs("news", bench.started_ago(1)));
  CHECK(bench.scrape());
  CHECK(bench.cloud.asked.size() == calls);
  bench.baton.sleep(seconds(90));
  CHECK(bench.scrape());
  CHECK(bench.cloud.asked.size() > calls);
}

TEST_CASE(
    "collector: what was read shows only once it is committed, in the registry's counters too") {
  Bench bench(1);
  bench.options.discovery.count_history = true;
  bench.start();
  bench.scrape(false);
  CHECK(bench.records(RecordClass::counted) == 0);
  CHECK(bench.collector->snapshot()->rows.empty());
  bench.baton.sleep(seconds(1));
  bench.scrape();
  CHECK(bench.records(RecordClass::counted) == 2);
  REQUIRE(bench.collector->snapshot()->rows.size() == 1);
  REQUIRE(bench.collector->snapshot()->rows[0].cells[0].shown);
  CHECK(bench.collector->snapshot()->rows[0].cells[0].shown->events[Outcome::success] == 2);
}

TEST_CASE("collector: history that is counted shows whole or not at all") {
  Bench bench(1);
  bench.options.discovery.count_history = true;
  bench.options.reading.page_size = 1;
  bench.start();
  const ScrapeTicket ticket = bench.collector->begin_scrape("scraper");
  while (bench.cloud.asked.empty()) bench.baton.sleep(Millis{1});
  bench.baton.sleep(Millis{1});
  // One of two records has been read. While it is being committed, the other one is read too.
  store::StateChanges changes;
  const auto batch = bench.collector->collect(changes);
  bench.collector->wait(ticket, SteadyTime::max());
  bench.collector->committed(*batch, true);
  REQUIRE(bench.collector->snapshot()->rows.size() == 1);
  CHECK_FALSE(bench.collector->snapshot()->rows[0].cells[0].shown);
  CHECK(bench.records(RecordClass::counted) == 1);
  bench.commit();
  CHECK(bench.records(RecordClass::counted) == 2);
  REQUIRE(bench.collector->snapshot()->rows[0].cells[0].shown);
  CHECK(bench.collector->snapshot()->rows[0].cells[0].shown->events[Outcome::success] == 2);
}

TEST_CASE("collector: counted history shows once it was read, even if the visit fails later") {
  Bench bench(1);
  bench.options.discovery.count_history = true;
  bench.options.reading.page_size = 2;
  auto& records = bench.cloud.lists["r0"].newest_first;
  for (int i = 0; i < 3; ++i) {
    records.push_back(done("oldest" + std::to_string(i), bench.started_ago(1000 + i)));
  }
  std::size_t refused = 2;  // A first reading is broken off after its first page.
  bench.cloud.lists["r0"].refuses = [&](std::size_t row) -> std::optional<Error> {
    if (row != refused) return std::nullopt;
    return Error{ErrorKind::server_error, "broken", {}, {}};
  };
  bench.start();
  bench.scrape();
  refused = 0;  // It is read to its end, but what came in meanwhile can't be asked for.
  bench.baton.sleep(seconds(60));
  bench.scrape();
  CHECK(bench.cloud.lists["r0"].failed_calls == 2);
  CHECK(bench.records(RecordClass::counted) == 5);
  REQUIRE(bench.collector->snapshot()->rows[0].cells[0].shown);
  CHECK(bench.collector->snapshot()->rows[0].cells[0].shown->events[Outcome::success] == 5);
}

TEST_CASE("collector: while nothing can be committed nothing is read") {
  Bench bench(3);
  bench.start();
  bench.scrape();
  bench.baton.sleep(seconds(90));
  bench.scrape(false);
  const std::size_t calls = bench.cloud.asked.size();
  for (int i = 0; i < 5; ++i) {
    bench.baton.sleep(seconds(90));
    CHECK_FALSE(bench.scrape(false));
  }
  CHECK(bench.cloud.asked.size() == calls);
  bench.scrape();
  bench.baton.sleep(seconds(90));
  CHECK(bench.scrape());
  CHECK(bench.cloud.asked.size() > calls);
}

TEST_CASE("collector: a commit that fails while repositories are discovered lets none be read") {
  Bench bench(3);
  bench.start();
  bench.scrape();
  bench.baton.sleep(std::chrono::hours(2));
  bench.cloud.discovery_takes = seconds(5);
  const ScrapeTicket ticket = bench.collector->begin_scrape("scraper");
  bench.collector->wait(ticket, bench.baton.runtime().clock.steady_now() + seconds(2));
  bench.commit(false);
  const std::size_t calls = bench.cloud.asked.size();
  bench.baton.sleep(seconds(60));
  CHECK(bench.cloud.asked.size() == calls);
}

TEST_CASE("collector: a failing repository is left alone for a while, the others are not") {
  Bench bench(2);
  bench.options.reading.max_staleness = seconds(40);
  bench.start();
  bench.scrape();
  bench.cloud.failing = {"r0"};
  bench.cloud.asked.clear();
  for (int i = 0; i < 60; ++i) {
    bench.baton.sleep(seconds(2));
    bench.scrape();
  }
  // After 40 s, then 5, 10, 20 and 40 s later.
  CHECK(bench.cloud.times_asked("r0") >= 3);
  // One of its failures also asks whether any of three single rows can be read.
  CHECK(bench.cloud.times_asked("r0") <= 8);
  CHECK(bench.cloud.times_asked("r1") >= 2);
  const auto snapshot = bench.collector->snapshot();
  CHECK(snapshot->repositories[static_cast<std::size_t>(Freshness::failing)] == 1);
  CHECK(snapshot->repositories[static_cast<std::size_t>(Freshness::fresh)] == 1);
}

TEST_CASE("collector: what is overdue by the end of a cycle is read in it, whatever the interval") {
  for (const int interval : {20, 30, 60}) {
    CAPTURE(interval);
    Bench bench(20);
    bench.cloud.call_takes = Millis{500};
    bench.options.reading.max_staleness = seconds(60);
    bench.lengthen_first();
    bench.start();
    const UnixMillis begun = bench.baton.now();
    std::size_t asked_at_first = 0;
    for (int at = 0; at <= 600; at += interval) {
      bench.baton.sleep(seconds(at) - (bench.baton.now() - begun));
      CAPTURE(at);
      CHECK(bench.scrape());
      const auto snapshot = bench.collector->snapshot();
      CHECK(snapshot->repositories[static_cast<std::size_t>(Freshness::stale)] == 0);
      if (at <= 60) asked_at_first = bench.cloud.asked.size();
    }
    CHECK(bench.cloud.asked.size() - asked_at_first == 20 * 9);
  }
}

TEST_CASE("collector: however busy some are, every repository gets its turn") {
  Bench bench(12);
  bench.cloud.call_takes = seconds(2);
  bench.options.reading.max_staleness = seconds(10);
  bench.start();
  for (int i = 0; i < 6; ++i) {
    FakeList& busy = bench.cloud.lists["r" + std::to_string(i)];
    busy.newest_first.insert(busy.newest_first.begin(),
                             runs("long" + std::to_string(i), bench.started_ago(100)));
  }
  for (int i = 0; i < 80; ++i) bench.scrape();
  const std::size_t calls = bench.cloud.asked.size();
  for (int i = 0; i < 12; ++i) {
    CAPTURE(i);
    CHECK(bench.cloud.times_asked("r" + std::to_string(i)) * 60 > calls);
  }
}

TEST_CASE(
    "collector: what a listing shows as changed goes first, in a cycle that is under way too") {
  Bench bench(40);
  bench.cloud.call_takes = seconds(1);
  bench.options.reading.max_staleness = seconds(30);
  bench.options.discovery_interval = seconds(5);
  bench.start();
  for (int i = 0; i < 3; ++i) bench.scrape();
  bench.collector->begin_scrape("scraper");
  bench.baton.sleep(seconds(6));
  bench.cloud.modified["r17"] = bench.baton.now();
  bench.cloud.asked.clear();
  bench.collector->begin_scrape("scraper");
  bench.baton.sleep(seconds(4));
  CHECK(bench.cloud.times_asked("r17") == 1);
}

TEST_CASE("collector: at the very first start reading does not wait for the end of the list") {
  for (const bool breaks : {false, true}) {
    CAPTURE(breaks);
    Bench bench(30);
    bench.options.concurrency = 2;
    bench.cloud.list_takes = Millis{10};
    bench.cloud.list_breaks = breaks;
    bench.lengthen_first();
    bench.start();
    const UnixMillis begun = bench.baton.now();
    CHECK(bench.scrape() == !breaks);
    CHECK(bench.baton.now() - begun <= Millis{470});  // One after the other it would be 600 ms.
    CHECK(bench.cloud.asked.size() == 60);
    CHECK(bench.records(RecordClass::baseline) == 61);

    // What joins while no pass was complete is baseline, too.
    bench.cloud.lists["late"].newest_first = {done("older", bench.started_ago(-60))};
    bench.cloud.list_breaks = false;
    bench.cloud.created_ago = std::chrono::hours(1);
    bench.baton.sleep(std::chrono::hours(2));
    CHECK(bench.scrape());
    CHECK(bench.records(RecordClass::baseline) == (breaks ? 62U : 61U));
  }
}

TEST_CASE("collector: a listing that changes without news loses its place in front") {
  Bench bench(20);
  bench.cloud.call_takes = seconds(1);
  bench.options.reading.max_staleness = seconds(10);
  bench.options.discovery_interval = seconds(5);
  bench.start();
  const auto asked_for_crying_wolf = [&](int scrapes) {
    bench.cloud.asked.clear();
    for (int i = 0; i < scrapes; ++i) {
      for (int wolf = 0; wolf < 3; ++wolf) {
        bench.cloud.modified["r" + std::to_string(wolf)] = bench.baton.now();
      }
      bench.collector->begin_scrape("scraper");
      bench.baton.sleep(seconds(6));
    }
    std::size_t asked = 0;
    for (int wolf = 0; wolf < 3; ++wolf) {
      asked += bench.cloud.times_asked("r" + std::to_string(wolf));
    }
    return static_cast<double>(asked) / static_cast<double>(bench.cloud.asked.size());
  };
  CHECK(asked_for_crying_wolf(30) > 0.4);
  asked_for_crying_wolf(100);
  CHECK(asked_for_crying_wolf(30) < 0.25);
}

TEST_CASE("collector: what a first reading finds does not count as missed by the listing") {
  Bench bench(150);
  bench.options.reading.max_staleness = std::chrono::minutes(10);
  bench.options.discovery_interval = seconds(5);
  // About one build a minute is to be expected.
  std::vector<Record>& builds = bench.cloud.lists["busy"].newest_first;
  for (int i = 1; i < 400; ++i) {
    builds.push_back(done("b" + std::to_string(i), bench.started_ago(35 * i)));
  }
  bench.start();
  for (int i = 0; i < 3; ++i) bench.scrape();
  REQUIRE(bench.cloud.times_asked("busy") > 0);
  bench.cloud.asked.clear();
  // An unchanged listing is still believed as much as at the start, and puts the next look off.
  for (const int wait : {10, 8, 4}) {
    bench.baton.sleep(seconds(wait));
    bench.scrape();
  }
  CHECK(bench.cloud.times_asked("busy") == 0);
  bench.baton.sleep(seconds(20));
  bench.scrape();
  CHECK(bench.cloud.times_asked("busy") == 1);
}

TEST_CASE("collector: books that don't balance stop their repository and no other") {
  Bench bench(2);
  auto books = std::make_unique<TrackedRegistry>();
  bench.start();
  bench.scrape();
  bench.collector->stop();
  books = bench.collector->take_registry();
  TrackedList& broken = *books->lists.at({"shop", "r0"});
  ++broken.state.ledger.known;
  bench.collector =
      std::make_unique<Collector>(bench.baton.runtime(), bench.cloud, bench.options,
                                  CollectorHooks{[] {}, [](bool) {}}, std::move(books));
  bench.collector->start();
  for (int i = 0; i < 3; ++i) {
    bench.baton.sleep(seconds(90));
    bench.scrape();
  }
  bench.cloud.asked.clear();
  for (int i = 0; i < 3; ++i) {
    bench.baton.sleep(seconds(90));
    bench.scrape();
  }
  CHECK(bench.collector->snapshot()->ledger_imbalance == 1);
  CHECK(bench.cloud.times_asked("r0") == 0);
  CHECK(bench.cloud.times_asked("r1") >= 3);
}

TEST_CASE("collector: an exception while one repository is read harms no other") {
  Bench bench(3);
  bench.options.discovery.count_history = true;
  bench.cloud.throwing = "r1";
  bench.start();
  for (int i = 0; i < 3; ++i) {
    bench.baton.sleep(seconds(90));
    bench.scrape();
  }
  CHECK(bench.records(RecordClass::counted) == 4);
  CHECK(bench.cloud.times_asked("r2") >= 3);
  CHECK(bench.collector->snapshot()->ledger_imbalance == 0);
}

TEST_CASE("collector: rows without a usable id count as rejected and stand outside the books") {
  Bench bench(2);
  bench.cloud.rejected = {Rejection::id_missing, Rejection::id_missing, Rejection::id_invalid};
  bench.start();
  bench.scrape();
  const auto rejected = bench.collector->snapshot()->state.rejected;
  const auto missing = rejected[static_cast<std::size_t>(Rejection::id_missing)];
  CHECK(missing >= 4);
  CHECK(rejected[static_cast<std::size_t>(Rejection::id_invalid)] * 2 == missing);
  CHECK(bench.records(RecordClass::baseline) == 4);
  CHECK(bench.collector->snapshot()->ledger_imbalance == 0);
}

TEST_CASE("collector: what is to read everything reads it, whatever was read a moment ago") {
  for (const bool read_everything : {false, true}) {
    CAPTURE(read_everything);
    Bench bench(3);
    bench.start();
    bench.scrape();
    bench.options.read_everything = read_everything;
    bench.restart();
    bench.cloud.asked.clear();
    CHECK(bench.scrape());
    CHECK(bench.cloud.asked.size() == (read_everything ? 3 : 0));
    CHECK(bench.collector->everything_read());
    CHECK(bench.scrape());
    CHECK(bench.cloud.asked.size() == (read_everything ? 3 : 0));
  }
}

TEST_CASE("collector: not everything was read where a list was left out, for whatever reason") {
  struct Row {
    const char* name;
    void (*breaks)(Bench&);
  };
  const Row rows[] = {
      {"a list that fails", [](Bench& bench) { bench.cloud.failing = {"r1"}; }},
      {"a list that is given up", [](Bench& bench) { bench.cloud.throwing = "r1"; }},
      {"no list of repositories", [](Bench& bench) { bench.cloud.list_breaks = true; }},
      {"half a list of repositories", [](Bench& bench) { bench.cloud.list_is_whole = false; }},
      {"books that turn out to be out of balance",
       [](Bench& bench) {
         auto& [registry, blob] = bench.disk.repositories.begin()->second;
         RepositoryState state = store::decode_repository(blob).value();
         ++state.ledger.known;
         blob = store::encode_repository(state);
       }},
      {"books that were out of balance",
       [](Bench& bench) {
         auto& [registry, blob] = bench.disk.repositories.begin()->second;
         RepositoryState state = store::decode_repository(blob).value();
         state.ledger.halted = true;
         blob = store::encode_repository(state);
       }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Bench bench(3);
    bench.options.read_everything = true;
    bench.start();
    bench.scrape();
    CHECK(bench.collector->everything_read());
    row.breaks(bench);
    bench.restart();
    bench.scrape();
    CHECK_FALSE(bench.collector->everything_read());
  }
}

TEST_CASE("collector: what the filters leave out, or is no longer listed, is not missed") {
  Bench bench(3);
  bench.options.read_everything = true;
  bench.start();
  bench.scrape();
  bench.options.discovery.scope = "without r1";
  bench.options.discovery.accepts = [](const std::string& name) { return name != "shop/r1"; };
  bench.restart();
  bench.scrape();
  CHECK(bench.collector->everything_read());
}

namespace {

/// Each list was read, and the list of notices, which no scrape waits for the first time.
void start_with_notices(Bench& bench) {
  bench.cloud.notices.emplace();
  bench.options.notices_from = 1;
  bench.start();
  for (int i = 0; i < 2; ++i) {
    bench.scrape();
    bench.baton.sleep(seconds(20));  // Nothing is overdue.
  }
}

}  // namespace

TEST_CASE("collector: what the cloud tells of is read at once, though nothing is due") {
  Bench bench(9);
  bench.options.discovery_interval = seconds(20);
  bench.options.reading.max_staleness = std::chrono::hours(1);
  start_with_notices(bench);
  bench.cloud.tell("n1", "r5", bench.baton.now());
  bench.cloud.asked.clear();
  CHECK(bench.scrape());
  CHECK(bench.cloud.asked == std::vector<std::string>{"r5"});
  bench.baton.sleep(seconds(5));
  bench.cloud.tell("n2", "r7", bench.baton.now());
  CHECK(bench.scrape());
  CHECK(bench.cloud.asked == std::vector<std::string>{"r5", "r7"});
  bench.baton.sleep(seconds(5));
  CHECK(bench.scrape());  // Nothing new is told.
  CHECK(bench.cloud.asked.size() == 2);
}

TEST_CASE("collector: what was told before a list was read is no reason, whatever the clocks say") {
  for (const Millis ahead : {seconds(0), seconds(600), seconds(-600)}) {
    CAPTURE(ahead.count());
    Bench bench(3);
    bench.cloud.clock_ahead = ahead;
    bench.options.discovery_interval = seconds(20);
    bench.options.reading.max_staleness = std::chrono::hours(1);
    start_with_notices(bench);
    bench.cloud.tell("n1", "r1", bench.baton.now() - seconds(60));
    bench.cloud.tell("n2", "r2", bench.baton.now());
    bench.cloud.tell("n3", "nobody's", bench.baton.now());
    bench.cloud.asked.clear();
    CHECK(bench.scrape());
    CHECK(bench.cloud.asked == std::vector<std::string>{"r2"});
  }
}

TEST_CASE("collector: notices that may not be read fail no scrape, and are left alone") {
  Bench bench(3);
  bench.options.discovery_interval = seconds(20);
  bench.cloud.notices_fail = true;
  start_with_notices(bench);
  for (int i = 0; i < 10; ++i) {
    CHECK(bench.scrape());
    bench.baton.sleep(seconds(30));
  }
  CHECK(bench.cloud.notice_calls == 1);
}

TEST_CASE("collector: a list of notices that does not answer holds no scrape back") {
  Bench bench(3);
  bench.options.discovery_interval = seconds(20);
  bench.options.concurrency = 2;
  bench.cloud.notices.emplace();
  bench.cloud.notices_fail = true;
  bench.cloud.notices_take = seconds(10);
  bench.options.notices_from = 1;
  bench.start();
  for (int i = 0; i < 100; ++i) {
    const UnixMillis begun = bench.baton.now();
    CHECK(bench.scrape());
    CHECK(bench.baton.now() - begun < seconds(1));
    bench.baton.sleep(seconds(60));
  }
  CHECK(bench.cloud.notice_calls >= 2);
}

TEST_CASE("collector: notices that are wrong are followed no longer") {
  Bench bench(9);
  bench.options.discovery_interval = seconds(20);
  bench.options.reading.max_staleness = std::chrono::hours(1);
  start_with_notices(bench);
  int number = 0;
  const auto calls_for_lies = [&] {
    bench.cloud.asked.clear();
    for (int i = 0; i < 60; ++i) {
      ++number;
      bench.cloud.tell(std::to_string(number), "r" + std::to_string(number % 9), bench.baton.now());
      bench.baton.sleep(seconds(1));
      CHECK(bench.scrape());
      bench.baton.sleep(seconds(24));
    }
    return bench.cloud.asked.size();
  };
  CHECK(calls_for_lies() > 50);
  calls_for_lies();
  CHECK(calls_for_lies() < 20);
}

TEST_CASE("collector: an answer about a list whose name another one has meanwhile is dropped") {
  Bench bench(1);
  bench.options.concurrency = 2;
  bench.options.discovery_interval = Millis{0};
  auto& list = bench.cloud.lists["r0"];
  list.refuses = [](std::size_t) { return Error{ErrorKind::server_error, "broken", {}, {}}; };
  bench.start();
  bench.scrape();
  list.refuses = nullptr;
  bench.baton.sleep(std::chrono::minutes(5));
  // It is made anew, and listed so, while the answer about its predecessor is under way.
  bench.cloud.ids["r0"] = "another";
  bench.cloud.created["r0"] = bench.baton.now();
  bench.cloud.discovery_takes = Millis{500};
  bench.cloud.answer_takes = Millis{1000};
  const ScrapeTicket ticket = bench.collector->begin_scrape("scraper");
  bench.baton.sleep(Millis{750});
  list.newest_first = {done("new", bench.started_ago(1))};
  bench.wait(ticket);
  bench.commit();
  CHECK(bench.records(RecordClass::baseline) == 0);
  CHECK(bench.records(RecordClass::counted) == 1);
}
