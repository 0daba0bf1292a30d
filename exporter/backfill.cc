// Shell: calls the clouds and prints.
#include "exporter/backfill.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "exporter/backfill_report.h"
#include "exporter/config/filter.h"
#include "exporter/config/shard.h"
#include "exporter/exposition/history.h"
#include "exporter/ingest/history_reader.h"
#include "exporter/ingest/seam.h"
#include "exporter/store/state_copy.h"

namespace registry_exporter {
namespace {

class NoMeter final : public CallObserver {
 public:
  void call_finished(std::string_view, std::string_view, std::string_view, Millis) override {}
};

/// What an exporter that runs with the state knows of one registry.
struct LiveRegistry {
  const RegistryState* state = nullptr;  ///< nullptr: nothing.
  std::map<std::pair<std::string, std::string>, const Ledger*> ledgers;

  const Ledger* ledger_of(const RepositoryRef& ref) const {
    const auto found = ledgers.find({ref.repo_namespace, ref.name});
    return found == ledgers.end() ? nullptr : found->second;
  }
};

/// As the engine finds it: without a configured project it is the one that was read last.
LiveRegistry live_registry(const store::LoadedState& state, const std::string& identity) {
  const store::StoredRegistry* newest = nullptr;
  for (const store::StoredRegistry& each : state.registries) {
    const bool same = each.state.identity == identity ||
                      (identity.ends_with('\n') && each.state.identity.starts_with(identity));
    if (!same || !each.state.created_at) continue;
    if (newest == nullptr || newest->state.last_success < each.state.last_success) newest = &each;
  }
  LiveRegistry live;
  if (newest == nullptr) return live;
  live.state = &newest->state;
  for (const store::StoredRepository& each : state.repositories) {
    if (each.registry != newest->number) continue;
    live.ledgers[{each.state.ref.repo_namespace, each.state.ref.name}] = &each.state.ledger;
  }
  return live;
}

/// One registry's lists, read by several threads.
class RegistryBackfill {
 public:
  RegistryBackfill(Runtime runtime, const config::Config& config,
                   const config::RegistryConfig& registry, const BackfillOptions& options,
                   const store::LoadedState* state)
      : runtime_(runtime),
        config_(config),
        registry_(registry),
        options_(options),
        report_(runtime, registry.name),
        pause_over_(runtime.threads.make_waiter()) {
    if (state != nullptr) live_ = live_registry(*state, registry.identity());
    history_.name = registry.name;
    if (live_.state != nullptr) {
      const bool from_zero = state->follows_damage ||
                             config.collection.initial_history == config::InitialHistory::baseline;
      seam_ = ingest::seam_with_live(state->created_at, *live_.state->created_at, from_zero);
    } else {
      const UnixMillis now = runtime.clock.now();
      seam_.at = seam_.counting_since = std::min(options.until.value_or(now), now);
    }
    history_.until = seam_.at;
  }

  void run(const CloudFactory& connect) {
    config::RegistryConfig registry = registry_;
    registry.requests_per_second /= options_.engine.total_shards;
    registry.shards = options_.engine.total_shards;
    const auto connection = connect(registry, config_.metrics, runtime_, meter_);
    if (!connection) return report_.failed(connection.error());
    Cloud& cloud = *connection->cloud;
    history_.kind = connection->kind;
    const std::string identity = registry_.identity();
    if (live_.state != nullptr && live_.state->identity != identity) {
      cloud.keep_to_project(live_.state->identity.substr(identity.size()));
    }
    if (!discover(cloud)) return;
    {
      std::vector<std::unique_ptr<Thread>> workers;
      for (int i = 0; i < registry_.concurrency; ++i) {
        workers.push_back(runtime_.threads.start("backfill", [this, &cloud] { work(cloud); }));
      }
    }
    report_.ended(seam_.at);
  }

  bool is_whole() const { return report_.is_whole(); }
  RegistryHistory take_history() { return std::move(history_); }

