#include "tests/sim/simulation.h"

#include <algorithm>
#include <deque>
#include <iostream>
#include <numeric>

#include "exporter/clouds.h"
#include "exporter/engine.h"
#include "tests/sim/baton.h"
#include "tests/sim/memory_store.h"
#include "tests/sim/oracle.h"
#include "tests/sim/plan.h"
#include "tests/sim/series_names.h"
#include "tests/simulator/transport.h"
#include "tests/support/temporary_folder.h"

namespace registry_exporter {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t kWithSqlite = 8;  ///< Each such seed.

OracleRules rules_of(const Plan& plan) {
  OracleRules rules;
  rules.counts_history = plan.config.collection.initial_history == config::InitialHistory::count;
  rules.lists_lie = plan.mix == "nasty";  // Nasty answers may lack rows.
  rules.lookback = plan.config.collection.lookback;
  rules.knows_scrapers = !plan.clock_jumps && !plan.disk_fails;
  return rules;
}

OtherStreams other_streams(const Plan& plan) {
  const auto& registries = plan.config.registries;
  OtherStreams streams;
  streams.acr_syncs = registries[0].collects(config::Collected::syncs);
  streams.swr_syncs = registries[1].collects(config::Collected::syncs);
  streams.enterprise = registries.size() > 2;
  return streams;
}

/// The baton's time with a wall clock that may be wrong.
class WrongClock final : public Clock {
 public:
  explicit WrongClock(Clock& true_clock) : true_clock_(true_clock) {}
  UnixMillis now() const override { return true_clock_.now() + off_; }
  SteadyTime steady_now() const override { return true_clock_.steady_now(); }
  void jump(Millis to) { off_ = to; }

 private:
  Clock& true_clock_;
  Millis off_{0};
};

/// Watches that calls come no faster than the contract allows, and how many there are.
class Meter final : public net::HttpTransport {
 public:
  Meter(std::unique_ptr<net::HttpTransport> to, const Clock& clock, double rate,
        std::uint64_t& calls, std::string& failure)
      : to_(std::move(to)), clock_(clock), rate_(rate), calls_(calls), failure_(failure) {}

  Result<net::HttpResponse> send(const net::HttpRequest& request) override {
    ++calls_;
    const SteadyTime now = clock_.steady_now();
    sent_.push_back(now);
    while (now - sent_.front() >= seconds(1)) sent_.pop_front();
    const double burst = std::min(10.0, std::max(1.0, rate_));
    if (static_cast<double>(sent_.size()) > rate_ + burst) failure_ = "calls came too fast";
    return to_->send(request);
  }
  void abort() override { to_->abort(); }

 private:
  std::unique_ptr<net::HttpTransport> to_;
  const Clock& clock_;
  const double rate_;
  std::deque<SteadyTime> sent_;
  std::uint64_t& calls_;
  std::string& failure_;
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, std::string watch)
      : watch_(std::move(watch)),
        baton_(seed),
        plan_(draw_plan(baton_, seed)),
        clock_(baton_.runtime().clock),
        clouds_(plan_.world, plan_.faults, baton_.now()),
        oracle_(clouds_.world(), rules_of(plan_), other_streams(plan_), baton_.now()) {
    if (seed % kWithSqlite == 0) folder_.emplace();
    for (const char* ours : {"answer_lost", "clock_jump", "crash_in_commit", "disk_full",
                             "disk_slow", "killed", "second_scraper", "sqlite"}) {
      history_.faults[ours] = 0;  // So that it is missed when it never comes.
    }
  }

  History run() {
    for (; life_ <= plan_.lives && history_.failure.empty(); ++life_) {
      live(life_ == plan_.lives);
      pause();
    }
    if (!history_.failure.empty()) {
      history_.failure += where();
      print_disk();
    }
    history_.trace = baton_.trace();
    history_.calls = std::accumulate(calls_.begin(), calls_.end(), std::uint64_t{0});
    for (const auto& [name, times] : clouds_.fired()) history_.faults[std::string(name)] += times;
    note_lasting_faults();
    note_other_streams();
    return history_;
  }

 private:
  using Fate = MemoryStore::Fate;

