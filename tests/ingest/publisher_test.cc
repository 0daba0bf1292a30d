// What scrapes are shown of a collector's books, in which order, across kills.
#include <doctest/doctest.h>

#include "tests/ingest/collector_bench.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;
using std::chrono::seconds;

namespace {

using Seen = std::shared_ptr<const RegistrySnapshot>;

/// A registry with one repository whose history is known, and scrapers that come by name.
class Showroom : public Bench {
 public:
  Showroom() : Bench(1) {
    options.reading.max_staleness = seconds(1);  // Each scrape reads.
    start();
    scrape_as("first");
    scrape_as("first");
    commit();
  }

  ScrapeTicket begin(const std::string& client) {
    baton.sleep(seconds(2));
    return collector->begin_scrape(client);
  }
  /// The rest of a scrape; what it shows has not reached the client yet.
  Seen finish(const ScrapeTicket& ticket) {
    wait(ticket);
    commit();
    return collector->snapshot();
  }
  Seen scrape_as(const std::string& client) {
    const Seen shown = finish(begin(client));
    collector->answered(client, shown->version);
    return shown;
  }

  /// Takes its histograms from the state, as the first release left it.
  void forget_histograms() {
    for (auto& [number, entry] : disk.repositories) {
      RepositoryState state = store::decode_repository(entry.second).value();
      state.ledger.counters.durations = {};
      state.ledger.durations_held = {};
      entry.second = store::encode_repository(state);
    }
  }

  void fails(const std::string& id) {
    auto& builds = cloud.lists["r0"].newest_first;
    builds.insert(builds.begin(), done(id, started_ago(20), Outcome::failed));
  }
  /// The repository is missing from the listing until its series are gone and the client has an
  /// answer without them.
  void goes_and_comes_back(const std::string& client) {
    const auto gone = cloud.lists.extract("r0");
    while (!finish(begin(client))->rows.empty()) continue;
    CHECK(scrape_as(client)->rows.empty());
    cloud.lists["r0"] = gone.mapped();
  }
  /// It is committed, but no answer leaves the process.
  void fails_before_a_kill() {
    fails("f1");
    finish(begin("first"));
    restart();
  }
};

/// -1: there is no such histogram.
int durations(const Seen& snapshot, Outcome outcome) {
  const auto& histogram = snapshot->rows.at(0).cells[0].shown->durations[outcome];
  return histogram ? static_cast<int>(histogram->count()) : -1;
}
int failed_durations(const Seen& snapshot) { return durations(snapshot, Outcome::failed); }

}  // namespace

TEST_CASE("snapshots: a new series shows 0 once, then what it counts") {
  Showroom bench;
  CHECK(failed_durations(bench.scrape_as("first")) == -1);
  bench.fails("f1");
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
}

TEST_CASE("snapshots: new series began before the scrape that shows them, and keep that") {
  Bench bench(1);
  bench.start();
  const UnixMillis begun = bench.baton.now();
  const ScrapeTicket ticket = bench.collector->begin_scrape("first");
  bench.wait(ticket);
  bench.commit();
  const auto began = bench.collector->snapshot()->rows.at(0).cells[0].shown->created_at;
  REQUIRE(began);
  CHECK(*began < begun);
  bench.restart();
  CHECK(bench.collector->snapshot()->rows.at(0).cells[0].shown->created_at == began);
}

TEST_CASE("snapshots: a zero that was shown as an old value counts") {
  Showroom bench;
  bench.fails_before_a_kill();
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
}

TEST_CASE("snapshots: an answer without the series is not its zero") {
  Showroom bench;
  bench.options.discovery_interval = Millis{0};
  bench.restart();
  bench.scrape_as("first");
  bench.fails("f1");
  bench.finish(bench.begin("first"));
  bench.goes_and_comes_back("first");
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
}

TEST_CASE("snapshots: who has not seen a zero before its series went sees it when they are back") {
  Showroom bench;
  bench.options.discovery_interval = Millis{0};
  bench.restart();
  bench.scrape_as("first");
  bench.scrape_as("second");
  bench.fails("f1");
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  bench.goes_and_comes_back("second");
  CHECK(failed_durations(bench.scrape_as("second")) == 0);
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  CHECK(failed_durations(bench.scrape_as("second")) == 1);
}

TEST_CASE("snapshots: with a kill after each second answer a zero is answered twice at most") {
  Showroom bench;
  bench.restart();
  bench.fails("f1");
  CHECK(failed_durations(bench.scrape_as("first")) == -1);  // Old values only.
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  bench.restart();
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
  bench.restart();
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
}

TEST_CASE("snapshots: with a kill after each answer a zero that was answered is not asked again") {
  Showroom bench;
  bench.fails_before_a_kill();
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  bench.commit();  // As it happens soon after each answer.
  bench.restart();
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
}