 private:
  bool discover(Cloud& cloud) {
    const Result<Discovery> discovery = cloud.discover({});
    if (!discovery) {
      report_.failed(discovery.error());
      return false;
    }
    const config::RepositoryFilter filter(registry_.repositories);
    const EngineOptions& shards = options_.engine;
    const auto most = static_cast<std::size_t>(config_.metrics.max_repositories);
    std::set<std::string> names;  // Pages drift: one may be listed twice.
    for (const ListedRepository& listed : discovery->repositories) {
      const std::string name = full_name(listed.ref);
      const bool ours = config::shard_of(registry_.name, name, shards.total_shards) == shards.shard;
      if (!ours || !filter.matches(name) || !names.insert(name).second) continue;
      if (names.size() <= most) history_.repositories.push_back({listed.ref, {}});
    }
    const std::size_t taken = history_.repositories.size();
    report_.found(taken, names.size() - taken, discovery->complete);
    return true;
  }

  void work(Cloud& cloud) {
    while (RepositoryHistory* const repository = next_repository()) {
      const ingest::ListHistory list = ingest::read_history(cloud, repository->ref, reading());
      const Ledger* const ledger = live_.ledger_of(repository->ref);
      repository->events =
          ingest::events_before(list.records, ledger, seam_, history_.kind->has_durations);
      report_.read(repository->ref, list, repository->events.size(),
                   ledger != nullptr && !ledger->read_whole);
    }
  }

  /// For the calling worker alone; nullptr: there is none left.
  RepositoryHistory* next_repository() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (next_ == history_.repositories.size()) return nullptr;
    return &history_.repositories[next_++];
  }

  ingest::HistoryReading reading() {
    ingest::HistoryReading reading;
    reading.kind = history_.kind;
    reading.page_size = registry_.page_size;
    reading.now = runtime_.clock.now();
    reading.pause = [this](Millis span) {
      const SteadyTime until = runtime_.clock.steady_now() + span;
      const MutexLock lock(mutex_);
      while (runtime_.clock.steady_now() < until) pause_over_->wait_until(mutex_, until);
    };
    return reading;
  }

  Runtime runtime_;
  const config::Config& config_;
  const config::RegistryConfig& registry_;
  const BackfillOptions& options_;
  NoMeter meter_;
  BackfillReport report_;
  LiveRegistry live_;
  ingest::Seam seam_;
  RegistryHistory history_;
  Mutex mutex_;
  std::unique_ptr<Waiter> pause_over_;
  std::size_t next_ GUARDED_BY(mutex_) = 0;
};

void print(const std::vector<RegistryHistory>& histories, const config::Config& config,
           const BackfillOptions& options) {
  exposition::HistoryOptions history;
  history.step = options.step;
  history.bucket_bounds = config.metrics.build_duration_buckets;
  history.labels = options.labels;
  history.disabled = config.metrics.disabled;
  exposition::write_history(histories, history, [](std::string_view piece) {
    std::fwrite(piece.data(), 1, piece.size(), stdout);
  });
}

}  // namespace

Result<Done> run_backfill(Runtime runtime, const config::Config& config,
                          const BackfillOptions& options, const CloudFactory& connect) {
  std::optional<store::LoadedState> state;
  if (!options.until) {
    auto read = store::read_state_copy(options.state_path);
    if (!read)
      return within("--backfill.until is needed, because the state can't be read", read.error());
    state = std::move(*read);
  }
  std::vector<std::unique_ptr<RegistryBackfill>> registries;
  for (const config::RegistryConfig& registry : config.registries) {
    registries.push_back(std::make_unique<RegistryBackfill>(runtime, config, registry, options,
                                                            state ? &*state : nullptr));
  }
  {
    std::vector<std::unique_ptr<Thread>> threads;
    for (const auto& registry : registries) {
      threads.push_back(
          runtime.threads.start("backfill", [&registry, &connect] { registry->run(connect); }));
    }
  }
  bool whole = true;
  std::vector<RegistryHistory> histories;
  for (const auto& registry : registries) {
    whole &= registry->is_whole();
    histories.push_back(registry->take_history());
  }
  print(histories, config, options);
  if (whole) return Done{};
  return fail(ErrorKind::transport, "not everything could be read; see the log above");
}

}  // namespace registry_exporter
