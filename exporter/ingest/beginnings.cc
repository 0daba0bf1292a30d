#include "exporter/ingest/beginnings.h"

#include <algorithm>

namespace registry_exporter::ingest {
namespace {

/// The end of the first counted event, of `outcome` where it is set; `at` without one.
UnixMillis first_counted(const Ledger& ledger, std::optional<Outcome> outcome, UnixMillis at) {
  UnixMillis first = at;
  for (const ClosedRecord& record : ledger.closed) {
    if (record.record_class != RecordClass::counted) continue;
    if (!outcome || record.outcome == *outcome) first = std::min(first, record.ended_at);
  }
  return first;
}

}  // namespace

void note_beginnings(RepositoryState& state, UnixMillis at) {
  if (state.hidden) return;
  Ledger& ledger = state.ledger;
  EventCounters& counters = ledger.counters;
  if (!counters.created_at) counters.created_at = first_counted(ledger, std::nullopt, at);
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    auto& histogram = counters.durations.values[i];
    if (!histogram || histogram->created_at) continue;
    histogram.edit().created_at = first_counted(ledger, static_cast<Outcome>(i), at);
  }
}

void adopt_beginnings(RepositoryState& state, std::optional<UnixMillis> registry_created_at) {
  if (state.hidden) return;
  EventCounters& counters = state.ledger.counters;
  if (!counters.created_at) counters.created_at = registry_created_at;
  if (!registry_created_at) return;
  for (auto& histogram : counters.durations.values) {
    if (histogram && !histogram->created_at) histogram.edit().created_at = registry_created_at;
  }
}

}  // namespace registry_exporter::ingest
