#include "exporter/ingest/shares.h"

#include <algorithm>
#include <set>

#include "exporter/ingest/event_rules.h"
#include "exporter/ingest/ledger_rules.h"

namespace registry_exporter::ingest {
namespace {

std::uint64_t& present(Ledger& ledger, RecordClass record_class) {
  return ledger.present[static_cast<std::size_t>(record_class)];
}

/// Takes the record from where it was. It is new to a share that was made after its feed met it.
void take_out(Ledger& share, const Step& step) {
  if (step.was && present(share, *step.was) > 0) {
    --present(share, *step.was);
    return;
  }
  const auto is_it = [&](const OpenRecord& open) { return open.key == step.record.key; };
  if (std::erase_if(share.open, is_it) == 0) ++share.known;
}

void put_in(Ledger& share, const Step& step, const MergeContext& context, MergeEffects& effects) {
  if (!step.is) {
    OpenRecord open;
    open.id = step.record.id;
    open.key = step.record.key;
    open.placed_at = step.placed_at;
    open.start_known = step.record.started_at.has_value();
    share.open.push_back(std::move(open));
    return;
  }
  ++present(share, *step.is);
  if (step.record.open) return;  // It has no end and no outcome.
  note_finished(share, step.record, context);
  if (*step.is == RecordClass::counted) count_event(share, step.record, context, effects);
}

bool is_active(const TrackedList& list) {
  return !list.is_feed() && !list.state.excluded && !list.state.dropped;
}

bool is_active(const TrackedRegistry& registry, const RepositoryRef& owner) {
  auto at = registry.lists.lower_bound({owner.repo_namespace, owner.name, 0});
  for (; at != registry.lists.end() && at->first.is_of(owner); ++at) {
    if (is_active(*at->second)) return true;
  }
  return false;
}

/// First come, first kept. Namespaces and policies are no repositories.
bool has_room(const TrackedRegistry& registry, const RepositoryRef& owner, int most) {
  if (owner_type(owner) != OwnerType::repository) return true;
  const auto limit = static_cast<std::size_t>(most);
  if (registry.lists.size() < limit || is_active(registry, owner)) return true;
  std::set<RepositoryKey> active;
  for (const auto& [key, list] : registry.lists) {
    const bool counts = owner_type(list->state.ref) == OwnerType::repository;
    if (counts && is_active(*list)) active.emplace(key.repo_namespace, key.name);
  }
  return active.size() < limit;
}

/// The list that brings the owner's share along; nullptr: there is none (yet).
const TrackedList* source_of(const TrackedRegistry& registry, const StreamKind& kind,
                             const RepositoryRef& owner) {
  const StreamKind* const source = source_kind(kind);
  if (source == nullptr) return nullptr;
  const std::string& place = source->has_own_lists() ? owner.repo_namespace : std::string();
  const auto list = registry.lists.find({place, "", source->number});
  return list == registry.lists.end() ? nullptr : list->second.get();
}

void add_part(Ledger& share, const PartStep& step) {
  const Part& part = step.part;
  share.known += part.amount;
  present(share, RecordClass::counted) += part.amount;
  share.counters.events[part.outcome] += part.amount;
  auto& last_end = share.last_end[part.outcome];
  last_end = std::max(last_end.value_or(step.ended_at), step.ended_at);
}

const TrackedList* find_share(const TrackedRegistry& registry, const TrackedList& feed,
                              const RepositoryRef& owner) {
  const auto known =
      registry.lists.find({owner.repo_namespace, owner.name, feed.state.kind->number});
  return known == registry.lists.end() ? nullptr : known->second.get();
}

/// It ended before its owner became ours.
bool is_history(const TrackedRegistry& registry, const TrackedList& feed, const Record& record) {
  const TrackedList* const share = find_share(registry, feed, *record.owner);
  const bool came_in = share == nullptr || share->state.excluded;
  const auto& before = came_in ? feed.state.scope_changed_at : share->state.ledger.history_before;
  const auto ended_at = record.ended_at ? record.ended_at : record.started_at;
  return before && !record.open && ended_at && *ended_at < *before;
}

void halt_if_unbalanced(TrackedList& share, std::vector<TrackedList*>& halted) {
  if (imbalance(share.state.ledger) == 0) return;
  share.state.ledger.halted = true;
  halted.push_back(&share);
}

void read_again(TrackedList& feed) {
  start_over(feed.state.ledger);
  feed.state.ledger.baseline_pending = true;
  feed.state.excluded = false;
  feed.mark_dirty();
}

}  // namespace

TrackedList& share_of(TrackedRegistry& registry, const StreamKind& kind, const RepositoryRef& owner,
                      const DiscoveryRules& discovery) {
  const ListKey key{owner.repo_namespace, owner.name, kind.number};
  const auto known = registry.lists.find(key);
  if (known != registry.lists.end()) return *known->second;
  auto share = std::make_unique<TrackedList>();
  share->number = discovery.next_number();
  share->mark_dirty();
  RepositoryState& state = share->state;
  state.ref = owner;
  state.kind = &kind;
  const auto listed = registry.listed.find(key.repository());
  const bool came_later = listed != registry.listed.end() && listed->second;
  if (const TrackedList* source = source_of(registry, kind, owner)) {
    state.hidden = source->state.hidden && !came_later;
    state.ledger.history_before = source->state.scope_changed_at;
  }
  state.unlisted = !discovery.fixed_list && listed == registry.listed.end();
  if (!state.hidden) {
    for (const Outcome outcome : kind.outcomes) state.ledger.events_held[outcome] = true;
  }
  return registry.add(std::move(share));
}

void apply_step(Ledger& share, const Step& step, const MergeContext& context,
                MergeEffects& effects) {
  take_out(share, step);
  put_in(share, step, context, effects);
}

void mark_owners(const TrackedRegistry& registry, const TrackedList& feed,
                 const DiscoveryRules& rules, Page& page) {
  for (Record& record : page.records) {
    if (!record.owner) continue;
    const bool ours = rules.accepts(full_name(*record.owner)) &&
                      has_room(registry, *record.owner, rules.max_repositories);
    record.counts = ours && !is_history(registry, feed, record);
    // It may have a share from the time when it was ours, whose books go on.
    if (!ours && find_share(registry, feed, *record.owner) == nullptr) record.owner.reset();
  }
}

void note_scope_change(TrackedRegistry& registry, UnixMillis now) {
  for (const auto& [key, list] : registry.lists) {
    if (!list->is_feed()) continue;
    list->state.scope_changed_at = now;
    list->mark_dirty();
  }
}

void let_back_in(TrackedRegistry& registry, TrackedList& share) {
  const auto feed = registry.lists.find({"", "", share.state.kind->number});
  if (feed == registry.lists.end()) return;
  share.state.ledger.history_before = feed->second->state.scope_changed_at;
}

namespace {

void feed_owners(TrackedRegistry& registry, const TrackedList& feed, const MergeEffects& merged,
                 const ReadRules& rules, const DiscoveryRules& discovery,
                 std::vector<TrackedList*>& halted) {
  for (const Step& step : merged.steps) {
    TrackedList& share = share_of(registry, feed.kind(), *step.record.owner, discovery);
    Ledger& ledger = share.state.ledger;
    if (ledger.halted) continue;
    MergeContext context;
    context.kind = feed.state.kind;
    context.seen_at = merged.seen_at;
    context.bucket_bounds = rules.bucket_bounds;
    context.hold_new_series = !share.state.hidden;
    MergeEffects effects;
    apply_step(ledger, step, context, effects);
    effects.changed = true;
    absorb(registry, share, effects, rules.bucket_bounds.size());
    halt_if_unbalanced(share, halted);
  }
}

void feed_parts(TrackedRegistry& registry, const TrackedList& list, const MergeEffects& merged,
                const DiscoveryRules& discovery, std::vector<TrackedList*>& halted) {
  for (const PartStep& step : merged.parts) {
    const RepositoryRef& owner = step.part.owner;
    const bool ours = discovery.accepts(full_name(owner)) &&
                      has_room(registry, owner, discovery.max_repositories);
    if (!ours || step.part.amount == 0) continue;
    TrackedList& share = share_of(registry, *list.kind().parts, owner, discovery);
    Ledger& ledger = share.state.ledger;
    if (ledger.halted || share.state.excluded) continue;
    add_part(ledger, step);
    share.mark_dirty();
    halt_if_unbalanced(share, halted);
  }
}

}  // namespace

std::vector<TrackedList*> feed_shares(TrackedRegistry& registry, const TrackedList& list,
                                      const MergeEffects& merged, const ReadRules& rules,
                                      const DiscoveryRules& discovery) {
  std::vector<TrackedList*> halted;
  if (list.is_feed()) feed_owners(registry, list, merged, rules, discovery, halted);
  feed_parts(registry, list, merged, discovery, halted);
  return halted;
}

void show_history(TrackedRegistry& registry, TrackedList& list, bool awaits_details) {
  if (!list.state.ledger.read_whole || awaits_details || !list.state.hidden) return;
  list.state.hidden = false;
  list.mark_dirty();
  if (!list.is_feed() && list.kind().parts == nullptr) return;
  for (const auto& [key, share] : registry.lists) {
    if (!share->is_share() || !share->state.hidden) continue;
    if (source_of(registry, share->kind(), share->state.ref) != &list) continue;
    share->state.hidden = false;
    share->mark_dirty();
  }
}

void ensure_feeds(TrackedRegistry& registry, const DiscoveryRules& rules) {
  for (const StreamKind* kind : rules.kinds) {
    if (!kind->feeds_shares()) continue;
    const ListKey key{"", "", kind->number};
    const auto known = registry.lists.find(key);
    if (known != registry.lists.end()) {
      if (known->second->state.excluded) read_again(*known->second);
      continue;
    }
    auto feed = std::make_unique<TrackedList>();
    feed->number = rules.next_number();
    feed->mark_dirty();
    feed->state.kind = kind;
    feed->state.hidden = rules.count_history && !registry.state.discovered;
    feed->state.ledger.baseline_pending = !feed->state.hidden;
    registry.add(std::move(feed));
  }
}

}  // namespace registry_exporter::ingest