  void live(bool last) {
    crashed_ = false;
    points_to_live_ = last || baton_.roll(3) == 0 ? -1 : static_cast<int>(baton_.roll(100));
    MemoryStore store(
        disk_, [this] { return at_point(); }, open_sqlite());
    const auto read = store.load();
    if (!read) {
      history_.failure = read.error().detail;
      return;
    }
    const store::LoadedState& loaded = *read;
    oracle_.start(committed(true));
    exposition::SelfMetrics self(clock_);
    EngineOptions options;
    if (plan_.asks_for_notices) options.notices_from = 1;
    auto engine = Engine::make(
        {clock_, baton_.runtime().threads, baton_.runtime().entropy}, store, plan_.config, options,
        self,
        [this](const config::RegistryConfig& registry, const config::MetricsConfig& metrics,
               Runtime runtime, CallObserver& observer) {
          return connect_simulated(registry, metrics, runtime, observer);
        });
    (*engine)->start(engine_books_of(loaded));
    {
      const auto second = start_second_scraper(**engine);
      scrape_for_a_while(**engine);
      stopping_ = true;
    }
    stopping_ = false;
    if (last && history_.failure.empty()) settle(**engine);
    if (!last && !crashed_) ++history_.faults["killed"];
    if (!last) crashed_ = true;  // Nothing is written any more.
    (*engine)->stop();
  }

  /// Those that lists were long enough for.
  void note_lasting_faults() {
    const simulator::LastingFaults& lasting = plan_.world.lasting;
    std::size_t longest = 0;
    for (const auto& each : clouds_.world().acr()) longest = std::max(longest, each.builds.size());
    const auto rows = [](int number) { return static_cast<std::size_t>(number); };
    const auto note = [&](const char* name, bool met) { history_.faults[name] += met ? 1 : 0; };
    const int page = plan_.world.page_size_max;
    note("page_cut", page > 0 && longest > rows(page));
    note("totals_lie", lasting.totals != simulator::Totals::right);
    note("too_deep", lasting.depth > 0 && longest > rows(lasting.depth));
    note("broken_record", lasting.broken_records > 0 && longest > rows(lasting.broken_records));
    note("broken_id", lasting.broken_ids > 0);
    note("broken_repository", lasting.broken_repositories > 0);
  }

  /// Only of histories that collect them.
  void note_other_streams() {
    const OtherStreams streams = other_streams(plan_);
    if (streams.swr_syncs) ++history_.faults["swr_syncs"];
    if (!streams.enterprise) return;
    for (const auto& [name, times] : clouds_.world().ee().tricks_played()) {
      history_.faults[std::string(name)] += times;
    }
  }

  /// Some keep their state in SQLite as well, for real.
  std::unique_ptr<store::StateStore> open_sqlite() {
    if (!folder_) return nullptr;
    ++history_.faults["sqlite"];
    return store::make_sqlite_state_store({.path = folder_->file("state.db"), .vfs = {}},
                                          clock_.now());
  }

  std::string where() const {
    const bool counts = plan_.config.collection.initial_history == config::InitialHistory::count;
    const auto since = std::chrono::duration_cast<seconds>(baton_.now() - begun_);
    return std::string(" (") + (counts ? "count" : "baseline") + ", faults " + plan_.mix +
           ", life " + std::to_string(life_) + " of " + std::to_string(plan_.lives) + ", after " +
           std::to_string(since.count()) + " s" + what_lasts() + ")";
  }

  /// What of the world never changes, where it is not as it should be.
  std::string what_lasts() const {
    const simulator::LastingFaults& lasting = plan_.world.lasting;
    std::string text;
    const auto add = [&](const char* name, int value) {
      if (value != 0) text += std::string(", ") + name + " " + std::to_string(value);
    };
    add("pages cut at", plan_.world.page_size_max);
    add("cut by offset", lasting.cuts_by_offset ? 1 : 0);
    add("totals", static_cast<int>(lasting.totals));
    add("depth", lasting.depth);
    add("broken record", lasting.broken_records);
    add("broken id", lasting.broken_ids);
    add("broken repository", lasting.broken_repositories);
    add("answer", static_cast<int>(lasting.answer));
    add("history", static_cast<int>(plan_.world.tricks.history_max));
    add("order", static_cast<int>(plan_.world.order));
    for (const config::RegistryConfig& each : plan_.config.registries)
      add("page size", each.page_size);
    return text;
  }

  /// Before and after each write: the disk may be full or slow, or the process may die.
  Fate at_point() {
    const bool last_point = points_to_live_ == 1;
    const bool slow = plan_.disk_slow && !standing_still_ && (last_point || baton_.roll(8) == 0);
    if (slow) ++history_.faults["disk_slow"];
    baton_.sleep(Millis{slow ? static_cast<std::int64_t>(baton_.roll(4000)) : 0});
    if (crashed_) return Fate::dies;
    if (points_to_live_ > 0 && --points_to_live_ == 0) {
      crashed_ = true;
      ++history_.faults["crash_in_commit"];
      return Fate::dies;
    }
    if (!disk_full_) return Fate::lives;
    ++history_.faults["disk_full"];
    return Fate::fails;
  }

