#include "exporter/ingest/open_record_search.h"

#include <algorithm>

namespace registry_exporter::ingest {
namespace {

/// Point reads in one visit; the open records take turns.
constexpr int kRecordsPerVisitMax = 16;
/// Point reads that fail in one visit before the rest is left to the next.
constexpr int kRecordsFailedMax = 3;

bool contains(const std::vector<RecordKey>& keys, RecordKey key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

auto find_open(Ledger& ledger, RecordKey key) {
  return std::find_if(ledger.open.begin(), ledger.open.end(),
                      [key](const OpenRecord& open) { return open.key == key; });
}

}  // namespace

bool OpenRecordSearch::may_ask(RecordKey key, const SweepProgress& progress) const {
  return by_id_ && !contains(progress.refused_ids, key);
}

std::vector<const OpenRecord*> OpenRecordSearch::missing(const Ledger& ledger,
                                                         const SweepProgress& progress,
                                                         bool by_id) const {
  std::vector<const OpenRecord*> missing;
  for (const OpenRecord& open : ledger.open) {
    const bool met = contains(by_id && open.ended ? answered_ : met_, open.key);
    if (may_ask(open.key, progress) == by_id && !met) missing.push_back(&open);
  }
  return missing;
}

std::vector<const OpenRecord*> OpenRecordSearch::missing_in_list(
    const Ledger& ledger, const SweepProgress& progress) const {
  return missing(ledger, progress, false);
}

bool OpenRecordSearch::awaits_details(const Ledger& ledger, const SweepProgress& progress) const {
  const auto by_id = missing(ledger, progress, true);
  return std::any_of(by_id.begin(), by_id.end(),
                     [](const OpenRecord* open) { return open->ended; });
}

std::optional<std::string> OpenRecordSearch::next_id(const Ledger& ledger,
                                                     const SweepProgress& progress) const {
  const auto by_id = missing(ledger, progress, true);
  const bool enough = asked_ >= kRecordsPerVisitMax || failed_ >= kRecordsFailedMax;
  if (by_id.empty() || enough) return std::nullopt;
  return by_id.front()->id;
}

/// An id that can't be read for ever must not keep its record open: the list tells of it, too.
void OpenRecordSearch::note_failed_id(SweepProgress& progress, RecordKey key, const Error& error) {
  const bool failed_before = std::erase(progress.failed_ids, key) > 0;
  if (traits(error.kind).lasting || failed_before) {
    progress.refused_ids.push_back(key);
    return;
  }
  progress.failed_ids.push_back(key);
  ++failed_;
}

void OpenRecordSearch::apply(Ledger& ledger, SweepProgress& progress, const Result<Record>& record,
                             const MergeContext& context, MergeEffects& effects) {
  const auto by_id = missing(ledger, progress, true);
  if (by_id.empty()) return;
  const RecordKey asked = by_id.front()->key;
  ++asked_;
  if (record && record->tells_nothing) {
    progress.refused_ids.push_back(asked);
  } else if (record) {
    note_met(asked);
    answered_.push_back(asked);
    std::erase(progress.failed_ids, asked);
    if (record->key == asked) merge_record(ledger, *record, context, effects);
  } else if (record.error().kind == ErrorKind::not_found) {
    note_met(asked);
    answered_.push_back(asked);
    const auto open = find_open(ledger, asked);
    effects.changed |= !open->gone;
    open->gone = true;
  } else {
    note_failed_id(progress, asked, record.error());
  }
  // Those asked go to the end, so that all get their turn.
  const auto open = find_open(ledger, asked);
  if (open != ledger.open.end()) std::rotate(open, open + 1, ledger.open.end());
}

}  // namespace registry_exporter::ingest
