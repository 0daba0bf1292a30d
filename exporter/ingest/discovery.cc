#include "exporter/ingest/discovery.h"

#include <algorithm>
#include <set>

#include "exporter/ingest/ledger_rules.h"

namespace registry_exporter {
namespace {

constexpr std::uint8_t kPassesMissedMax = 2;
/// A place that is never listed must not keep the rest at its beginning for ever: after so many
/// passes in a row, what is found later is news, unless it is older than the registry's first
/// start.
constexpr int kIncompleteMax = 3;

RepositoryKey key_of(const RepositoryRef& ref) { return {ref.repo_namespace, ref.name}; }

/// The list is to be read as if it had never been read; counters and ids stay.
void start_over(Ledger& ledger) {
  ledger.read_whole = false;
  ledger.unanchored.clear();
  ledger.order = ListOrder::unknown;
  ledger.walk.reset();
  ledger.tail_page = ledger.tail_page_size = 0;
  ledger.unread_from.reset();
  ledger.history_before.reset();
  ledger.total_prev.reset();
  ledger.newest_listed.reset();
  ledger.capped = false;
}

void hold_all(RegistryType type, Ledger& ledger) {
  for (const Outcome outcome : outcomes_of(type)) ledger.events_held[outcome] = true;
}

/// One pass being taken in.
class Pass {
 public:
  Pass(RegistryBooks& data, const Discovery& discovery, UnixMillis begun,
       const DiscoveryRules& rules)
      : data_(data),
        discovery_(discovery),
        begun_(begun),
        rules_(rules),
        first_(!data.state.discovered) {
    for (const auto& [key, repository] : data_.repositories) {
      if (repository->has_series()) ++active_;
    }
    for (const ListedRepository& listed : discovery.repositories) {
      listed_.insert(key_of(listed.ref));
    }
  }

  /// Without what only a whole pass can tell: who was renamed, and who is gone.
  DiscoveryEffects run_part() {
    for (const ListedRepository& listed : discovery_.repositories) {
      const bool known = data_.repositories.contains(key_of(listed.ref));
      const bool room = active_ < static_cast<std::size_t>(rules_.max_repositories);
      if (!known && room && rules_.accepts(full_name(listed.ref))) add(listed);
    }
    return effects_;
  }

  DiscoveryEffects run() {
    may_rename_ = true;
    for (const ListedRepository& listed : discovery_.repositories) take_in(listed);
    if (discovery_.complete) drop_missing();
    return effects_;
  }

 private:
  void take_in(const ListedRepository& listed) {
    if (!taken_.insert(key_of(listed.ref)).second) return;  // Listed twice: pages drift.
    if (!rules_.accepts(full_name(listed.ref))) return;
    const auto known = data_.repositories.find(key_of(listed.ref));
    if (known != data_.repositories.end()) {
      meet_again(*known->second, listed);
    } else if (active_ >= static_cast<std::size_t>(rules_.max_repositories)) {
      ++effects_.over_limit;
    } else {
      add(listed);
    }
  }

  void meet_again(Repository& repository, const ListedRepository& listed) {
    RepositoryState& state = repository.state;
    if (!repository.has_series() && active_ >= static_cast<std::size_t>(rules_.max_repositories)) {
      ++effects_.over_limit;
      return;
    }
    if (!repository.has_series()) ++active_;
    const bool recreated = !state.ref.cloud_id.empty() && !listed.ref.cloud_id.empty() &&
                           state.ref.cloud_id != listed.ref.cloud_id;
    if (recreated) start_over(state.ledger);
    if (state.excluded) {
      // Let back in: what happened meanwhile is not ours to count.
      start_over(state.ledger);
      state.ledger.baseline_pending = true;
    }
    repository.dirty |= recreated || state.excluded || state.dropped || state.passes_missed != 0;
    state.excluded = state.dropped = false;
    state.passes_missed = 0;
    if (!listed.ref.cloud_id.empty()) {
      repository.dirty |= state.ref.cloud_id != listed.ref.cloud_id;
      state.ref.cloud_id = listed.ref.cloud_id;
    }
    const ListedRepository& before = repository.listed;
    if (repository.listed_at) {
      repository.hinted |= before.modified_at.has_value() &&
                           (before.modified_at != listed.modified_at || before.tags != listed.tags);
    } else {  // The first listing of this process: against what the last one read.
      repository.hinted |= listed.modified_at > state.ledger.last_read;
    }
    repository.listed_at = begun_;
    const bool shown_differs = before.tags != listed.tags ||
                               before.size_bytes != listed.size_bytes ||
                               before.downloads != listed.downloads;
    repository.dirty |= shown_differs;
    repository.listed = listed;
  }

