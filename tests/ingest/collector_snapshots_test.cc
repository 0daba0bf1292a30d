// What scrapes are shown of a collector's books, in which order, across kills.
#include <doctest/doctest.h>

#include "tests/ingest/collector_bench.h"

using namespace registry_exporter;
using std::chrono::seconds;

namespace {

using Seen = std::shared_ptr<const RegistrySnapshot>;

/// A registry with one repository whose history is known, and scrapers that come by name.
class Showroom : public Bench {
 public:
  Showroom() : Bench(1) {
    options.max_staleness = seconds(1);  // Each scrape reads.
    start();
    scrape_as("first");
    scrape_as("first");
    commit();
  }

  Collector::Ticket begin(const std::string& client) {
    baton.sleep(seconds(2));
    return collector->begin_scrape(client);
  }
  /// The rest of a scrape; what it shows has not reached the client yet.
  Seen finish(const Collector::Ticket& ticket) {
    wait(ticket);
    commit();
    return collector->snapshot();
  }
  Seen scrape_as(const std::string& client) {
    const Seen shown = finish(begin(client));
    collector->answered(client, shown->version);
    return shown;
  }

  void fails(const std::string& id) {
    auto& builds = cloud.lists["r0"].newest_first;
    builds.insert(builds.begin(), done(id, started_ago(20), Outcome::failed));
  }
  /// It is committed, but no answer leaves the process.
  void fails_before_a_kill() {
    fails("f1");
    finish(begin("first"));
    restart();
  }
};

/// -1: there is no such histogram.
int failed_durations(const Seen& snapshot) {
  const auto& durations = snapshot->rows.at(0).shown->durations[Outcome::failed];
  return durations ? static_cast<int>(durations->count()) : -1;
}

}  // namespace

TEST_CASE("snapshots: a new series shows 0 once, then what it counts") {
  Showroom bench;
  CHECK(failed_durations(bench.scrape_as("first")) == -1);
  bench.fails("f1");
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
}

TEST_CASE("snapshots: a zero that was shown as an old value counts") {
  Showroom bench;
  bench.fails_before_a_kill();
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
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

TEST_CASE("snapshots: after a start a second scraper sees the zero, and the first waits for none") {
  Showroom bench;
  bench.fails_before_a_kill();
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  bench.commit();
  CHECK(failed_durations(bench.scrape_as("second")) == 0);
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
  CHECK(failed_durations(bench.scrape_as("second")) == 1);
}

TEST_CASE("snapshots: after a start a scraper whose answer is under way sees the zero, too") {
  Showroom bench;
  bench.fails_before_a_kill();
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  const Collector::Ticket second = bench.begin("second");
  CHECK(failed_durations(bench.scrape_as("first")) == 0);
  const Seen shown = bench.finish(second);
  CHECK(failed_durations(shown) == 0);
  bench.collector->answered("second", shown->version);
  CHECK(failed_durations(bench.scrape_as("first")) == 1);
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
