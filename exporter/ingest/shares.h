#pragma once

#include <string>
#include <vector>

#include "exporter/ingest/discovery.h"
#include "exporter/ingest/merge_effects.h"
#include "exporter/ingest/tracked_registry.h"

/// One list of a whole instance feeds many owners: each has a share, which has the counters
/// and the series. The feed alone remembers the ids and decides what counts. Pure but for the data
/// handed in.
namespace registry_exporter::ingest {

/// Brings the share of one record's owner along. Its books balance as those of the feed do.
void apply_step(Ledger& share, const Step& step, const MergeContext& context,
                MergeEffects& effects);

/// Marks the records of a feed that are only to be known from then on, and never count: those whose
/// owners are not ours (filters, shard, max_repositories), and those that ended before their owner
/// became so.
void mark_owners(const TrackedRegistry& registry, const TrackedList& feed,
                 const DiscoveryRules& rules, Page& page);

/// Which owners are ours changed, or what is collected.
void note_scope_change(TrackedRegistry& registry, UnixMillis now);
/// The share is ours again: what ended meanwhile is history.
void let_back_in(TrackedRegistry& registry, TrackedList& share);

/// The owner's share of a kind that has no list for each owner; it is made where there is none.
TrackedList& share_of(TrackedRegistry& registry, const StreamKind& kind, const RepositoryRef& owner,
                      const DiscoveryRules& discovery);

/// Brings all shares along with what was merged into `list`: of a feed, those of the records'
/// owners, and those that records add to when they count (StreamKind::parts). Those of new owners
/// are made. Returns the shares whose books do not balance any more: they are halted.
std::vector<TrackedList*> feed_shares(TrackedRegistry& registry, const TrackedList& list,
                                      const MergeEffects& merged, const ReadRules& rules,
                                      const DiscoveryRules& discovery);

/// Counted history of `list`, and of the shares that it brings along, shows once all of it was
/// read, whatever becomes of the rest of the visit. `awaits_details`: of records that have ended.
void show_history(TrackedRegistry& registry, TrackedList& list, bool awaits_details);

/// There is a feed for each kind that has one. What is met at its first complete reading is
/// baseline, or, with `initial_history: count`, is counted; also after the kind was not collected
/// for a while.
void ensure_feeds(TrackedRegistry& registry, const DiscoveryRules& rules);

}  // namespace registry_exporter::ingest
