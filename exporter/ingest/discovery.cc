#include "exporter/ingest/discovery.h"

#include <algorithm>
#include <set>

#include "exporter/ingest/event_rules.h"
#include "exporter/ingest/ledger_rules.h"
#include "exporter/ingest/renames.h"
#include "exporter/ingest/shares.h"

namespace registry_exporter::ingest {
namespace {

constexpr std::uint8_t kPassesMissedMax = 2;
/// If a namespace can never be listed, no pass is complete. After so many in a row, what is found
/// later counts as new, unless it is older than the registry's first start.
constexpr int kIncompleteMax = 3;

RepositoryKey key_of(const RepositoryRef& ref) { return {ref.repo_namespace, ref.name}; }

ListKey key_of(const RepositoryRef& ref, const StreamKind& kind) {
  return {ref.repo_namespace, ref.name, kind.number};
}

void hold_all(const StreamKind& kind, Ledger& ledger) {
  for (const Outcome outcome : kind.outcomes) {
    ledger.events_held[outcome] = true;
    ledger.durations_held[outcome] |= ledger.counters.durations[outcome].has_value();
  }
}

bool is_repository(const RepositoryRef& ref) { return owner_type(ref) == OwnerType::repository; }

/// It, or, of a namespace, a repository that is known.
bool is_ours(const TrackedRegistry& registry, const RepositoryRef& ref,
             const DiscoveryRules& rules) {
  if (rules.accepts(full_name(ref))) return true;
  if (owner_type(ref) != OwnerType::repo_namespace) return false;
  auto at = registry.lists.lower_bound({ref.repo_namespace, "", 0});
  for (; at != registry.lists.end() && at->first.repo_namespace == ref.repo_namespace; ++at) {
    const RepositoryRef& known = at->second->state.ref;
    if (is_repository(known) && rules.accepts(full_name(known))) return true;
  }
  return false;
}

/// One pass being taken in.
class Pass {
 public:
  Pass(TrackedRegistry& registry, const Discovery& discovery, UnixMillis begun,
       const DiscoveryRules& rules)
      : registry_(registry),
        discovery_(discovery),
        begun_(begun),
        rules_(rules),
        first_(!registry.state.discovered) {}

  /// Without what only a whole pass can tell: who was renamed, and who is gone.
  std::vector<TrackedList*> run_part(FirstParts& before) {
    std::vector<TrackedList*> added;
    for (const ListedRepository& listed : discovery_.repositories) {
      const auto id = std::pair(owner_type(listed.ref), listed.ref.cloud_id);
      const bool known = is_known(listed.ref) || before.ids.contains(id);
      const bool has_room = before.found < static_cast<std::size_t>(rules_.max_repositories);
      if (known || !has_room || !rules_.accepts(full_name(listed.ref))) continue;
      for (const StreamKind* kind : rules_.kinds) {
        if (kind->has_own_lists()) added.push_back(&add(*kind, listed));
      }
      if (!id.second.empty()) before.ids.insert(id);
      ++before.found;
    }
    return added;
  }

  DiscoveryEffects run() {
    look_around();
    if (discovery_.complete) registry_.listed.clear();
    for (const ListedRepository& listed : discovery_.repositories) take_in(listed);
    if (discovery_.complete) drop_missing();
    effects_.dropped = dropped_.size();
    return effects_;
  }

 private:
  void look_around() {
    renames_ = Renames(registry_, discovery_);
    for (const auto& [key, list] : registry_.lists) {
      if (list->has_series() && is_repository(list->state.ref)) active_.insert(key.repository());
    }
    for (const ListedRepository& listed : discovery_.repositories) {
      listed_.insert(key_of(listed.ref));
      if (is_repository(listed.ref) && rules_.accepts(full_name(listed.ref))) {
        namespaces_.insert(listed.ref.repo_namespace);
      }
    }
  }

  void take_in(const ListedRepository& listed) {
    if (!taken_.insert(key_of(listed.ref)).second) return;  // Listed twice: pages drift.
    if (!accepts(listed.ref)) return;
    if (is_repository(listed.ref) && !take_room(listed.ref)) {
      ++effects_.over_limit;
      return;
    }
    registry_.listed[key_of(listed.ref)] = came_later(listed);
    const bool known = is_known(listed.ref);
    for (const StreamKind* kind : rules_.kinds) {
      if (kind->owner == owner_type(listed.ref)) take_in(*kind, listed);
    }
    if (!known && is_repository(listed.ref)) ++effects_.found;
  }

  void take_in(const StreamKind& kind, const ListedRepository& listed) {
    const auto list = registry_.lists.find(key_of(listed.ref, kind));
    const bool known = list != registry_.lists.end();
    if (kind.has_own_lists()) {
      known ? meet_again(*list->second, listed) : void(add(kind, listed));
    } else if (known) {
      meet_share(*list->second, listed);
    } else if (!kind.from_first_record) {
      share_of(registry_, kind, listed.ref, rules_).listed = listed;
    }
  }

  bool accepts(const RepositoryRef& ref) const {
    const bool has_ours =
        owner_type(ref) == OwnerType::repo_namespace && namespaces_.contains(ref.repo_namespace);
    return has_ours || rules_.accepts(full_name(ref));
  }