  /// Of event counters and histograms, what is on the disk; `held`: as 0 where a zero comes first.
  std::unordered_map<std::string, double> committed(bool held) {
    std::unordered_map<std::string, double> all;
    for (const auto& [number, entry] : disk_.repositories) {
      const RepositoryState state = store::decode_repository(entry.second).value();
      const bool feed = state.kind->feeds_shares() && state.ref.name.empty();
      if (state.hidden || state.dropped || state.unlisted || feed) continue;
      const Ledger& ledger = state.ledger;
      const std::string registry = registry_name(entry.first);
      for (const Outcome outcome : state.kind->outcomes) {
        const SeriesNames series = series_names(registry, *state.kind, state.ref, outcome);
        const bool zero = held && ledger.events_held[outcome];
        all[series.events] = zero ? 0 : static_cast<double>(ledger.counters.events[outcome]);
        const auto& durations = ledger.counters.durations[outcome];
        if (!durations) continue;
        const bool whole = durations->native.count() == durations->count();
        if (!whole || !durations->created_at || !ledger.counters.created_at) {
          history_.failure = "native buckets or a beginning are missing: " + series.events;
        }
        const bool none = held && ledger.durations_held[outcome];
        all[series.durations] = none ? 0 : static_cast<double>(durations->count());
      }
    }
    return all;
  }

  std::string registry_name(store::RegistryNumber number) const {
    const auto state = store::decode_registry(disk_.registries.at(number)).value();
    return state.identity.substr(0, state.identity.find('\n'));
  }

  std::unique_ptr<Thread> start_second_scraper(Engine& engine) {
    if (!plan_.second_scraper) return nullptr;
    return baton_.runtime().threads.start("scraper", [this, &engine] {
      while (!stopping_ && !crashed_ && history_.failure.empty()) {
        scrape(engine, "second");
        baton_.sleep(Millis{static_cast<std::int64_t>(500 + baton_.roll(7000))});
      }
    });
  }

  void scrape_for_a_while(Engine& engine) {
    const std::uint64_t scrapes = 170 / static_cast<std::uint64_t>(plan_.lives) + baton_.roll(10);
    for (std::uint64_t i = 0; i < scrapes && !crashed_ && history_.failure.empty(); ++i) {
      disk_full_ = plan_.disk_fails && baton_.roll(10) == 0;
      if (plan_.clock_jumps && baton_.roll(8) == 0) jump();
      scrape(engine, "first");
      baton_.sleep(Millis{static_cast<std::int64_t>(2000 + baton_.roll(6000))});
    }
    disk_full_ = false;
  }

  void jump() {
    constexpr std::array<Millis, 6> kJumps = {seconds(0),   seconds(90),       minutes(-20),
                                              minutes(130), hours(24) * -3650, hours(24) * 365};
    clock_.jump(kJumps[baton_.roll(kJumps.size())]);
    ++history_.faults["clock_jump"];
  }

  /// One scrape, by `scraper`; nullopt when its answer never left the dying process. Some answers
  /// are lost on their way.
  std::optional<Series> scrape(Engine& engine, const std::string& scraper, Millis timeout = {}) {
    ScrapeRequest request;
    request.client = scraper;
    request.timeout =
        timeout > Millis{0} ? timeout : Millis{static_cast<std::int64_t>(200 + baton_.roll(4000))};
    if (baton_.roll(4) == 0) request.format = ExpositionFormat::openmetrics;
    const UnixMillis begun = baton_.now();
    const auto committed_before = committed(false);
    const Engine::Scrape answer = engine.scrape(request, {});
    const Millis took = baton_.now() - begun;
    if (crashed_) return std::nullopt;
    if (took > request.timeout) {
      history_.failure = "a scrape came late: " + std::to_string(took.count()) + " ms";
    }
    std::string text;
    for (const Chunk& chunk : answer.chunks) text += *chunk;
    Series series = read_exposition(text);
    print_watched(series, scraper);
    ++history_.scrapes;
    if (scraper != "first") ++history_.faults["second_scraper"];
    count_cycle();
    if (baton_.roll(20) == 0) {
      ++history_.faults["answer_lost"];
      return series;
    }
    tell_what_is_committed();
    std::string wrong;
    if (answer.complete && !plan_.second_scraper) {
      wrong = oracle_.held_back(series, scraper, committed_before);
    }
    if (wrong.empty()) wrong = oracle_.classify_response(series, scraper, baton_.now());
    if (!wrong.empty()) history_.failure = wrong;
    engine.answered(answer);
    return series;
  }

