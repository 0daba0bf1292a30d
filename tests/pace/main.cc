// How soon an event shows, and what it costs in calls: the production collector on a registry in
// memory and simulated time, beside reading in turn with the same number of calls.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <utility>

#include "exporter/base/log.h"
#include "exporter/ingest/collector.h"
#include "tests/pace/world.h"

using namespace registry_exporter;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

struct Case {
  const char* name;
  pace::WorldOptions world;
  double requests_per_second = 5;
  Millis max_staleness{minutes(2)};
  Millis discovery_interval{minutes(10)};
};

struct Delays {
  double median = 0;
  double p95 = 0;
  double longest = 0;
};

struct Figures {
  std::size_t events = 0;
  Delays ours;
  Delays in_turn;
  double calls_per_second = 0;
  double calls_per_read = 0;
  double rows_per_call = 0;
  double idle_calls = 0;      ///< Of a repository without events, per max_staleness.
  double longest_unread = 0;  ///< At the end, seconds.
};

constexpr Millis kWarmUp{hours(4)};
constexpr Millis kMeasured{hours(12)};
constexpr Millis kScrapeInterval{seconds(30)};

double seconds_of(Millis span) { return std::chrono::duration<double>(span).count(); }

Delays delays_of(std::vector<double> delays) {
  if (delays.empty()) return {};
  std::sort(delays.begin(), delays.end());
  const auto at = [&](double share) {
    return delays[static_cast<std::size_t>(share * static_cast<double>(delays.size() - 1))];
  };
  return {at(0.5), at(0.95), at(1)};
}

ingest::CollectorOptions options_of(const Case& each) {
  ingest::CollectorOptions options;
  options.name = "measured";
  options.discovery.kinds = {each.world.kind};
  options.reading.lookback = each.world.history;
  options.reading.sweep_interval = hours(1);
  options.discovery_interval = each.discovery_interval;
  options.reading.max_staleness = each.max_staleness;
  options.windows = {hours(1)};
  options.reading.bucket_bounds = {60, 600};
  options.reading.page_size = each.world.kind == &kBuilds ? 100 : 1000;
  options.concurrency = 2;
  options.requests_per_second = each.requests_per_second;
  options.discovery.scope = "all";
  options.discovery.accepts = [](const std::string&) { return true; };
  options.discovery.next_number = [last = store::RepositoryNumber{0}]() mutable { return ++last; };
  return options;
}

/// Scrapes for so long.
void live(Baton& baton, ingest::Collector& collector, Millis span) {
  for (const UnixMillis end = baton.now() + span; baton.now() < end;) {
    collector.begin_scrape("scraper");
    baton.sleep(kScrapeInterval);
    store::StateChanges changes;
    const auto batch = collector.collect(changes);
    collector.committed(*batch, true);
    collector.answered("scraper", collector.snapshot()->version);
  }
}

/// Delays had the repositories been read one after the other, `calls` reads in all.
Delays read_in_turn(const std::vector<pace::Listed>& repositories, UnixMillis begin, UnixMillis end,
                    std::uint64_t calls) {
  const double pass = seconds_of(end - begin) * static_cast<double>(repositories.size()) /
                      static_cast<double>(calls);
  std::vector<double> delays;
  for (std::size_t i = 0; i < repositories.size(); ++i) {
    const double phase = pass * static_cast<double>(i) / static_cast<double>(repositories.size());
    for (const pace::Event& event : repositories[i].events) {
      if (event.end < begin || event.end >= end) continue;
      const double at = seconds_of(event.end - begin) - phase;
      delays.push_back(std::ceil(at / pass) * pass - at);
    }
  }
  return delays_of(std::move(delays));
}

