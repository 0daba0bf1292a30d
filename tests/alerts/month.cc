/// A month in the life of an exporter, with known incidents: the whole exporter on simulated clouds
/// and time; each scrape goes, with its time, into files that `promtool tsdb create-blocks-from
/// openmetrics` reads, and what really happened into truth.json.

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/clouds.h"
#include "exporter/engine.h"
#include "tests/sim/baton.h"
#include "tests/sim/memory_store.h"
#include "tests/simulator/transport.h"

namespace registry_exporter {
namespace {

using simulator::Dice;
using simulator::Life;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct Options {
  std::uint64_t seed = 1;
  int days = 30;
  int repositories = 60;  ///< Of each cloud.
  seconds scrape_interval{120};
  int quiet_days = 9;  ///< Before the first incident: what is usual has to be learnt.
  int seldom = 1;      ///< In the quiet days, one scrape in so many.
  std::set<std::string, std::less<>> only;  ///< Names of samples to be written; empty: all.
  std::filesystem::path folder = "month";
};

constexpr Millis kBlock = hours(2);
/// Records a list keeps, as the clouds may.
constexpr std::size_t kListed = 400;

enum class Kind { broken, common_cause, slow, stuck, silent, spike, emptied, stopped };
constexpr const char* kKindNames[] = {"broken", "common_cause", "slow",    "stuck",
                                      "silent", "spike",        "emptied", "stopped"};

/// Something that befalls repositories whose index is `index`, modulo `every` (0: that one alone).
struct Incident {
  Kind kind;
  std::uint32_t index = 0;
  std::uint32_t every = 0;
  Life from{0};
  Life until{0};

  bool concerns(std::uint32_t other, Life at) const {
    const bool chosen = every == 0 ? other == index : other % every == index;
    return chosen && at >= from && at < until;
  }
};

/// A week of people who work, with storms of deploys, and the incidents.
class Story final : public simulator::Script {
 public:
  Story(const Options& options, UnixMillis begun) : begun_(begun), dice_(options.seed, 77) {
    const auto add = [&](Kind kind, int times, Life from_hour, Life length, std::uint32_t every,
                         std::uint32_t indexes) {
      for (int i = 0; i < times; ++i) {
        // Each in its own stretch, and in a repository of its own while there are any, so that they
        // don't hide each other.
        const int stretch = (options.days - options.quiet_days) / times;
        int day = options.quiet_days + i * stretch +
                  static_cast<int>(dice_.below(static_cast<std::uint64_t>(std::max(1, stretch))));
        while (!works_on(day)) ++day;
        const Life from = hours(24) * day + from_hour - into_first_day();
        auto index = static_cast<std::uint32_t>(dice_.below(indexes));
        if (every == 0) index = unused(index, indexes, of_swr(kind), options.repositories);
        incidents_.push_back({kind, index, every, from, from + length});
      }
    };
    // Repositories of rank 0 to 9 build often; indexes of those are found by the world's own rule.
    add(Kind::broken, 8, hours(9), hours(6), 0, 30);
    add(Kind::common_cause, 4, hours(10), hours(3), 8, 8);
    add(Kind::slow, 6, hours(8), hours(11), 0, 20);
    add(Kind::stuck, 6, hours(11), hours(2), 0, 20);
    add(Kind::silent, 3, hours(0), hours(24 * 6), 0, 12);
    add(Kind::spike, 10, hours(13), hours(30), 0, 20);
    add(Kind::emptied, 3, hours(13), hours(30), 0, 20);
    add(Kind::stopped, 2, hours(1), hours(24 * 9), 0, 20);
  }

  static bool of_swr(Kind kind) { return kind >= Kind::spike; }