  void add(const ListedRepository& listed) {
    auto repository = std::make_unique<Repository>();
    repository->number = rules_.next_number();
    repository->listed = listed;
    repository->listed_at = begun_;
    repository->dirty = true;
    RepositoryState& state = repository->state;
    state.ref = listed.ref;
    Ledger& ledger = state.ledger;
    const bool counts_history = first_ && rules_.count_history;
    state.hidden = counts_history;
    ledger.baseline_pending = first_ ? !rules_.count_history : is_old(listed);
    if (Repository* renamed = may_rename_ ? renamed_from(listed) : nullptr) {
      take_ids(*renamed, *repository);
    }
    if (!state.hidden) hold_all(type_of(), ledger);
    ++active_;
    ++effects_.found;
    data_.repositories.emplace(key_of(listed.ref), std::move(repository));
  }

  RegistryType type_of() const { return data_.type; }

  /// It was there before the registry's first start: access came late, its history is no news.
  bool is_old(const ListedRepository& listed) const {
    if (!listed.created_at) return rules_.fixed_list;
    return data_.state.created_at && *listed.created_at < *data_.state.created_at;
  }

  Repository* renamed_from(const ListedRepository& listed) {
    if (listed.ref.cloud_id.empty()) return nullptr;
    for (const auto& [key, repository] : data_.repositories) {
      if (repository->state.ref.cloud_id == listed.ref.cloud_id && !listed_.contains(key)) {
        return repository.get();
      }
    }
    return nullptr;
  }

  /// The ids of a renamed repository go along as baseline: they were counted under the old name.
  void take_ids(Repository& from, Repository& to) {
    const Ledger& old = from.state.ledger;
    Ledger& ledger = to.state.ledger;
    ledger.baseline_pending = old.baseline_pending;
    ledger.closed = old.closed;
    for (ClosedRecord& record : ledger.closed) record.record_class = RecordClass::baseline;
    ledger.open = old.open;
    ledger.known = ledger.closed.size() + ledger.open.size();
    ledger.present[static_cast<std::size_t>(RecordClass::baseline)] = ledger.closed.size();
    ledger.floor = old.floor;
    ledger.read_whole = old.read_whole;
    ledger.unanchored = old.unanchored;
    ledger.order = old.order;
    ledger.history_before = old.history_before;
    ledger.last_build = old.last_build;
    ledger.last_end = old.last_end;
    to.state.hidden = from.state.hidden;
    if (type_of() == RegistryType::acr) {
      add_histograms(ledger, data_.state.bucket_bounds, !to.state.hidden);
    }
    to.replaces_closed = true;
    from.state.dropped = true;
    from.state.ref.cloud_id.clear();  // The name may come back, with another list.
    from.dirty = true;
    ++effects_.dropped;
  }

  void drop_missing() {
    for (const auto& [key, repository] : data_.repositories) {
      if (listed_.contains(key) || !repository->has_series() || is_denied(key.first)) continue;
      RepositoryState& state = repository->state;
      ++state.passes_missed;
      repository->dirty = true;
      if (state.passes_missed < kPassesMissedMax) continue;
      state.dropped = true;
      ++effects_.dropped;
    }
  }

  bool is_denied(const std::string& repo_namespace) const {
    const auto is_among = [&](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), repo_namespace) != names.end();
    };
    return is_among(discovery_.denied_namespaces) || is_among(discovery_.failed_namespaces);
  }

  RegistryBooks& data_;
  const Discovery& discovery_;
  const UnixMillis begun_;
  const DiscoveryRules& rules_;
  const bool first_;
  bool may_rename_ = false;
  std::size_t active_ = 0;
  std::set<RepositoryKey> listed_;
  std::set<RepositoryKey> taken_;
  DiscoveryEffects effects_;
};

/// What was of a project yet unknown is of this one from now on.
void complete_identity(RegistryState& state, const Discovery& discovery) {
  if (state.identity.ends_with('\n')) state.identity += discovery.project_id;
}

}  // namespace

DiscoveryEffects apply_discovery(RegistryBooks& data, const Discovery& discovery, UnixMillis begun,
                                 const DiscoveryRules& rules) {
  complete_identity(data.state, discovery);
  if (!data.state.created_at) data.state.created_at = discovery.server_time.value_or(begun);
  const DiscoveryEffects effects = Pass(data, discovery, begun, rules).run();
  data.incomplete_discoveries = discovery.complete ? 0 : data.incomplete_discoveries + 1;
  if (discovery.complete || data.incomplete_discoveries >= kIncompleteMax) {
    data.state.discovered = true;
    data.state.discovery_scope = rules.scope;
  }
  return effects;
}

DiscoveryEffects apply_first_part(RegistryBooks& data, const Discovery& part, UnixMillis begun,
                                  const DiscoveryRules& rules) {
  complete_identity(data.state, part);
  if (!data.state.created_at) data.state.created_at = part.server_time.value_or(begun);
  return Pass(data, part, begun, rules).run_part();
}

void apply_scope(RegistryBooks& data, const DiscoveryRules& rules) {
  if (data.state.discovery_scope == rules.scope) return;
  data.state.discovered = false;
  for (const auto& [key, repository] : data.repositories) {
    RepositoryState& state = repository->state;
    if (state.excluded || rules.accepts(full_name(state.ref))) continue;
    state.excluded = true;
    repository->dirty = true;
  }
}

}  // namespace registry_exporter