  bool is_known(const RepositoryRef& ref) const {
    const auto at = registry_.lists.lower_bound({ref.repo_namespace, ref.name, 0});
    return at != registry_.lists.end() && at->first.is_of(ref);
  }

  /// First come, first kept.
  bool take_room(const RepositoryRef& ref) {
    if (active_.contains(key_of(ref))) return true;
    if (active_.size() >= static_cast<std::size_t>(rules_.max_repositories)) return false;
    active_.insert(key_of(ref));
    return true;
  }

  void meet_share(TrackedList& share, const ListedRepository& listed) {
    RepositoryState& state = share.state;
    if (state.unlisted || state.excluded || state.dropped || state.passes_missed != 0) {
      share.mark_dirty();
    }
    if (state.excluded) let_back_in(registry_, share);
    if (state.unlisted) show_first_time(share, listed);
    state.unlisted = state.excluded = state.dropped = false;
    state.passes_missed = 0;
    take_listing(share, listed);
  }

  /// What the listing tells of itself.
  static void take_listing(TrackedList& list, const ListedRepository& listed) {
    const ListedRepository& before = list.listed;
    if (before.tags != listed.tags || before.size_bytes != listed.size_bytes ||
        before.downloads != listed.downloads) {
      list.mark_dirty();
    }
    list.listed = listed;
  }

  /// What was counted before it was listed has never been shown.
  void show_first_time(TrackedList& share, const ListedRepository& listed) {
    RepositoryState& state = share.state;
    const bool later = came_later(listed);
    state.hidden &= !later;
    const bool is_history = state.hidden || (first_ && rules_.count_history && !later);
    if (!is_history) hold_all(share.kind(), state.ledger);
  }

  void meet_again(TrackedList& list, const ListedRepository& listed) {
    RepositoryState& state = list.state;
    const bool another = !listed.ref.cloud_id.empty() && state.ref.cloud_id != listed.ref.cloud_id;
    if (another) begin_anew(list, listed);
    if (state.excluded) {
      // Let back in: what happened meanwhile is not ours to count.
      start_over(state.ledger);
      state.ledger.baseline_pending = true;
    }
    if (another || state.excluded || state.dropped || state.passes_missed != 0) list.mark_dirty();
    state.excluded = state.dropped = false;
    state.passes_missed = 0;
    if (!listed.ref.cloud_id.empty()) {
      if (state.ref.cloud_id != listed.ref.cloud_id) list.mark_dirty();
      state.ref.cloud_id = listed.ref.cloud_id;
    }
    const ListedRepository& before = list.listed;
    if (list.schedule.listed_at) {
      list.schedule.hinted |=
          before.modified_at.has_value() &&
          (before.modified_at != listed.modified_at || before.tags != listed.tags);
    } else {  // The first listing of this process: against what the last one read.
      list.schedule.hinted |= listed.modified_at > state.ledger.last_read;
    }
    list.schedule.listed_at = begun_;
    take_listing(list, listed);
  }

  /// It was configured, but the cloud told no id of it: there was no other list under its name.
  static bool was_never_found(const TrackedList& list) {
    return list.state.ref.cloud_id.empty() && list.state.ledger.known == 0;
  }

  /// Another list has the name now.
  void begin_anew(TrackedList& list, const ListedRepository& listed) {
    Ledger& ledger = list.state.ledger;
    const bool stays_history = was_never_found(list) && ledger.baseline_pending;
    start_over(ledger);
    // What nobody has read of its predecessor is gone with it.
    const bool counts_history = first_ && rules_.count_history;
    ledger.baseline_pending = listed.created_at ? is_old(listed) && !counts_history : stays_history;
    note_first_start(list.kind(), ledger);
    if (list.state.hidden && ledger.known == 0 && came_later(listed)) {
      list.state.hidden = false;
      hold_all(list.kind(), ledger);
    }
    if (renames_.origin_of(list.kind(), listed.ref) != nullptr) take_over(list, listed);
  }

  TrackedList& add(const StreamKind& kind, const ListedRepository& listed) {
    auto list = std::make_unique<TrackedList>();
    list->number = rules_.next_number();
    list->listed = listed;
    list->schedule.listed_at = begun_;
    list->mark_dirty();
    RepositoryState& state = list->state;
    state.ref = listed.ref;
    state.kind = &kind;
    Ledger& ledger = state.ledger;
    const bool counts_history = first_ && rules_.count_history;
    // What was created after the first start has no history to hide, whatever was there before.
    const TrackedList* const origin = renames_.origin_of(kind, listed.ref);
    state.hidden = origin ? origin->state.hidden && !came_later(listed) : counts_history;
    ledger.baseline_pending = first_ ? !rules_.count_history : is_old(listed);
    if (!first_) note_first_start(kind, ledger);
    if (origin) take_over(*list, listed);
    if (!state.hidden) hold_all(kind, ledger);
    return registry_.add(std::move(list));
  }

