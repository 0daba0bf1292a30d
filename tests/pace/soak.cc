// A day and a night of a busy registry, on simulated time and a real state file: what grows, and
// whether it stops growing.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "exporter/base/log.h"
#include "exporter/ingest/collector.h"
#include "exporter/store/state_store.h"
#include "tests/pace/world.h"

using namespace registry_exporter;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr int kRepositories = 100;
/// Short, and all repositories busy, so that from the beginning as many ids are forgotten as come.
constexpr hours kLookback{2};
constexpr int kHours = 24;

double resident_kilobytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0;
  double resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
}

auto descriptors() {
  const std::filesystem::directory_iterator open("/proc/self/fd");
  return std::distance(begin(open), end(open));
}

ingest::CollectorOptions options() {
  ingest::CollectorOptions options;
  options.name = "soaked";
  options.reading.lookback = kLookback;
  options.reading.sweep_interval = minutes(30);
  options.discovery_interval = minutes(10);
  options.reading.max_staleness = minutes(2);
  options.windows = {hours(1)};
  options.reading.bucket_bounds = {60, 600};
  options.concurrency = 2;
  options.requests_per_second = 20;
  options.discovery.scope = "all";
  options.discovery.accepts = [](const std::string&) { return true; };
  options.discovery.next_number = [last = store::RepositoryNumber{0}]() mutable { return ++last; };
  return options;
}

void live_for_an_hour(Baton& baton, ingest::Collector& collector, store::StateStore& store) {
  for (const UnixMillis end = baton.now() + hours(1); baton.now() < end;) {
    collector.begin_scrape("scraper");
    baton.sleep(seconds(30));
    store::StateChanges changes;
    const auto batch = collector.collect(changes);
    collector.committed(*batch, store.commit(changes).has_value());
    collector.answered("scraper", collector.snapshot()->version);
  }
}

}  // namespace

int main() {
  log::configure(log::Level::error, log::Format::logfmt);
  Baton baton(1);
  pace::WorldOptions world;
  world.repositories = kRepositories;
  world.events_per_day = 150;
  world.concentration = 0;
  world.history = hours(24);
  world.future = hours(kHours + 1);
  std::vector<pace::Listed> repositories = pace::make_repositories(world, baton.now());
  pace::PacedCloud cloud(baton, repositories, *world.kind, {20, Millis{50}, 100});
  const std::filesystem::path folder = std::filesystem::temp_directory_path() /
                                       ("registry_exporter_soak." + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const auto store =
      store::make_sqlite_state_store({.path = folder / "state.db", .vfs = {}}, baton.now());
  if (!store->load()) return 1;
  ingest::Collector collector(baton.runtime(), cloud, options(), {[] {}, [](bool) {}},
                              std::make_unique<ingest::TrackedRegistry>());
  collector.start();
  std::printf(
      "| hour | counted | calls | memory, KB | state, KB | descriptors |\n"
      "|---|---|---|---|---|---|\n");
  for (int hour = 1; hour <= kHours; ++hour) {
    live_for_an_hour(baton, collector, *store);
    const auto& records = collector.snapshot()->state.records;
    std::printf(
        "| %d | %llu | %llu | %.0f | %llu | %td |\n", hour,
        static_cast<unsigned long long>(records[static_cast<std::size_t>(RecordClass::counted)]),
        static_cast<unsigned long long>(cloud.calls), resident_kilobytes(),
        static_cast<unsigned long long>(store->size_bytes() / 1024), descriptors());
    std::fflush(stdout);
  }
  collector.stop();
  std::filesystem::remove_all(folder);
  return 0;
}