  /// Only with calls to both clouds, lists longer than a page in both, and a world that moves.
  void count_cycle() {
    if (standing_still_ || calls_[0] == calls_before_[0] || calls_[1] == calls_before_[1]) return;
    const auto page = [&](std::size_t cloud) {
      return static_cast<std::size_t>(plan_.config.registries[cloud].page_size);
    };
    const auto& acr = clouds_.world().acr();
    const auto& swr = clouds_.world().swr();
    const bool long_lists = std::any_of(acr.begin(), acr.end(),
                                        [&](const auto& r) { return r.builds.size() > page(0); }) &&
                            std::any_of(swr.begin(), swr.end(), [&](const auto& r) {
                              return r.deletions.size() > page(1);
                            });
    if (!long_lists) return;
    ++history_.cycles;
    calls_before_ = calls_;
  }

  void print_watched(const Series& series, const std::string& scraper) const {
    if (watch_.empty()) return;
    for (const auto& [name, value] : series.values) {
      if (name.find(watch_) == std::string::npos) continue;
      std::cerr << (baton_.now() - begun_).count() << " ms, life " << life_ << ", " << scraper
                << ": " << name << " " << value << "\n";
    }
  }

  void print_disk() const {
    for (const auto& [number, entry] : disk_.repositories) {
      const RepositoryState state = store::decode_repository(entry.second).value();
      const Ledger& ledger = state.ledger;
      std::cerr << full_name(state.ref) << ": known " << ledger.known << ", open "
                << ledger.open.size() << ", order " << static_cast<int>(ledger.order)
                << (ledger.read_whole ? "" : ", not read whole") << (ledger.walk ? ", walks" : "")
                << (state.dropped ? ", dropped" : "") << (state.hidden ? ", hidden" : "")
                << (ledger.sweep_wanted ? ", sweep wanted" : "");
      for (std::size_t i = 0; i < kRecordClasses; ++i) {
        std::cerr << ", " << ledger.present[i] << " " << name(static_cast<RecordClass>(i));
      }
      if (ledger.last_read) std::cerr << ", read at " << (*ledger.last_read - begun_).count();
      if (ledger.last_sweep) std::cerr << ", swept at " << (*ledger.last_sweep - begun_).count();
      std::cerr << ", total " << ledger.total_prev.value_or(0) << "\n";
    }
  }

  /// What no exposition shows: where counting starts.
  void tell_what_is_committed() {
    std::map<store::RegistryNumber, std::string> registries;
    for (const auto& [number, blob] : disk_.registries) {
      const RegistryState state = store::decode_registry(blob).value();
      registries[number] = registry_name(number);
      if (state.discovered) oracle_.discovered(registries[number], baton_.now());
    }
    for (const auto& [number, entry] : disk_.repositories) {
      const RepositoryState state = store::decode_repository(entry.second).value();
      if (!state.ledger.read_whole) continue;
      oracle_.read_whole(list_key(registries[entry.first], *state.kind, state.ref), baton_.now());
    }
  }

  /// The faults stop and the world stands still: within two sweeps everything has to be counted.
  void settle(Engine& engine) {
    standing_still_ = true;
    clock_.jump(Millis{0});
    clouds_.set_speed(0, baton_.now());
    clouds_.set_faults(*simulator::parse_faults("none"));
    // Keys that were refused are tried again at the latest after six minutes.
    const UnixMillis all_up_by = baton_.now() + minutes(7);
    const Millis enough = 2 * kSweepInterval + time_to_read_all() * 3;
    UnixMillis deadline = baton_.now() + enough;
    std::string missing;
    do {
      const auto series = scrape(engine, "first", seconds(5));
      if (!history_.failure.empty()) return;
      if (!all_up(*series) && baton_.now() < all_up_by) deadline = baton_.now() + enough;
      history_.counted = oracle_.events_shown();
      missing = oracle_.missing(*series, baton_.now());
      if (missing.empty()) return;
      baton_.sleep(seconds(15));
    } while (baton_.now() < deadline);
    history_.failure = missing;
  }

