#include "exporter/engine.h"

#include <algorithm>

#include "exporter/config/filter.h"
#include "exporter/registry_scope.h"

namespace registry_exporter {
namespace {

using LabelPairs = std::vector<std::pair<std::string, std::string>>;

std::function<LabelPairs(const std::string&)> labels_of_repository(
    const std::vector<config::LabelRule>& rules) {
  std::vector<std::string> patterns;
  std::vector<LabelPairs> labels;
  for (const config::LabelRule& rule : rules) {
    patterns.push_back(rule.match);
    labels.emplace_back(rule.labels.begin(), rule.labels.end());
  }
  return [patterns = std::make_shared<const config::PatternList>(patterns),
          labels = std::move(labels)](const std::string& full_name) {
    const std::optional<std::size_t> rule = patterns->first_match(full_name);
    return rule ? labels[*rule] : LabelPairs();
  };
}

exposition::ExpositionOptions exposition_options(const config::Config& config,
                                                 const EngineOptions& engine) {
  exposition::ExpositionOptions options;
  options.windows = config.metrics.windows;
  options.window_names = config.metrics.window_names;
  options.bucket_bounds = config.metrics.build_duration_buckets;
  options.max_staleness = config.collection.max_staleness;
  options.created_timestamps = config.metrics.created_timestamps;
  options.disabled = config.metrics.disabled;
  options.process_started_at = engine.process_started_at;
  if (!config.metrics.repository_labels.empty()) {
    options.labels_of_repository = labels_of_repository(config.metrics.repository_labels);
  }
  return options;
}

}  // namespace

Engine::Engine(Runtime runtime, store::StateStore& store, const config::Config& config,
               const EngineOptions& options, exposition::SelfMetrics& self)
    : runtime_(runtime),
      config_(config),
      options_(options),
      self_(self),
      committer_(runtime, store, [&self](bool ok) { self.state_committed(ok); }),
      exposition_(exposition_options(config, options), self) {}

Result<std::unique_ptr<Engine>> Engine::make(Runtime runtime, store::StateStore& store,
                                             const config::Config& config,
                                             const EngineOptions& options,
                                             exposition::SelfMetrics& self,
                                             const CloudFactory& connect) {
  std::unique_ptr<Engine> engine(new Engine(runtime, store, config, options, self));
  for (config::RegistryConfig registry : config.registries) {
    registry.requests_per_second /= options.total_shards;
    registry.shards = options.total_shards;
    auto connection = connect(registry, config.metrics, runtime, self);
    if (!connection) return within("registry " + registry.name, connection.error());
    engine->registries_.push_back({std::move(registry), std::move(*connection), nullptr});
  }
  return engine;
}

Engine::~Engine() { stop(); }

ingest::CollectorOptions Engine::collector_options(const Registry& entry, bool has_past) {
  const config::RegistryConfig& registry = entry.config;
  ingest::CollectorOptions options;
  options.name = registry.name;
  options.type = registry.type();
  options.min_interval = config_.collection.min_interval;
  options.reading.lookback = config_.collection.lookback;
  options.reading.sweep_interval = config_.collection.sweep_interval;
  options.discovery_interval = config_.collection.discovery_interval;
  options.reading.max_staleness = config_.collection.max_staleness;
  options.windows = config_.metrics.windows;
  options.reading.bucket_bounds = config_.metrics.build_duration_buckets;
  options.reading.page_size = registry.page_size;
  options.concurrency = registry.concurrency;
  options.requests_per_second = registry.requests_per_second;
  options.collect_rules = registry.collects_rules();
  options.notices_from = options_.notices_from;
  options.read_everything = options_.read_everything;
  options.has_past = has_past;
  ingest::DiscoveryRules& discovery = options.discovery;
  discovery.kinds = entry.connection.kinds;
  options.reading.has_histograms =
      std::any_of(discovery.kinds.begin(), discovery.kinds.end(),
                  [](const StreamKind* kind) { return kind->has_durations; });
  const Shard shard{options_.shard, options_.total_shards};
  discovery.scope = scope_of(registry, shard);
  discovery.count_history = config_.collection.initial_history == config::InitialHistory::count &&
                            options_.history_counts;
  discovery.fixed_list = registry.static_repositories.has_value();
  discovery.max_repositories = config_.metrics.max_repositories;
  discovery.next_number = [this] { return ++last_repository_; };
  discovery.accepts = accepts_of(registry, shard);
  return options;
}

ingest::CollectorHooks Engine::collector_hooks(const config::RegistryConfig& registry) {
  ingest::CollectorHooks hooks;
  hooks.dirty = [this] { committer_.dirty(); };
  hooks.sweep_finished = [this, name = registry.name](bool ok) { self_.sweep_finished(name, ok); };
  return hooks;
}

void Engine::start(EngineBooks data) {
  books_ = std::move(data);
  last_repository_ = books_.last_repository;
  std::vector<ingest::Collector*> collectors;
  for (Registry& registry : registries_) {
    const std::string identity = registry.config.identity();
    std::unique_ptr<ingest::TrackedRegistry> known = books_.take(identity);
    const bool has_past = known && books_.shown;
    if (!known) {
      known = std::make_unique<ingest::TrackedRegistry>();
      known->number = ++books_.last_registry;
      known->state.identity = identity;
    }
    if (known->state.identity != identity) {
      registry.connection.cloud->keep_to_project(known->state.identity.substr(identity.size()));
    }
    registry.collector = std::make_unique<ingest::Collector>(
        runtime_, *registry.connection.cloud, collector_options(registry, has_past),
        collector_hooks(registry.config), std::move(known));
    collectors.push_back(registry.collector.get());
  }
  committer_.set_collectors(std::move(collectors));
  committer_.start();
  for (Registry& registry : registries_) registry.collector->start();
}

EngineBooks Engine::stop() {
  for (Registry& registry : registries_) registry.connection.cloud->abort();
  for (Registry& registry : registries_) {
    if (registry.collector) registry.collector->stop();
  }
  committer_.stop();
  EngineBooks data = std::move(books_);
  data.last_repository = last_repository_;
  data.shown = false;  // What this process has shown, the registries know.
  for (Registry& registry : registries_) {
    if (!registry.collector) continue;
    if (auto known = registry.collector->take_registry()) {
      const std::string identity = known->state.identity;
      data.registries[identity] = std::move(known);
    }
  }
  return data;
}

std::vector<ingest::Collector*> Engine::selected(const std::vector<std::string>& names) const {
  std::vector<ingest::Collector*> collectors;
  for (const Registry& registry : registries_) {
    const bool wanted =
        names.empty() || std::find(names.begin(), names.end(), registry.config.name) != names.end();
    if (wanted) collectors.push_back(registry.collector.get());
  }
  return collectors;
}

/// Joins or starts a cycle of each, waits for them as long as the time to render allows.
bool Engine::collect(const std::vector<ingest::Collector*>& collectors,
                     const ScrapeRequest& request) {
  const SteadyTime deadline = runtime_.clock.steady_now() + request.timeout;
  const Millis rendering = Millis{2 * last_render_ms_ + 50};
  const Millis reserve = std::min(rendering + Millis{50}, request.timeout / 3);
  std::vector<ingest::ScrapeTicket> tickets;
  tickets.reserve(collectors.size());
  for (ingest::Collector* collector : collectors) {
    tickets.push_back(collector->begin_scrape(request.client));
  }
  bool complete = true;
  bool cached = true;
  for (std::size_t i = 0; i < collectors.size(); ++i) {
    complete &= collectors[i]->wait(tickets[i], deadline - reserve);
    cached &= tickets[i].kind == ingest::ScrapeTicket::Kind::cached;
  }
  complete &= committer_.flush(deadline - reserve / 2);
  self_.scrape_answered(cached     ? exposition::ScrapeResult::cached
                        : complete ? exposition::ScrapeResult::complete
                                   : exposition::ScrapeResult::partial);
  return complete;
}

Engine::Scrape Engine::scrape(const ScrapeRequest& request, exposition::LiveState live) {
  const std::vector<ingest::Collector*> collectors = selected(request.registries);
  Scrape scrape;
  scrape.client = request.client;
  if (request.collect) scrape.complete = collect(collectors, request);
  Snapshot snapshot;
  for (ingest::Collector* collector : collectors) {
    snapshot.registries.push_back(collector->snapshot());
    scrape.versions.emplace_back(collector->name(), snapshot.registries.back()->version);
  }
  live.registries = cloud_health();
  live.now = runtime_.clock.now();
  live.state_size_bytes = state_size_bytes();
  const SteadyTime begun = runtime_.clock.steady_now();
  scrape.chunks = exposition_.render(snapshot, live, request);
  const auto took = std::chrono::ceil<Millis>(runtime_.clock.steady_now() - begun);
  last_render_ms_ = std::max<std::int64_t>(took.count(), last_render_ms_ * 7 / 8);
  return scrape;
}

void Engine::answered(const Scrape& scrape) {
  for (const auto& [registry_name, version] : scrape.versions) {
    for (ingest::Collector* collector : selected({registry_name})) {
      collector->answered(scrape.client, version);
    }
  }
}

bool Engine::everything_read() const {
  bool all = true;
  for (const Registry& registry : registries_) all &= registry.collector->everything_read();
  return all;
}

bool Engine::has_registry(const std::string& registry_name) const {
  return !selected({registry_name}).empty();
}

std::vector<std::pair<std::string, CloudHealth>> Engine::cloud_health() const {
  std::vector<std::pair<std::string, CloudHealth>> all;
  for (const Registry& registry : registries_) {
    all.emplace_back(registry.config.name, registry.connection.cloud->health());
  }
  return all;
}

RepositoryOverview Engine::repositories() const {
  RepositoryOverview overview;
  for (const Registry& registry : registries_) {
    overview.registries.push_back(
        {registry.collector->snapshot(), registry.connection.cloud->health().up});
  }
  overview.max_staleness = config_.collection.max_staleness;
  overview.now = runtime_.clock.now();
  return overview;
}

}  // namespace registry_exporter