  /// The index of the repository of this rank, or of the next one without an incident of its cloud.
  std::uint32_t unused(std::uint32_t rank, std::uint32_t ranks, bool swr, int repositories) const {
    for (std::uint32_t further = 0; further < ranks; ++further) {
      const std::uint32_t index = index_of_rank((rank + further) % ranks, repositories);
      const bool used =
          std::any_of(incidents_.begin(), incidents_.end(), [&](const Incident& incident) {
            return incident.every == 0 && incident.index == index && of_swr(incident.kind) == swr;
          });
      if (!used) return index;
    }
    return index_of_rank(rank, repositories);
  }

  /// The world ranks repositories by (index * 7 + 3) % count.
  static std::uint32_t index_of_rank(std::uint32_t rank, int count) {
    const auto all = static_cast<std::uint32_t>(count);
    for (std::uint32_t index = 0; index < all; ++index) {
      if ((index * 7 + 3) % all == rank % all) return index;
    }
    return 0;
  }

  double pace(std::uint32_t index, Life at) const override {
    if (concerned(Kind::silent, index, at)) return 0;
    const bool nightly = index % 10 == 4;
    const double hour = hour_of(at);
    if (nightly) return 1;
    if (!works_on(day_of(at))) return 0.03;
    if (hour < 8 || hour >= 19) return 0.05;
    // A storm of deploys every few days: everybody at once, two hours long.
    const bool storm = day_of(at) % 5 == 2 && hour >= 15 && hour < 17;
    return storm ? 1 : 0.5;
  }
  double success_share(std::uint32_t index, Life at, double own) const override {
    if (concerned(Kind::broken, index, at)) return 0;
    if (concerned(Kind::common_cause, index, at)) return 0.15;
    // Most are well kept; a few fail now and then.
    return index % 15 == 8 ? 0.9 : 0.97 + 0.03 * (own - 0.6) / 0.38;
  }
  double slowness(std::uint32_t index, Life at) const override {
    if (concerned(Kind::stuck, index, at)) return 100;
    return concerned(Kind::slow, index, at) ? 5 : 1;
  }
  std::uint32_t keep(std::uint32_t index, Life at, std::uint32_t own) const override {
    if (concerned(Kind::emptied, index, at)) return 1;
    const std::uint32_t usual = 40 + own * 4;
    if (concerned(Kind::spike, index, at)) return own / 4 + 3;
    return concerned(Kind::stopped, index, at) ? 1'000'000 : usual;
  }

  const std::vector<Incident>& incidents() const { return incidents_; }

 private:
  bool concerned(Kind kind, std::uint32_t index, Life at) const {
    for (const Incident& each : incidents_) {
      if (each.kind == kind && each.concerns(index, at)) return true;
    }
    return false;
  }
  Life into_first_day() const {
    return begun_.time_since_epoch() -
           std::chrono::floor<std::chrono::days>(begun_).time_since_epoch();
  }
  int day_of(Life at) const {
    return static_cast<int>(std::chrono::floor<std::chrono::days>(at + into_first_day()).count());
  }
  double hour_of(Life at) const {
    const Life today = at + into_first_day() - std::chrono::days(day_of(at));
    return std::chrono::duration<double, std::ratio<3600>>(today).count();
  }
  bool works_on(int day) const {
    const std::chrono::weekday weekday(std::chrono::floor<std::chrono::days>(begun_) +
                                       std::chrono::days(day));
    return weekday != std::chrono::Saturday && weekday != std::chrono::Sunday;
  }

  UnixMillis begun_;
  Dice dice_;
  std::vector<Incident> incidents_;
};

/// Files of two hours each, as blocks have it.
class Journal {
 public:
  Journal(std::filesystem::path folder, const std::set<std::string, std::less<>>& only)
      : folder_(std::move(folder)), only_(only) {
    std::filesystem::create_directories(folder_);
  }
  ~Journal() { close(); }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void scrape(const std::vector<Chunk>& chunks, UnixMillis now) {
    open(now);
    line("up", "", "1");
    std::string text;
    for (const Chunk& chunk : chunks) text += *chunk;
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      const std::string_view each = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      if (each.empty() || each[0] == '#') continue;
      const std::size_t space = each.rfind(' ');
      const std::size_t brace = each.find('{');
      const std::string_view name = each.substr(0, std::min(brace, space));
      if (!only_.empty() && !only_.contains(name)) continue;
      const std::string_view labels =
          brace == std::string_view::npos ? "" : each.substr(brace + 1, space - brace - 2);
      line(name, labels, each.substr(space + 1));
    }
  }
  void missed(UnixMillis now) {
    open(now);
    line("up", "", "0");
  }