Figures measure(const Case& each) {
  Baton baton(each.world.seed);
  std::vector<pace::Listed> repositories = pace::make_repositories(each.world, baton.now());
  const int list_page_size = each.world.kind == &kBuilds ? 100 : 1000;
  pace::PacedCloud cloud(
      baton, repositories, *each.world.kind,
      {each.requests_per_second, Millis{50}, list_page_size, each.world.notices});
  ingest::Collector collector(baton.runtime(), cloud, options_of(each), {[] {}, [](bool) {}},
                              std::make_unique<ingest::TrackedRegistry>());
  collector.start();
  live(baton, collector, kWarmUp);

  const UnixMillis begin = baton.now();
  cloud.calls = cloud.discovery_calls = cloud.notice_calls = cloud.rows = cloud.reads = 0;
  for (pace::Listed& repository : repositories) repository.calls = 0;
  live(baton, collector, kMeasured);
  const UnixMillis end = baton.now();

  Figures figures;
  std::vector<double> delays;
  std::uint64_t idle_calls = 0;
  std::size_t idle = 0;
  for (const pace::Listed& repository : repositories) {
    const std::size_t before = delays.size();
    for (const pace::Event& event : repository.events) {
      if (event.end < begin || event.end >= end) continue;
      delays.push_back(seconds_of(event.seen_at.value_or(end) - event.end));
    }
    if (delays.size() != before) continue;
    ++idle;
    idle_calls += repository.calls;
  }
  figures.events = delays.size();
  figures.ours = delays_of(std::move(delays));
  figures.in_turn = read_in_turn(repositories, begin, end, cloud.calls);
  const auto reading =
      static_cast<double>(cloud.calls - cloud.discovery_calls - cloud.notice_calls);
  figures.calls_per_second = static_cast<double>(cloud.calls) / seconds_of(end - begin);
  figures.calls_per_read = reading / static_cast<double>(cloud.reads);
  figures.rows_per_call = static_cast<double>(cloud.rows) / reading;
  figures.idle_calls = static_cast<double>(idle_calls) / static_cast<double>(idle) /
                       (seconds_of(end - begin) / seconds_of(each.max_staleness));
  for (const RepositoryRow& row : collector.snapshot()->rows) {
    const UnixMillis last_read = row.first_view().last_read.value_or(UnixMillis{});
    figures.longest_unread = std::max(figures.longest_unread, seconds_of(end - last_read));
  }
  collector.stop();
  return figures;
}

/// Nothing but the latency of the calls is in the way of reading everything.
constexpr int kWorkers = 32;
constexpr Millis kLatency{20};

/// A collector that has just been started, and the registry that it reads.
struct Unlimited {
  static Case of(int count) {
    Case each;
    each.world.repositories = count;
    each.requests_per_second = 1e6;
    return each;
  }
  explicit Unlimited(int count) : measured(of(count)) {
    options.concurrency = kWorkers;
    options.discovery.max_repositories = count;
    collector.emplace(baton.runtime(), cloud, options, ingest::CollectorHooks{[] {}, [](bool) {}},
                      std::make_unique<ingest::TrackedRegistry>());
    collector->start();
  }

  const Case measured;
  Baton baton{1};
  std::vector<pace::Listed> repositories = pace::make_repositories(measured.world, baton.now());
  pace::PacedCloud cloud{
      baton, repositories, *measured.world.kind, {measured.requests_per_second, kLatency, 100}};
  ingest::CollectorOptions options = options_of(measured);
  std::optional<ingest::Collector> collector;
};

