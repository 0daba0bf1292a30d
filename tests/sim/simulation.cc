#include "tests/sim/simulation.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "exporter/acr/client.h"
#include "exporter/engine.h"
#include "exporter/swr/client.h"
#include "tests/sim/baton.h"
#include "tests/sim/memory_store.h"
#include "tests/simulator/transport.h"

namespace registry_exporter {
namespace {

using Series = std::map<std::string, double>;

constexpr int kLives = 4;  ///< A crash between each.
constexpr int kScrapesInLife = 12;
constexpr int kSettlingScrapes = 60;

Config make_config(Baton& dice) {
  Config config;
  config.collection.min_interval = Millis{0};
  config.collection.initial_history = InitialHistory::count;
  config.collection.sweep_interval = std::chrono::seconds(40);
  config.collection.discovery_interval = std::chrono::seconds(20);
  config.collection.max_staleness = std::chrono::seconds(5);
  RegistryConfig acr;
  acr.name = "acr";
  acr.region = "demo-region";
  acr.endpoint = "http://acr.test";
  acr.credentials_given = true;
  acr.page_size = static_cast<int>(2 + dice.roll(20));
  acr.requests_per_second = 200;
  acr.concurrency = static_cast<int>(1 + dice.roll(4));
  acr.request_timeout = std::chrono::seconds(2);
  RegistryConfig swr = acr;
  AcrConfig acr_cloud;
  acr_cloud.instance_id = "cri-demo";
  acr_cloud.credentials.access_key_id.value = Secret("demo-access-key-id");
  acr_cloud.credentials.access_key_secret.value = Secret("demo-access-key-secret");
  acr.cloud = acr_cloud;
  SwrConfig swr_cloud;
  swr_cloud.project_id = "0123456789abcdef0123456789abcdef";
  swr_cloud.iam_endpoint = "http://swr.test";
  swr_cloud.credentials.access_key.value = Secret("demo-access-key");
  swr_cloud.credentials.secret_key.value = Secret("demo-secret-key");
  swr_cloud.paging = dice.roll(2) == 0 ? SwrConfig::Paging::offset : SwrConfig::Paging::filter;
  swr.name = "swr";
  swr.endpoint = "http://swr.test";
  swr.cloud = swr_cloud;
  config.registries = {acr, swr};
  return config;
}

simulator::WorldOptions world_options(Baton& dice, std::uint64_t seed) {
  simulator::WorldOptions options;
  options.seed = seed;
  options.repositories = static_cast<int>(3 + dice.roll(4));
  options.speed = static_cast<double>(20 + dice.roll(200));
  options.newest_first = dice.roll(3) != 0;
  return options;
}

Series parse(const std::vector<Chunk>& chunks) {
  std::string text;
  for (const Chunk& chunk : chunks) text += *chunk;
  Series series;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t space = line.rfind(' ');
    series[line.substr(0, space)] = std::stod(line.substr(space + 1));
  }
  return series;
}

bool is_durable(const std::string& series) {
  for (const char* prefix :
       {"acr_builds_total", "acr_build_duration_seconds", "swr_retention_deletions_total",
        "registry_exporter_records_total", "registry_exporter_history_gaps_total"}) {
    if (series.starts_with(prefix)) return true;
  }
  return false;
}

/// The truth in the exposition's spelling.
Series truth_of(simulator::Simulator& clouds, UnixMillis now) {
  Series series;
  const auto truth = nlohmann::json::parse(clouds.truth(now));
  const auto add = [&](const char* registry, const char* family, const char* label,
                       const nlohmann::json& repository, const nlohmann::json& counts) {
    for (const auto& [outcome, count] : counts.items()) {
      series[std::string(family) + "{registry=\"" + registry + "\",repo_namespace=\"" +
             repository["repo_namespace"].get<std::string>() + "\",repo=\"" +
             repository["repo"].get<std::string>() + "\"," + label + "=\"" + outcome + "\"}"] =
          count.get<double>();
    }
  };
  for (const auto& repository : truth["acr"]) {
    add("acr", "acr_builds_total", "status", repository, repository["builds"]);
  }
  for (const auto& repository : truth["swr"]) {
    add("swr", "swr_retention_deletions_total", "template", repository, repository["deletions"]);
  }
  return series;
}

class Life {
 public:
  explicit Life(std::uint64_t seed)
      : baton_(seed),
        clouds_(world_options(baton_, seed), *simulator::parse_faults("mild"), baton_.now()),
        config_(make_config(baton_)) {}