 private:
  void line(std::string_view name, std::string_view labels, std::string_view value) {
    text_.append(name).append("{job=\"registry_exporter\",instance=\"exporter:10067\"");
    if (!labels.empty()) text_.append(",").append(labels);
    text_.append("} ").append(value).append(stamp_);
  }
  void open(UnixMillis now) {
    const std::int64_t block = now.time_since_epoch() / kBlock;
    if (block != block_) {
      close();
      block_ = block;
    }
    stamp_ = " " + std::to_string(now.time_since_epoch().count() / 1000) + "." +
             std::to_string(1000 + now.time_since_epoch().count() % 1000).substr(1) + "\n";
  }
  void close() {
    if (text_.empty()) return;
    std::ofstream(folder_ / (std::to_string(block_) + ".om")) << text_ << "# EOF\n";
    text_.clear();
  }

  std::filesystem::path folder_;
  const std::set<std::string, std::less<>>& only_;
  std::string text_;
  std::int64_t block_ = 0;
  std::string stamp_;
};

config::Config make_config() {
  config::Config config;
  config.collection.max_staleness = minutes(5);
  config.collection.sweep_interval = hours(6);
  config::RegistryConfig acr;
  acr.name = "acr";
  acr.region = "demo-region";
  acr.endpoint = "http://acr.test";
  acr.credentials_given = true;
  acr.requests_per_second = 100;
  acr.concurrency = 8;
  acr.page_size = 20;
  config::RegistryConfig swr = acr;
  config::AcrConfig acr_cloud;
  acr_cloud.instance_id = "cri-demo";
  acr_cloud.credentials.access_key_id.value = Secret("demo-access-key-id");
  acr_cloud.credentials.access_key_secret.value = Secret("demo-access-key-secret");
  acr.cloud = acr_cloud;
  config::SwrConfig swr_cloud;
  swr_cloud.project_id = "0123456789abcdef0123456789abcdef";
  swr_cloud.iam_endpoint = "http://swr.test";
  swr_cloud.credentials.access_key.value = Secret("demo-access-key");
  swr_cloud.credentials.secret_key.value = Secret("demo-secret-key");
  swr_cloud.collect_rules = true;
  swr.name = "swr";
  swr.endpoint = "http://swr.test";
  swr.cloud = swr_cloud;
  config.registries = {acr, swr};
  return config;
}

struct Span {
  const char* kind;
  UnixMillis from;
  UnixMillis until;
  bool contains(UnixMillis at) const { return at >= from && at < until; }
};

class Month {
 public:
  explicit Month(const Options& options)
      : options_(options),
        baton_(options.seed),
        begun_(baton_.now()),
        story_(options, begun_),
        clouds_(world_options(), mild_, begun_),
        config_(make_config()),
        journal_(options_.folder / "scrapes", options_.only) {
    draw_outages();
  }

  void run() {
    const UnixMillis end = begun_ + hours(24) * options_.days;
    mild_.tricks.history_max = kListed;
    while (baton_.now() < end) live(end);
    remember();
    tell_truth();
  }

 private:
  simulator::WorldOptions world_options() const {
    simulator::WorldOptions world;
    world.seed = options_.seed;
    world.repositories = options_.repositories;
    world.history = 0.2;
    world.births_per_day = 0.3;
    world.script = &story_;
    return world;
  }