/// The very first cycle.
void measure_cold_start() {
  Unlimited cold(3'000);
  const UnixMillis begun = cold.baton.now();
  cold.collector->wait(cold.collector->begin_scrape("scraper"), SteadyTime::max());
  const double took = seconds_of(cold.baton.now() - begun);
  cold.collector->stop();
  const double ideal = static_cast<double>(cold.cloud.calls) * seconds_of(kLatency) / kWorkers;
  std::printf(
      "\nA cold start: %d repositories, %llu calls of %lld ms, %d workers: %.2f s, %.2f times "
      "calls × latency ÷ workers.\n",
      cold.measured.world.repositories, static_cast<unsigned long long>(cold.cloud.calls),
      static_cast<long long>(kLatency.count()), kWorkers, took, took / ideal);
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Commits every 200 ms and scrapes, until nothing is left to read.
void read_everything(Baton& baton, ingest::Collector& collector) {
  constexpr Millis kCommitInterval{200};
  const ingest::ScrapeTicket ticket = collector.begin_scrape("scraper");
  for (bool read = false; !read;) {
    read = collector.wait(ticket, baton.runtime().clock.steady_now() + kCommitInterval);
    store::StateChanges changes;
    const auto batch = collector.collect(changes);
    collector.committed(*batch, true);
  }
  collector.answered("scraper", collector.snapshot()->version);
}

/// CPU time of a call, of everything but the clouds' bytes and the disk, in a cold cycle and in
/// those after it. What the simulated threads cost is in it, the same for each call.
void measure_growth(int count) {
  Unlimited each(count);
  pace::PacedCloud& cloud = each.cloud;
  const auto measured = [&](auto work) {
    const std::uint64_t calls = std::exchange(cloud.calls, 0);
    const double begun = cpu_seconds();
    work();
    const double took = cpu_seconds() - begun;
    const std::uint64_t made = std::exchange(cloud.calls, calls);
    return std::pair(made, took * 1e6 / static_cast<double>(std::max<std::uint64_t>(made, 1)));
  };
  const auto cold = measured([&] { read_everything(each.baton, *each.collector); });
  const auto warm = measured([&] {
    for (int i = 0; i < 3; ++i) {
      each.baton.sleep(each.measured.max_staleness);
      read_everything(each.baton, *each.collector);
    }
  });
  each.collector->stop();
  std::printf("| %d | %llu | %.0f | %llu | %.0f |\n", count,
              static_cast<unsigned long long>(cold.first), cold.second,
              static_cast<unsigned long long>(warm.first), warm.second);
  std::fflush(stdout);
}

void measure_growth() {
  std::printf(
      "\n| repositories | cold calls | CPU each, µs | warm calls | CPU each, µs |\n"
      "|---|---|---|---|---|\n");
  for (const int count : {1'000, 10'000, 30'000, 100'000}) measure_growth(count);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const char* name, auto change) {
    Case each;
    each.name = name;
    change(each);
    all.push_back(each);
  };
  add("builds, good hints", [](Case&) {});
  add("builds, no hints", [](Case& each) { each.world.hints = pace::Hints::silent; });
  add("builds, lying hints", [](Case& each) { each.world.hints = pace::Hints::lying; });
  add("builds, listed every 2m", [](Case& each) { each.discovery_interval = minutes(2); });
  add("deletions, good hints", [](Case& each) { each.world.kind = &kDeletions; });
  add("deletions, listed every 2m", [](Case& each) {
    each.world.kind = &kDeletions;
    each.discovery_interval = minutes(2);
  });
  const auto with_notices = [&](const char* name, pace::Notices notices) {
    add(name, [&](Case& each) { each.world.notices = notices; });
  };
  with_notices("builds, event feed", pace::Notices::good);
  with_notices("builds, event feed silent", pace::Notices::silent);
  with_notices("builds, event feed lying", pace::Notices::lying);
  with_notices("builds, event feed forbidden", pace::Notices::forbidden);
  add("rate that suffices", [](Case& each) {
    each.world.repositories = 1'000;
    each.requests_per_second = 20;
  });
  add("the same, max_staleness 15m", [](Case& each) {
    each.world.repositories = 1'000;
    each.requests_per_second = 20;
    each.max_staleness = minutes(15);
    each.discovery_interval = minutes(2);
  });
  return all;
}

}  // namespace

int main(int count, char** words) {
  log::configure(log::Level::error, log::Format::logfmt);
  const std::string wanted = count > 1 ? words[1] : "";
  std::printf(
      "| | events | median, s | p95, s | in turn: median, s | p95, s | times faster | calls/s | "
      "calls a read | rows a call | idle calls per max_staleness | longest unread, s |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const Case& each : cases()) {
    if (std::string(each.name).find(wanted) == std::string::npos) continue;
    const Figures found = measure(each);
    std::printf(
        "| %s | %zu | %.0f | %.0f | %.0f | %.0f | %.1f | %.2f | %.2f | %.1f | %.2f | %.0f |\n",
        each.name, found.events, found.ours.median, found.ours.p95, found.in_turn.median,
        found.in_turn.p95, found.in_turn.median / found.ours.median, found.calls_per_second,
        found.calls_per_read, found.rows_per_call, found.idle_calls, found.longest_unread);
    std::fflush(stdout);
  }
  if (std::string("cold start").find(wanted) != std::string::npos) measure_cold_start();
  if (std::string("growth").find(wanted) != std::string::npos) measure_growth();
  return 0;
}