  /// Nobody tells when a policy was made.
  void note_first_start(const StreamKind& kind, Ledger& ledger) const {
    const bool is_policy = kind.owner == OwnerType::repo_namespace;
    if (is_policy) ledger.history_before = registry_.state.created_at;
  }

  /// It was there before the registry's first start: access came late, its history is no news.
  bool is_old(const ListedRepository& listed) const {
    if (!listed.created_at) return rules_.fixed_list;
    return registry_.state.created_at && *listed.created_at < *registry_.state.created_at;
  }

  bool came_later(const ListedRepository& listed) const {
    return listed.created_at && !is_old(listed);
  }

  /// The same list under a new name.
  void take_over(TrackedList& list, const ListedRepository& listed) {
    TrackedList& from = renames_.take_ids(listed.ref, list);
    if (list.kind().has_durations) {
      add_histograms(list.state.ledger, registry_.state.bucket_bounds, !list.state.hidden);
    }
    std::string& id = from.state.ref.cloud_id;
    if (id == listed.ref.cloud_id) id.clear();  // Its name is free for another list,
    const RepositoryKey name = key_of(from.state.ref);
    if (listed_.contains(name)) return;  // which has it already.
    from.state.dropped = true;
    dropped_.insert(name);
  }

  void drop_missing() {
    for (const auto& [key, list] : registry_.lists) {
      const bool there = listed_.contains(key.repository()) || is_denied(key.repo_namespace);
      if (there || !list->has_series()) continue;
      RepositoryState& state = list->state;
      ++state.passes_missed;
      list->mark_dirty();
      if (state.passes_missed < kPassesMissedMax) continue;
      state.dropped = true;
      dropped_.insert(key.repository());
    }
  }

  bool is_denied(const std::string& repo_namespace) const {
    const auto is_among = [&](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), repo_namespace) != names.end();
    };
    return is_among(discovery_.denied_namespaces) || is_among(discovery_.failed_namespaces);
  }

  TrackedRegistry& registry_;
  const Discovery& discovery_;
  const UnixMillis begun_;
  const DiscoveryRules& rules_;
  const bool first_;
  Renames renames_;
  std::set<RepositoryKey> active_;
  std::set<RepositoryKey> dropped_;
  std::set<RepositoryKey> listed_;
  std::set<std::string> namespaces_;  ///< Of listed repositories that are ours.
  std::set<RepositoryKey> taken_;
  DiscoveryEffects effects_;
};

/// Completes an identity that was stored before its project was known.
void complete_identity(RegistryState& state, const Discovery& discovery) {
  if (state.identity.ends_with('\n')) state.identity += discovery.project_id;
}

}  // namespace

DiscoveryEffects apply_discovery(TrackedRegistry& registry, const Discovery& discovery,
                                 UnixMillis begun, const DiscoveryRules& rules) {
  complete_identity(registry.state, discovery);
  if (!registry.state.created_at) registry.state.created_at = discovery.server_time.value_or(begun);
  const DiscoveryEffects effects = Pass(registry, discovery, begun, rules).run();
  registry.incomplete_discoveries = discovery.complete ? 0 : registry.incomplete_discoveries + 1;
  if (discovery.complete || registry.incomplete_discoveries >= kIncompleteMax) {
    registry.state.discovered = true;
    registry.state.discovery_scope = rules.scope;
  }
  return effects;
}

std::vector<TrackedList*> apply_first_part(TrackedRegistry& registry, const Discovery& part,
                                           UnixMillis begun, const DiscoveryRules& rules,
                                           FirstParts& before) {
  complete_identity(registry.state, part);
  if (!registry.state.created_at) registry.state.created_at = part.server_time.value_or(begun);
  return Pass(registry, part, begun, rules).run_part(before);
}

void apply_scope(TrackedRegistry& registry, const DiscoveryRules& rules) {
  if (registry.state.discovery_scope != rules.scope) {
    registry.state.discovered = false;
    for (const auto& [key, list] : registry.lists) {
      RepositoryState& state = list->state;
      const bool collected =
          std::find(rules.kinds.begin(), rules.kinds.end(), state.kind) != rules.kinds.end();
      const bool ours = list->is_feed() || is_ours(registry, state.ref, rules);
      if (state.excluded || (collected && ours)) continue;
      state.excluded = true;
      list->mark_dirty();
    }
  }
  ensure_feeds(registry, rules);
}

bool adopt_configuration(TrackedRegistry& registry, const ConfigurationChange& change) {
  const DiscoveryRules& discovery = change.discovery;
  const bool scope_changed = registry.state.discovery_scope != discovery.scope;
  const bool began_before = registry.state.created_at.has_value();
  apply_scope(registry, discovery);
  if (scope_changed && began_before && !discovery.count_history) {
    note_scope_change(registry, change.wall);
  }
  registry.unknown_statuses.clear();
  registry.over_limit = 0;
  const bool histograms_start_again = adopt_bucket_bounds(registry, change.reading, change.wall);
  for (const auto& [key, list] : registry.lists) {
    resume_schedule(*list, change.read_everything, change.now, change.wall);
  }
  complete_counters(registry, change.reading, change.wall);
  return histograms_start_again;
}

}  // namespace registry_exporter::ingest