  /// Of the exporter's scrapes, of the process, of the clouds.
  void draw_outages() {
    Dice dice(options_.seed, 78);
    const auto add = [&](const char* kind, int times, int shortest, int longest) {
      for (int i = 0; i < times; ++i) {
        const double day =
            options_.quiet_days + dice.uniform() * (options_.days - options_.quiet_days - 1);
        const UnixMillis from = begun_ + minutes(static_cast<int>(day * 24 * 60));
        spans_.push_back(
            {kind, from,
             from + minutes(shortest + static_cast<int>(dice.below(
                                           static_cast<std::uint64_t>(longest - shortest + 1))))});
      }
    };
    add("scrapes_out", 4, 10, 200);
    add("restart", 5, 0, 1);
    add("cloud_out", 2, 20, 60);
    add("throttled", 2, 60, 90);
  }

  /// One process, until it is killed by a restart.
  void live(UnixMillis end) {
    MemoryStore store(disk_, [] { return MemoryStore::Fate::lives; });
    exposition::SelfMetrics self(baton_.runtime().clock);
    auto engine = Engine::make(
        baton_.runtime(), store, config_, {}, self,
        [this](const config::RegistryConfig& registry, const config::MetricsConfig& metrics,
               Runtime runtime, CallObserver& observer) {
          return connect_simulated(registry, metrics, runtime, observer);
        });
    (*engine)->start(engine_books_of(*store.load()));
    const UnixMillis born = baton_.now();
    bool goes_on = true;
    while (goes_on && baton_.now() < end) {
      const bool quiet = baton_.now() < begun_ + hours(24) * options_.quiet_days;
      const UnixMillis due =
          baton_.now() + options_.scrape_interval * (quiet ? options_.seldom : 1);
      scrape(**engine);
      baton_.sleep(std::max(Millis{1}, due - baton_.now()));
      for (const Span& each : spans_) {
        const bool now = std::string_view(each.kind) == "restart" && each.from > born &&
                         each.from <= baton_.now();
        if (now) goes_on = false;
      }
    }
    (*engine)->stop();
  }

  const Span* befalls(const char* kind) const {
    for (const Span& each : spans_) {
      if (std::string_view(each.kind) == kind && each.contains(baton_.now())) return &each;
    }
    return nullptr;
  }

  void scrape(Engine& engine) {
    if (baton_.now() - remembered_at_ > hours(1)) remember();
    if (befalls("scrapes_out")) return journal_.missed(baton_.now());
    simulator::FaultMix faults = mild_;
    if (befalls("cloud_out")) faults = *simulator::parse_faults("server_error:60,lose:40");
    if (befalls("throttled")) faults = *simulator::parse_faults("throttle:30");
    faults.tricks = mild_.tricks;
    clouds_.set_faults(faults);
    ScrapeRequest request;
    request.timeout = seconds(25);
    exposition::LiveState live;
    live.now = baton_.now();
    const UnixMillis begun = baton_.now();
    const Engine::Scrape answer = engine.scrape(request, live);
    journal_.scrape(answer.chunks, begun);
    engine.answered(answer);
  }

  CloudConnection connect_simulated(const config::RegistryConfig& registry,
                                    const config::MetricsConfig& metrics, Runtime runtime,
                                    CallObserver& observer) {
    auto transport = std::make_unique<simulator::SimulatedTransport>(
        clouds_, runtime.clock, [this](Millis delay) { baton_.sleep(delay); }, Millis{40});
    return connect(std::move(transport), registry, metrics, runtime, observer);
  }

  template <class Time>
  static double unix_seconds(Time time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
  }

  /// What ended, before it leaves the lists.
  void remember() {
    remembered_at_ = baton_.now();
    for (const auto& repository : clouds_.world().acr()) {
      auto& known = ended_[repository.index];
      for (std::size_t i = 0; i < repository.builds.size(); ++i) {
        const auto& build = repository.builds[i];
        if (build.ended_at)
          known.emplace(repository.trimmed + i, Ended{*build.ended_at, build.end, build.span});
      }
    }
    for (const auto& repository : clouds_.world().swr()) {
      auto& known = deleted_[repository.index];
      for (const auto& deletion : repository.deletions)
        known[deletion.id] = {unix_seconds(deletion.created_at),
                              repository.rules[deletion.rule].rule_template};
    }
  }

