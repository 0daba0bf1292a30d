// Shell: calls the clouds and prints.
#include "exporter/backfill.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "exporter/backfill_report.h"
#include "exporter/exposition/history.h"
#include "exporter/ingest/history_details.h"
#include "exporter/ingest/history_owners.h"
#include "exporter/ingest/history_reader.h"
#include "exporter/ingest/seam.h"
#include "exporter/ingest/tracked_registry.h"
#include "exporter/registry_scope.h"
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
  std::map<ingest::ListKey, const RepositoryState*> lists;

  /// nullptr: it has not met the list. Another one may have had its name.
  const Ledger* ledger_of(const ListRef& list) const {
    const auto found = lists.find({list.of.repo_namespace, list.of.name, list.kind->number});
    if (found == lists.end()) return nullptr;
    const RepositoryState& known = *found->second;
    const std::string &now = list.of.cloud_id, &then = known.ref.cloud_id;
    const bool is_another = !now.empty() && !then.empty() && now != then;
    return is_another ? nullptr : &known.ledger;
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
    const StreamKind* const kind =
        each.state.kind != nullptr ? each.state.kind : &first_kind(newest->state.identity);
    live.lists[{each.state.ref.repo_namespace, each.state.ref.name, kind->number}] = &each.state;
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
    if (live_.state != nullptr) {
      const bool from_zero = state->follows_damage ||
                             config.collection.initial_history == config::InitialHistory::baseline;
      seam_ = ingest::seam_with_live(state->created_at, *live_.state->created_at, from_zero);
    } else {
      if (!options.until && options.state_path != ":memory:") {
        report_.state_unknown(options.state_path);
      }
      const UnixMillis now = runtime.clock.now();
      seam_.at = seam_.counting_since = std::min(options.until.value_or(now), now);
      seam_.all_is_past = seam_.at == now;
    }
  }

  void run(const CloudFactory& connect) {
    config::RegistryConfig registry = registry_;
    registry.requests_per_second /= options_.engine.total_shards;
    registry.shards = options_.engine.total_shards;
    const auto connection = connect(registry, config_.metrics, runtime_, meter_);
    if (!connection) return report_.failed(connection.error());
    Cloud& cloud = *connection->cloud;
    begin_histories(connection->kinds);
    const std::string identity = registry_.identity();
    if (live_.state != nullptr && live_.state->identity != identity) {
      cloud.keep_to_project(live_.state->identity.substr(identity.size()));
    }
    if (!discover(cloud, connection->kinds)) return;
    {
      std::vector<std::unique_ptr<Thread>> workers;
      for (int i = 0; i < registry_.concurrency; ++i) {
        workers.push_back(runtime_.threads.start("backfill", [this, &cloud] { work(cloud); }));
      }
    }
    report_.ended(seam_.at);
  }

  bool is_whole() const { return report_.is_whole(); }
  /// By kind; sorted by name.
  std::vector<RegistryHistory> take_histories() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    for (RegistryHistory& history : histories_) {
      std::sort(history.repositories.begin(), history.repositories.end(),
                [](const RepositoryHistory& a, const RepositoryHistory& b) {
                  return full_name(a.ref) < full_name(b.ref);
                });
    }
    return std::move(histories_);
  }

 private:
  void begin_histories(const std::vector<const StreamKind*>& kinds) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    for (const StreamKind* kind : kinds) {
      histories_.push_back({registry_.name, kind, seam_.at, {}});
    }
  }

  bool discover(Cloud& cloud, const std::vector<const StreamKind*>& kinds) {
    const Result<Discovery> discovery = cloud.discover({});
    if (!discovery) {
      report_.failed(discovery.error());
      return false;
    }
    const Shard shard{options_.engine.shard, options_.engine.total_shards};
    owners_ = ingest::history_owners(*discovery, accepts_of(registry_, shard),
                                     static_cast<std::size_t>(config_.metrics.max_repositories));
    for (const StreamKind* kind : kinds) add_lists(*kind);
    report_.found(lists_.size(), owners_.over_limit);
    if (!discovery->complete) report_.not_all_listed(discovery->part_failed);
    return true;
  }

  /// One for each owner, or one for all. Some kinds have none: others bring them along.
  void add_lists(const StreamKind& kind) {
    if (kind.feeds_shares()) lists_.push_back({&kind, {}});
    if (!kind.has_own_lists()) return;
    for (const auto& [name, ref] : owners_.by_name) {
      if (owner_type(ref) == kind.owner) lists_.push_back({&kind, ref});
    }
  }

  void work(Cloud& cloud) {
    while (const ListRef* const list = next_list()) read(cloud, *list);
  }

  void read(Cloud& cloud, const ListRef& list) {
    const ingest::HistoryReading options = reading();
    ingest::ListHistory history = ingest::read_history(cloud, list, options);
    const Ledger* const ledger = live_.ledger_of(list);
    const bool live_is_behind = ledger == nullptr ? live_.state != nullptr
                                                  : !ledger->read_whole || ledger->baseline_pending;
    ListOutcome outcome{list, history, {}, 0, 0, live_is_behind};
    std::erase_if(history.records, [&](const PastRecord& record) {
      if (!is_ours(record.owner.value_or(list.of))) return true;
      if (ingest::is_undecided(record, ledger, seam_)) ++outcome.undecided;
      return !ingest::is_past(record, ledger, seam_);
    });
    outcome.missing = ingest::read_details(cloud, list, history.records, options.pause);
    outcome.events = add_events(list, ledger, history.records);
    if (list.kind->parts != nullptr) {
      outcome.events += add_parts(*list.kind->parts, ledger, history.records);
    }
    report_.read(outcome);
  }

  bool is_ours(const RepositoryRef& owner) const {
    return owners_.by_name.contains(full_name(owner));
  }

  std::uint64_t add_events(const ListRef& list, const Ledger* ledger,
                           const std::vector<PastRecord>& records) {
    std::map<std::string, std::vector<PastRecord>> by_owner;
    for (const PastRecord& record : records) {
      by_owner[full_name(record.owner.value_or(list.of))].push_back(record);
    }
    std::uint64_t events = 0;
    for (const auto& [name, owned] : by_owner) {
      const bool has_durations = list.kind->has_durations;
      events += add(*list.kind, {owners_.by_name.at(name),
                                 ingest::events_before(owned, ledger, seam_, has_durations)});
    }
    return events;
  }

  std::uint64_t add_parts(const StreamKind& kind, const Ledger* ledger,
                          const std::vector<PastRecord>& records) {
    std::uint64_t events = 0;
    for (auto& [name, history] : ingest::parts_before(records, ledger, seam_)) {
      if (is_ours(history.ref)) events += add(kind, std::move(history));
    }
    return events;
  }

  std::uint64_t add(const StreamKind& kind, RepositoryHistory repository) EXCLUDES(mutex_) {
    std::uint64_t events = 0;
    for (const PastEvent& event : repository.events) events += event.amount;
    const MutexLock lock(mutex_);
    for (RegistryHistory& history : histories_) {
      if (history.kind == &kind) history.repositories.push_back(std::move(repository));
    }
    return events;
  }

  /// nullptr: there is none left.
  const ListRef* next_list() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return next_ == lists_.size() ? nullptr : &lists_[next_++];
  }

  ingest::HistoryReading reading() {
    ingest::HistoryReading reading;
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
  ingest::HistoryOwners owners_;
  std::vector<ListRef> lists_;
  std::unique_ptr<Waiter> pause_over_;
  Mutex mutex_;
  std::vector<RegistryHistory> histories_ GUARDED_BY(mutex_);
  std::size_t next_ GUARDED_BY(mutex_) = 0;
};

/// A list that was left out is read as if for the first time when it comes in again.
void read_anew_what_was_left_out(store::LoadedState& state) {
  for (store::StoredRepository& each : state.repositories) {
    if (each.state.excluded) each.state.ledger.baseline_pending = true;
  }
}

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
    if (state) read_anew_what_was_left_out(*state);
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
    for (RegistryHistory& history : registry->take_histories()) {
      histories.push_back(std::move(history));
    }
  }
  print(histories, config, options);
  if (whole) return Done{};
  return fail(ErrorKind::transport, "not everything could be read; see the log above");
}

}  // namespace registry_exporter