  bool all_up(const Series& series) const {
    const auto& registries = plan_.config.registries;
    return std::all_of(registries.begin(), registries.end(), [&](const auto& each) {
      const char* const family = each.is_acr() ? "acr_up" : "swr_up";
      return series.values.at(std::string(family) + "{registry=\"" + each.name + "\"}") == 1;
    });
  }

  /// Calls that get no answer while all of a list is read once, as far as they are tried.
  double calls_without_answer(std::size_t records) const {
    constexpr double kOfRow = 9;
    constexpr double kOfList = 3;  // At its end, or for records by their ids.
    const simulator::LastingFaults& lasting = plan_.world.lasting;
    if (lasting.answer != simulator::Broken::never) return 0;
    const double rows =
        lasting.broken_records > 0 ? static_cast<double>(records) / lasting.broken_records : 0;
    return kOfList + kOfRow * rows;
  }

  /// At the configured rate.
  Millis time_to_read_all() const {
    double longest = 0;
    for (const config::RegistryConfig& registry : plan_.config.registries) {
      double pages = 10;
      double unanswered = 0;
      int size = registry.page_size;
      if (plan_.world.page_size_max > 0) size = std::min(size, plan_.world.page_size_max);
      const auto add = [&](std::size_t records) {
        pages += 2 + static_cast<double>(records) / size;
        unanswered += calls_without_answer(records);
      };
      for (const auto& repository : clouds_.world().acr()) add(repository.builds.size());
      add(clouds_.world().syncs().all().size());
      for (const auto& repository : clouds_.world().swr()) add(repository.deletions.size());
      add_others(add);
      const std::chrono::duration<double> timeout = registry.request_timeout;
      const double waits = unanswered * timeout.count() / registry.concurrency;
      longest = std::max(longest, pages / std::min(registry.requests_per_second, 20.0) + waits);
    }
    return seconds(15) + std::chrono::duration_cast<Millis>(std::chrono::duration<double>(longest));
  }

  /// Lists of the other streams. Each execution of retention is read once more, with its tasks.
  template <class Add>
  void add_others(Add add) const {
    const OtherStreams streams = other_streams(plan_);
    if (streams.swr_syncs) add(clouds_.world().swr_syncs().all().size());
    if (!streams.enterprise) return;
    const simulator::EeWorld& ee = clouds_.world().ee();
    add(ee.listed_replications().size());
    for (const simulator::EeNamespace& space : ee.namespaces()) {
      for (std::size_t i = 0; i <= space.executions.size(); ++i) add(space.executions.size());
    }
  }

  void pause() {
    constexpr std::array<Millis, 4> kPauses = {seconds(0), seconds(3), seconds(45), minutes(6)};
    baton_.sleep(kPauses[baton_.roll(kPauses.size())]);
  }

  CloudConnection connect_simulated(const config::RegistryConfig& registry,
                                    const config::MetricsConfig& metrics, Runtime runtime,
                                    CallObserver& observer) {
    auto transport = std::make_unique<simulator::SimulatedTransport>(
        clouds_, baton_.runtime().clock, [this](Millis delay) { baton_.sleep(delay); },
        Millis{static_cast<std::int64_t>(1 + baton_.roll(60))});
    auto metered =
        std::make_unique<Meter>(std::move(transport), runtime.clock, registry.requests_per_second,
                                calls_[place_of(registry)], history_.failure);
    return connect(std::move(metered), registry, metrics, runtime, observer);
  }

  std::size_t place_of(const config::RegistryConfig& registry) const {
    const auto& all = plan_.config.registries;
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const auto& each) { return each.name == registry.name; });
    return static_cast<std::size_t>(found - all.begin());
  }

  const std::string watch_;
  Baton baton_;
  const Plan plan_;
  WrongClock clock_;
  simulator::Simulator clouds_;
  Oracle oracle_;
  Disk disk_;
  std::optional<TemporaryFolder> folder_;
  std::array<std::uint64_t, 3> calls_{};  ///< By registry.
  std::array<std::uint64_t, 3> calls_before_{};
  bool crashed_ = false;
  bool stopping_ = false;
  bool standing_still_ = false;  ///< The world, so that everything can be counted.
  bool disk_full_ = false;
  int points_to_live_ = -1;
  int life_ = 1;
  const UnixMillis begun_ = baton_.now();
  History history_;
};

}  // namespace

History live_through(std::uint64_t seed, const std::string& watch) {
  return Simulation(seed, watch).run();
}

}  // namespace registry_exporter