  void tell_truth() {
    using Json = nlohmann::json;
    Json truth = {{"seed", options_.seed},
                  {"begin", unix_seconds(begun_)},
                  {"end", unix_seconds(baton_.now())},
                  {"scrape_interval", options_.scrape_interval.count()}};
    for (const Incident& each : story_.incidents()) {
      truth["incidents"].push_back({{"kind", kKindNames[static_cast<std::size_t>(each.kind)]},
                                    {"index", each.index},
                                    {"every", each.every},
                                    {"from", unix_seconds(begun_ + each.from)},
                                    {"until", unix_seconds(begun_ + each.until)}});
    }
    for (const Span& each : spans_) {
      truth["spans"].push_back({{"kind", each.kind},
                                {"from", unix_seconds(each.from)},
                                {"until", unix_seconds(each.until)}});
    }
    for (const auto& repository : clouds_.world().acr()) {
      Json builds = Json::array();
      for (const auto& [number, build] : ended_[repository.index]) {
        builds.push_back(
            {unix_seconds(build.at), static_cast<int>(build.end), build.span.count() / 1000});
      }
      truth["acr"].push_back({{"name", repository.repo_namespace + "/" + repository.name},
                              {"index", repository.index},
                              {"builds", std::move(builds)}});
    }
    for (const auto& repository : clouds_.world().swr()) {
      Json deletions = Json::array();
      for (const auto& [id, each] : deleted_[repository.index])
        deletions.push_back({each.at, each.rule_template});
      truth["swr"].push_back({{"name", repository.repo_namespace + "/" + repository.name},
                              {"index", repository.index},
                              {"pushed", repository.pushed},
                              {"has_rule", !repository.rules.empty()},
                              {"deletions", std::move(deletions)}});
    }
    std::ofstream(options_.folder / "truth.json") << truth.dump();
  }

  const Options options_;
  struct Ended {
    UnixMillis at;
    simulator::BuildEnd end;
    Millis span;
  };
  struct Deleted {
    double at = 0;
    std::string rule_template;
  };

  simulator::FaultMix mild_ = *simulator::parse_faults("mild:50");
  Baton baton_;
  const UnixMillis begun_;
  const Story story_;
  simulator::Simulator clouds_;
  config::Config config_;
  Journal journal_;
  std::vector<Span> spans_;
  Disk disk_;
  UnixMillis remembered_at_{};
  std::map<std::uint32_t, std::map<std::uint64_t, Ended>> ended_;     ///< By index and number.
  std::map<std::uint32_t, std::map<std::int64_t, Deleted>> deleted_;  ///< By index and id.
};

bool put(Options& options, std::string_view flag, std::string_view value) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool good = error == std::errc() && end == value.data() + value.size() && number > 0;
  if (flag == "--folder") {
    options.folder = value;
    return true;
  }
  if (flag == "--only") {
    std::istringstream names{std::string(value)};
    for (std::string name; std::getline(names, name, ',');) options.only.insert(name);
    return true;
  }
  if (!good) return false;
  if (flag == "--seed")
    options.seed = static_cast<std::uint64_t>(number);
  else if (flag == "--days")
    options.days = static_cast<int>(number);
  else if (flag == "--repositories")
    options.repositories = static_cast<int>(number);
  else if (flag == "--scrape-seconds")
    options.scrape_interval = seconds(number);
  else if (flag == "--quiet-days")
    options.quiet_days = static_cast<int>(number);
  else if (flag == "--seldom")
    options.seldom = static_cast<int>(number);
  else
    return false;
  return true;
}

}  // namespace
}  // namespace registry_exporter

int main(int count, char** arguments) {
  registry_exporter::Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    if (!registry_exporter::put(options, arguments[i], arguments[i + 1])) {
      std::cerr << "bad flag or value: " << arguments[i] << "\n";
      return 2;
    }
  }
  registry_exporter::Month(options).run();
  return 0;
}