  History run() {
    clouds_.set_faults(*simulator::parse_faults(baton_.roll(2) == 0 ? "mild" : "nasty"));
    for (int life = 0; life < kLives && history_.failure.empty(); ++life) {
      live(life + 1 == kLives);
    }
    history_.trace = baton_.trace();
    return history_;
  }

 private:
  void live(bool last) {
    MemoryStore store(disk_, baton_);
    SelfMetrics self;
    auto engine = Engine::make(
        baton_.runtime(), store, config_, {}, self,
        [this](const RegistryConfig& registry, const MetricsConfig& metrics, Runtime runtime,
               CallObserver& observer) { return connect(registry, metrics, runtime, observer); });
    (*engine)->start(engine_books_of(*store.load()));
    for (int scrape = 0; scrape < kScrapesInLife; ++scrape) {
      store.set_failing(baton_.roll(10) == 0 && ++history_.disk_failures > 0);
      check(**engine, static_cast<std::int64_t>(200 + baton_.roll(4000)));
      if (!history_.failure.empty()) break;
      baton_.sleep(Millis{static_cast<std::int64_t>(baton_.roll(4000))});
    }
    store.set_failing(false);
    if (last && history_.failure.empty()) settle(**engine);
    if (!last) {
      store.crash();
      ++history_.crashes;
    }
    (*engine)->stop();
  }

  Result<CloudConnection> connect(const RegistryConfig& registry, const MetricsConfig& metrics,
                                  Runtime runtime, CallObserver& observer) {
    CloudConnection connection;
    connection.transport = std::make_unique<simulator::SimulatedTransport>(
        clouds_, runtime.clock, [this](Millis delay) { baton_.sleep(delay); },
        Millis{static_cast<std::int64_t>(1 + baton_.roll(60))});
    HttpTransport& transport = *connection.transport;
    if (registry.is_acr()) {
      connection.cloud =
          std::make_unique<acr::Client>(runtime, transport, observer, registry, metrics);
    } else {
      connection.cloud = std::make_unique<swr::Client>(runtime, transport, observer, registry);
    }
    return connection;
  }

  Series check(Engine& engine, std::int64_t timeout_ms) {
    ScrapeRequest request;
    request.timeout = Millis{timeout_ms};
    const UnixMillis begun = baton_.now();
    const Engine::Scrape scrape = engine.scrape(request, {});
    const Millis took = baton_.now() - begun;
    if (took > request.timeout)
      return fail_with("a scrape came late: " + std::to_string(took.count()));
    Series series = parse(scrape.chunks);
    ++history_.scrapes;
    for (const auto& [name, value] : before_) {
      const auto now = series.find(name);
      if (now == series.end() || now->second < value) return fail_with("fell: " + name);
    }
    const Series truth = truth_of(clouds_, baton_.now());
    for (const auto& [name, value] : series) {
      if (is_durable(name)) before_[name] = value;
      const auto real = truth.find(name);
      if (real != truth.end() && value > real->second) return fail_with("invented: " + name);
      const bool books = name.starts_with("registry_exporter_ledger_imbalance");
      if (books && value != 0) return fail_with("books out of balance");
    }
    engine.answered(scrape, "scraper");
    return series;
  }

  /// The faults stop and the world stands still: soon everything has to be counted.
  void settle(Engine& engine) {
    clouds_.set_speed(0, baton_.now());
    clouds_.set_faults(*simulator::parse_faults("none"));
    const Series truth = truth_of(clouds_, baton_.now());
    std::string missing;
    for (int scrape = 0; scrape < kSettlingScrapes; ++scrape) {
      const Series series = check(engine, 5000);
      if (!history_.failure.empty()) return;
      missing.clear();
      history_.counted = 0;
      for (const auto& [name, value] : truth) {
        const auto shown = series.find(name);
        const double seen = shown == series.end() ? 0 : shown->second;
        history_.counted += static_cast<std::uint64_t>(seen);
        if (seen != value)
          missing = name + " is " + std::to_string(seen) + ", should be " + std::to_string(value);
      }
      if (missing.empty()) return;
      baton_.sleep(std::chrono::seconds(5));
    }
    fail_with("never counted: " + missing);
  }

  Series fail_with(std::string what) {
    history_.failure = std::move(what);
    return {};
  }

  Baton baton_;
  simulator::Simulator clouds_;
  Config config_;
  Disk disk_;
  Series before_;
  History history_;
};

}  // namespace

History live_through(std::uint64_t seed) { return Life(seed).run(); }

}  // namespace registry_exporter
