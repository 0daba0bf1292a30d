#include "exporter/ingest/tracked_registry.h"

#include <algorithm>

#include "exporter/ingest/beginnings.h"
#include "exporter/ingest/event_rules.h"

namespace registry_exporter::ingest {
namespace {

/// A list unread for so many max_staleness is one that the rate is too low for.
constexpr int kFarOverdue = 2;
constexpr std::size_t kUnknownStatusesMax = 32;
constexpr const char* kOtherStatuses = "(others)";

void keep_exemplar(TrackedList& list, const Observation& seen, std::size_t bucket_bounds) {
  auto& buckets = list.exemplars[seen.outcome];
  if (!buckets) buckets = Exemplars(bucket_bounds + 1);
  const auto& before = (*buckets)[seen.bucket];
  if (before && before->ended_at > seen.ended_at) return;  // Its time must not go back.
  buckets.edit()[seen.bucket] =
      Exemplar{seen.id, static_cast<double>(seen.duration.count()) / 1000.0, seen.ended_at};
}

}  // namespace

TrackedList& TrackedRegistry::add(std::unique_ptr<TrackedList> list) {
  ListKey key = key_of(list->state);
  const auto [at, is_new] = lists.emplace(std::move(key), std::move(list));
  if (is_new) at->second->report_to(*dirty_lists);
  return *at->second;
}

void absorb(TrackedRegistry& registry, TrackedList& list, const MergeEffects& effects,
            std::size_t bucket_bounds) {
  RegistryState& state = registry.state;
  for (std::size_t i = 0; i < kRecordClasses; ++i) state.records[i] += effects.records[i];
  for (std::size_t i = 0; i < kInvalidDurations; ++i) {
    state.invalid_durations[i] += effects.invalid_durations[i];
  }
  state.history_gaps += effects.history_gaps;
  registry.dirty = true;
  for (const Observation& seen : effects.observations) keep_exemplar(list, seen, bucket_bounds);
  PendingChanges& pending = list.pending;
  pending.replaces_closed |= effects.closed_removed;
  pending.unsaved.insert(pending.unsaved.end(), effects.closed.begin(), effects.closed.end());
  if (effects.changed) list.mark_dirty();
}

std::vector<std::string> absorb_oddities(TrackedRegistry& registry, const Page& page) {
  for (const Rejection rejection : page.rejected) {
    ++registry.state.rejected[static_cast<std::size_t>(rejection)];
    registry.dirty = true;
  }
  std::vector<std::string> news;
  auto& known = registry.unknown_statuses;
  for (const std::string& status : page.unknown_statuses) {
    if (!known.contains(status) && known.size() >= kUnknownStatusesMax) {
      ++known[kOtherStatuses];
    } else if (++known[status] == 1) {
      news.push_back(status);
    }
  }
  return news;
}

bool adopt_bucket_bounds(TrackedRegistry& registry, const ReadRules& rules, UnixMillis now) {
  auto& stored = registry.state.bucket_bounds;
  if (!rules.has_histograms || stored == rules.bucket_bounds) return false;
  const bool changed = !stored.empty();
  stored = rules.bucket_bounds;
  registry.dirty = true;
  if (!changed) return false;
  for (const auto& [key, list] : registry.lists) {
    if (!list->kind().has_durations) continue;
    for (auto& histogram : list->state.ledger.counters.durations.values) {
      if (!histogram) continue;
      histogram = empty_histogram(rules.bucket_bounds);
      histogram.edit().created_at = now;
      list->mark_dirty();
    }
    list->exemplars = {};
  }
  return true;
}

void complete_counters(TrackedRegistry& registry, const ReadRules& rules, UnixMillis now) {
  for (const auto& [key, list] : registry.lists) {
    if (list->is_feed()) continue;  // Its shares have the counters.
    RepositoryState& state = list->state;
    adopt_beginnings(state, registry.state.created_at);
    if (list->kind().has_durations) {
      if (add_histograms(state.ledger, rules.bucket_bounds, !state.hidden)) list->mark_dirty();
      for (auto& histogram : state.ledger.counters.durations.values) {
        if (!histogram || !lacks_native(*histogram)) continue;
        restore_native(histogram.edit(), rules.bucket_bounds);
        list->mark_dirty();
      }
    }
    note_beginnings(state, now);
  }
}

void take_notice(TrackedRegistry& registry, const Notice& notice, Millis ahead) {
  ListKey key{notice.of.repo_namespace, notice.of.name, notice.kind->number};
  if (notice.kind->feeds_shares()) key.repo_namespace = key.name = "";
  const auto found = registry.lists.find(key);
  if (found == registry.lists.end()) return;
  TrackedList& list = *found->second;
  const std::optional<UnixMillis> last_read = list.state.ledger.last_read;
  const bool is_old = notice.at && last_read && *notice.at - ahead < *last_read;
  if (!is_old) list.schedule.noticed = true;
}

std::size_t lists_read(const TrackedRegistry& registry) {
  return static_cast<std::size_t>(
      std::count_if(registry.lists.begin(), registry.lists.end(),
                    [](const auto& each) { return each.second->is_read(); }));
}

DueLists due_lists(TrackedRegistry& registry, const ReadRules& rules, const Lessons& lessons,
                   Millis ahead, std::uint64_t demand, SteadyTime now, UnixMillis wall) {
  DueLists found;
  found.of = lists_read(registry);
  for (const auto& [key, list] : registry.lists) {
    ScheduleState& schedule = list->schedule;
    const std::optional<std::uint64_t> planned = std::exchange(schedule.planned, std::nullopt);
    // A feed has its turn when counting has begun.
    const bool readable = list->is_read() && !list->state.ledger.halted &&
                          (!list->is_feed() || registry.state.created_at);
    if (!readable || schedule.in_flight) continue;
    const RepositoryPace pace = pace_of(*list, rules, now, wall);
    const std::optional<Due> urgency =
        due(pace, lessons.hints_of(list->kind()), rules.max_staleness - ahead);
    if (!urgency) continue;
    if (pace.since_read >= kFarOverdue * rules.max_staleness) ++found.overdue;
    schedule.planned = planned.value_or(demand);
    found.items.push_back({list.get(), *schedule.planned, *urgency, schedule.visited_at});
  }
  return found;
}

}  // namespace registry_exporter::ingest