TEST_CASE("snapshots: a zero that was answered and is not on the disk is answered again") {
  Showroom bench;
  bench.fails("f1");
  bench.finish(bench.begin("first"));
  for (int life = 1; life <= 3; ++life) {
    bench.restart();
    CHECK(failed_durations(bench.scrape_as("first")) == 0);
  }
}

TEST_CASE(
    "snapshots: across a kill each scraper of the last minutes sees the zero, however rarely") {
  Showroom bench;
  bench.scrape_as("first");
  bench.scrape_as("rare");
  bench.fails_before_a_kill();
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  bench.baton.sleep(seconds(15));
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  bench.baton.sleep(seconds(30));
  CHECK(failed_durations(bench.scrape_as("rare")) == 0);
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
  CHECK(failed_durations(bench.scrape_as("rare")) == 1);
}

TEST_CASE("snapshots: a scraper is on the disk before its first answer, also without a call") {
  Showroom bench;
  bench.options.min_interval = seconds(5);
  bench.restart();
  bench.scrape_as("first");
  bench.finish(bench.begin("rare"));  // Answered from the cycle before.
  bench.restart();
  bench.fails("f1");
  CHECK(failed_durations(bench.scrape_as("first")) == -1);
  bench.baton.sleep(seconds(5));
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  CHECK(failed_durations(bench.scrape_as("rare")) == 0);
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
}

TEST_CASE("snapshots: after a start nobody waits for scrapers that never came before") {
  Showroom bench;
  bench.fails_before_a_kill();
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  bench.commit();
  CHECK(failed_durations(bench.scrape_as("second")) == 1);
}

TEST_CASE("snapshots: a scraper that stays away holds nothing back for longer than a minute") {
  Showroom bench;
  bench.scrape_as("away");
  bench.fails("f1");
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  bench.baton.sleep(seconds(50));
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  bench.baton.sleep(seconds(10));
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
}

TEST_CASE("snapshots: after a start increments show within min_interval, without calls") {
  Showroom bench;
  bench.fails("f1");
  bench.finish(bench.begin("first"));
  bench.options.min_interval = seconds(60);
  bench.restart();
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  const std::size_t calls = bench.cloud.asked.size();
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
  CHECK(bench.cloud.asked.size() == calls);
}

TEST_CASE("snapshots: a status seen in history shows 0, and its first build without another zero") {
  Showroom bench;
  CHECK(durations(bench.scrape_as("first"), Outcome::success) == 0);
  CHECK(failed_durations(bench.scrape_as("first")) == -1);
  auto& builds = bench.cloud.lists["r0"].newest_first;
  builds.insert(builds.begin(), done("news", bench.started_ago(20)));
  CHECK(durations(bench.scrape_as("first"), Outcome::success) == 1);
}

TEST_CASE("snapshots: a status seen in history shows 0 before a build that ends right after it") {
  Showroom bench;
  bench.options.discovery_interval = seconds(0);
  bench.restart();
  bench.scrape_as("first");
  bench.cloud.created_ago = std::chrono::hours(96);  // Access to it came late.
  auto& builds = bench.cloud.lists["r00"].newest_first;
  builds = {done("old", bench.started_ago(500))};
  bench.finish(bench.begin("first"));
  builds.insert(builds.begin(), done("news", bench.started_ago(20)));
  const auto of_new_one = [](const Seen& seen) {
    return seen->rows.at(1).cells[0].shown->durations[Outcome::success]->count();
  };
  CHECK(of_new_one(bench.scrape_as("first")) == 0);
  CHECK(of_new_one(bench.scrape_as("first")) == 1);
}

TEST_CASE("snapshots: a state without histograms of statuses seen in history gets them, at 0") {
  Showroom bench;
  bench.forget_histograms();
  bench.restart();
  auto& builds = bench.cloud.lists["r0"].newest_first;
  builds.insert(builds.begin(), done("news", bench.started_ago(20)));
  CHECK(durations(bench.scrape_as("first"), Outcome::success) == 0);
  CHECK(durations(bench.scrape_as("first"), Outcome::success) == 1);
  CHECK(failed_durations(bench.scrape_as("first")) == -1);
}

TEST_CASE("publisher: a scrape under way has its answer when the configuration is taken over") {
  Showroom room;
  room.fails("new");
  room.wait(room.begin("first"));
  room.commit();  // Nobody has asked for what it shows.
  room.collector->stop();
  room.collector->take_registry().reset();
  const Seen shown = room.collector->snapshot();
  REQUIRE(shown->rows.size() == 1);
  CHECK(shown->rows.front().cells[0].view->counters->events[Outcome::failed] == 1);
}
