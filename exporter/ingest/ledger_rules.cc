#include "exporter/ingest/ledger_rules.h"

#include <algorithm>

#include "exporter/base/check.h"
#include "exporter/ingest/event_rules.h"

namespace registry_exporter::ingest {
namespace {

constexpr std::uint8_t kSweepsMissedMax = 2;

template <class Records>
auto find_closed(Records& closed, RecordKey key) {
  const auto at = std::lower_bound(closed.begin(), closed.end(), key,
                                   [](const ClosedRecord& r, RecordKey k) { return r.key < k; });
  return at != closed.end() && at->key == key ? at : closed.end();
}

template <class Records>
auto find_open(Records& open, RecordKey key) {
  return std::find_if(open.begin(), open.end(),
                      [key](const OpenRecord& record) { return record.key == key; });
}

std::uint64_t& present(Ledger& ledger, RecordClass record_class) {
  return ledger.present[static_cast<std::size_t>(record_class)];
}

void remember(Ledger& ledger, const ClosedRecord& record, MergeEffects& effects) {
  const auto at = std::lower_bound(ledger.closed.begin(), ledger.closed.end(), record.key,
                                   [](const ClosedRecord& r, RecordKey k) { return r.key < k; });
  if (at != ledger.closed.end() && at->key == record.key) {
    *at = record;
  } else {
    ledger.closed.insert(at, record);
  }
  ++present(ledger, record.record_class);
  ++effects.records[static_cast<std::size_t>(record.record_class)];
  effects.closed.push_back(record);
}

void mark_unanchored(Ledger& ledger, RecordKey key) {
  if (!ledger.read_whole) return;  // Nothing is anchored yet.
  const auto at = std::lower_bound(ledger.unanchored.begin(), ledger.unanchored.end(), key);
  if (at == ledger.unanchored.end() || *at != key) ledger.unanchored.insert(at, key);
}

/// For the share of its owner.
void take_step(const Record& record, UnixMillis placed_at, std::optional<RecordClass> was,
               std::optional<RecordClass> is, MergeEffects& effects) {
  if (!record.owner) return;
  effects.steps.push_back({record, was, is, placed_at});
}

RecordClass class_of_news(const Record& record) {
  return record.counts ? RecordClass::counted : RecordClass::baseline;
}

/// It has not ended, or what it adds to others is not known yet.
bool is_to_be_followed(const Record& record) {
  return record.open || (record.needs_details && record.counts);
}

/// What decides whether it is below the floor. Where there is no start, an end that does not move
/// keeps a record that is forgotten and listed again from counting twice.
UnixMillis place_of(const Record& record, const MergeContext& context) {
  return record.started_at.value_or(record.open ? context.seen_at : placed_end(record, context));
}

/// A record that is not in any class: puts it into `record_class`.
void close(Ledger& ledger, const Record& record, UnixMillis placed_at, RecordClass record_class,
           const MergeContext& context, MergeEffects& effects) {
  const UnixMillis ended_at = placed_end(record, context);
  remember(ledger, {record.key, placed_at, ended_at, record_class, record.outcome}, effects);
  effects.changed = true;
  if (record_class == RecordClass::counted) {
    for (const Part& part : record.parts) effects.parts.push_back({part, ended_at});
  }
  if (context.kind->feeds_shares()) {
    // Histograms and last ends are those of its owner's share.
    if (record_class == RecordClass::counted) ++ledger.counters.events[record.outcome];
    return;
  }
  if (record.open) return;  // Met below the floor: it has no end and no outcome yet.
  note_finished(ledger, record, context);
  if (record_class == RecordClass::counted) count_event(ledger, record, context, effects);
}

void follow(Ledger& ledger, const Record& record, std::optional<RecordClass> was,
            const MergeContext& context, MergeEffects& effects) {
  CHECK_RULE(!is_known(ledger, record.key));  // Open, or in one class: never both.
  OpenRecord open;
  open.id = record.id;
  open.key = record.key;
  open.placed_at = record.started_at.value_or(context.seen_at);
  open.start_known = record.started_at.has_value();
  open.owner = record.owner.value_or(RepositoryRef{});
  open.ended = !record.open;
  take_step(record, open.placed_at, was, std::nullopt, effects);
  ledger.open.push_back(std::move(open));
  effects.changed = true;
}

void merge_followed(Ledger& ledger, std::vector<OpenRecord>::iterator open, const Record& record,
                    const MergeContext& context, MergeEffects& effects) {
  if (is_to_be_followed(record)) {
    if (!open->start_known && record.started_at) {
      open->placed_at = *record.started_at;
      open->start_known = true;
      take_step(record, open->placed_at, std::nullopt, std::nullopt, effects);
      effects.changed = true;
    }
    effects.changed |= open->sweeps_missed != 0 || open->gone || open->ended == record.open;
    open->ended = !record.open;
    open->sweeps_missed = 0;
    open->gone = false;
    return;
  }
  const UnixMillis placed_at = place_of(record, context);
  ledger.open.erase(open);
  const RecordClass record_class = class_of_news(record);
  close(ledger, record, placed_at, record_class, context, effects);
  take_step(record, placed_at, std::nullopt, record_class, effects);
}

/// The one class that is left again: the record was not gone after all.
void merge_vanished(Ledger& ledger, const ClosedRecord& vanished, const Record& record,
                    const MergeContext& context, MergeEffects& effects) {
  CHECK_RULE(present(ledger, RecordClass::vanished) > 0);
  --present(ledger, RecordClass::vanished);
  const UnixMillis placed_at = vanished.placed_at;
  if (is_to_be_followed(record)) {
    ledger.closed.erase(find_closed(ledger.closed, record.key));
    effects.closed_removed = true;
    follow(ledger, record, RecordClass::vanished, context, effects);
    return;
  }
  const RecordClass record_class = class_of_news(record);
  close(ledger, record, placed_at, record_class, context, effects);
  take_step(record, placed_at, RecordClass::vanished, record_class, effects);
}

/// It was met below the floor while it ran: what it came to shows only now. It never counts.
void merge_late(Ledger& ledger, ClosedRecord& late, const Record& record,
                const MergeContext& context, MergeEffects& effects) {
  const bool may_have_run = late.outcome == Outcome::other;
  const bool shows_already = record.outcome == Outcome::other && ledger.last_end[Outcome::other];
  if (record.open || !may_have_run || shows_already) return;
  late.outcome = record.outcome;
  late.ended_at = placed_end(record, context);
  effects.closed.push_back(late);
  effects.changed = true;
  take_step(record, late.placed_at, RecordClass::late, RecordClass::late, effects);
  if (!context.kind->feeds_shares()) note_finished(ledger, record, context);
}

PriorState merge_unknown(Ledger& ledger, const Record& record, const MergeContext& context,
                         MergeEffects& effects) {
  ++ledger.known;
  const UnixMillis placed_at = place_of(record, context);
  const RecordClass due = class_when_met(ledger, placed_at, record.ended_at);
  if (due == RecordClass::late) {
    close(ledger, record, placed_at, RecordClass::late, context, effects);
    take_step(record, placed_at, std::nullopt, RecordClass::late, effects);
    return PriorState::below_floor;
  }
  mark_unanchored(ledger, record.key);
  const bool history = due == RecordClass::baseline;
  if (record.open || (!history && is_to_be_followed(record))) {
    follow(ledger, record, std::nullopt, context, effects);
  } else {
    const RecordClass record_class = history ? RecordClass::baseline : class_of_news(record);
    close(ledger, record, placed_at, record_class, context, effects);
    take_step(record, placed_at, std::nullopt, record_class, effects);
  }
  return PriorState::unknown;
}

}  // namespace

bool is_known(const Ledger& ledger, RecordKey key) {
  return find_closed(ledger.closed, key) != ledger.closed.end() ||
         find_open(ledger.open, key) != ledger.open.end();
}

bool is_anchored(const Ledger& ledger, RecordKey key) {
  return ledger.read_whole && is_known(ledger, key) &&
         !std::binary_search(ledger.unanchored.begin(), ledger.unanchored.end(), key);
}

RecordClass class_when_met(const Ledger& ledger, UnixMillis placed_at,
                           std::optional<UnixMillis> ended_at) {
  if (placed_at < ledger.floor) return RecordClass::late;
  const bool ended_before =
      ledger.history_before && ended_at.value_or(placed_at) < *ledger.history_before;
  const bool is_history = ledger.baseline_pending || ended_before;
  return is_history ? RecordClass::baseline : RecordClass::counted;
}

PriorState merge_record(Ledger& ledger, const Record& record, const MergeContext& context,
                        MergeEffects& effects) {
  const PriorState prior = !is_known(ledger, record.key)     ? PriorState::unknown
                           : is_anchored(ledger, record.key) ? PriorState::anchored
                                                             : PriorState::unanchored;
  if (prior == PriorState::unknown) return merge_unknown(ledger, record, context, effects);
  if (const auto open = find_open(ledger.open, record.key); open != ledger.open.end()) {
    merge_followed(ledger, open, record, context, effects);
    return prior;
  }
  ClosedRecord& closed = *find_closed(ledger.closed, record.key);
  if (closed.record_class == RecordClass::late) {
    merge_late(ledger, closed, record, context, effects);
  } else if (closed.record_class == RecordClass::vanished) {
    merge_vanished(ledger, ClosedRecord(closed), record, context, effects);
  }
  return prior;
}

void anchor_all(Ledger& ledger) { ledger.unanchored.clear(); }

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

namespace {

void close_vanished(Ledger& ledger, const SweepFindings& findings, UnixMillis horizon,
                    MergeEffects& effects) {
  for (OpenRecord& open : ledger.open) {
    const bool met = std::binary_search(findings.met.begin(), findings.met.end(), open.key);
    const bool reachable = findings.met_is_whole && !findings.left_out_rows &&
                           (findings.whole || open.placed_at >= horizon);
    const auto& refused = findings.refused_ids;
    const bool asked_by_id = findings.point_reads &&
                             std::find(refused.begin(), refused.end(), open.key) == refused.end();
    if (met) {
      open.sweeps_missed = 0;
    } else if (open.gone || (reachable && !asked_by_id)) {
      ++open.sweeps_missed;
    }
  }
  const auto vanished = std::stable_partition(
      ledger.open.begin(), ledger.open.end(),
      [](const OpenRecord& open) { return open.sweeps_missed < kSweepsMissedMax; });
  for (auto open = vanished; open != ledger.open.end(); ++open) {
    remember(
        ledger,
        {open->key, open->placed_at, findings.started_at, RecordClass::vanished, Outcome::other},
        effects);
    if (open->owner.name.empty()) continue;
    Record gone{open->id, open->key, {}, {}, true, Outcome::other, open->owner};
    take_step(gone, open->placed_at, std::nullopt, RecordClass::vanished, effects);
  }
  ledger.open.erase(vanished, ledger.open.end());
}

void forget_below_floor(Ledger& ledger, const SweepFindings& findings, MergeEffects& effects) {
  if (!findings.met_is_whole) return;
  const auto forgettable = [&](const ClosedRecord& record) {
    return record.placed_at < ledger.floor &&
           !std::binary_search(findings.met.begin(), findings.met.end(), record.key);
  };
  std::vector<UnixMillis> times;
  for (const ClosedRecord& record : ledger.closed) {
    if (forgettable(record)) times.push_back(record.placed_at);
  }
  // A sweep that stopped at the horizon may meet the next few records when pages shift: they stay
  // known, so that they never look late.
  const std::size_t kept = findings.whole ? 0 : findings.kept_below;
  if (times.size() <= kept) return;
  std::sort(times.begin(), times.end());
  const UnixMillis oldest_kept = kept == 0 ? UnixMillis::max() : times[times.size() - kept];
  const std::size_t forgotten = std::erase_if(ledger.closed, [&](const ClosedRecord& record) {
    return record.placed_at < oldest_kept && forgettable(record);
  });
  if (forgotten == 0) return;
  effects.closed_removed = true;
}

}  // namespace

void conclude_sweep(Ledger& ledger, const SweepFindings& findings, MergeEffects& effects) {
  const UnixMillis horizon = findings.started_at - findings.lookback;
  close_vanished(ledger, findings, horizon, effects);
  const UnixMillis floor_before = ledger.floor;
  const UnixMillis own_horizon = std::max(findings.own_time - findings.lookback, UnixMillis{});
  ledger.floor = std::max(ledger.floor, std::min(horizon, own_horizon));
  CHECK_RULE(ledger.floor >= floor_before);  // What lies below it is sealed for ever.
  forget_below_floor(ledger, findings, effects);
  effects.changed = true;
}

std::uint64_t imbalance(const Ledger& ledger) {
  const auto difference = [](std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; };
  std::uint64_t classified = ledger.open.size();
  for (const std::uint64_t records : ledger.present) classified += records;
  std::uint64_t counted = 0;
  for (const std::uint64_t events : ledger.counters.events.values) counted += events;
  return difference(ledger.known, classified) +
         difference(counted, ledger.present[static_cast<std::size_t>(RecordClass::counted)]);
}

}  // namespace registry_exporter::ingest
