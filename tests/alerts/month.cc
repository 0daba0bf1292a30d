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
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/clouds.h"
#include "exporter/engine.h"
#include "tests/alerts/diary.h"
#include "tests/alerts/story.h"
#include "tests/sim/baton.h"
#include "tests/sim/memory_store.h"
#include "tests/simulator/transport.h"

namespace registry_exporter {
namespace {

using simulator::Dice;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct Options : StoryOptions {
  seconds scrape_interval{120};
  int seldom = 1;                           ///< In the quiet days, one scrape in so many.
  std::set<std::string, std::less<>> only;  ///< Names of samples to be written; empty: all.
  std::filesystem::path folder = "month";
};

constexpr Millis kBlock = hours(2);
/// Records a list keeps, as the clouds may.
constexpr std::size_t kListed = 400;

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
  config::RegistryConfig ee = swr;
  ee.name = "ee";
  swr_cloud.collect_rules = false;
  swr_cloud.is_enterprise = true;
  swr_cloud.instance_name = "demo-enterprise";
  ee.cloud = swr_cloud;
  acr.collect = {config::Collected::builds, config::Collected::syncs};
  swr.collect = {config::Collected::deletions, config::Collected::syncs};
  config.registries = {acr, swr, ee};
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
    diary_.remember(clouds_.world());
  }

  void tell_truth() {
    using Json = nlohmann::json;
    Json truth = {{"seed", options_.seed},
                  {"begin", unix_seconds(begun_)},
                  {"end", unix_seconds(baton_.now())},
                  {"scrape_interval", options_.scrape_interval.count()}};
    for (const Incident& each : story_.incidents()) {
      truth["incidents"].push_back({{"kind", name_of(each.kind)},
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
    diary_.tell(clouds_.world(), truth);
    std::ofstream(options_.folder / "truth.json") << truth.dump();
  }

  const Options options_;
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
  Diary diary_;
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
