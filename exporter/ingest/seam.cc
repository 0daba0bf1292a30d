#include "exporter/ingest/seam.h"

#include <algorithm>

#include "exporter/model/scrape.h"

namespace registry_exporter::ingest {
namespace {

/// A registry that was first listed so soon after the state began was there from its beginning on:
/// no scrape was answered before the process began.
constexpr std::chrono::minutes kSameStart{10};

const ClosedRecord* find_closed(const Ledger* ledger, RecordKey key) {
  if (ledger == nullptr) return nullptr;
  const auto& closed = ledger->closed;
  const auto at = std::lower_bound(closed.begin(), closed.end(), key,
                                   [](const ClosedRecord& r, RecordKey k) { return r.key < k; });
  return at != closed.end() && at->key == key ? &*at : nullptr;
}

bool belongs_to_past(const ClosedRecord* known, std::optional<UnixMillis> time, const Seam& seam) {
  if (known != nullptr && known->record_class == RecordClass::baseline) return true;
  if (known != nullptr && known->record_class == RecordClass::counted && seam.live_begins_at_zero) {
    return false;
  }
  return time && *time <= seam.counting_since;
}

}  // namespace

Seam seam_with_live(UnixMillis state_created_at, UnixMillis registry_created_at,
                    bool live_begins_at_zero) {
  const bool from_the_start = registry_created_at < state_created_at + kSameStart;
  // One that was added later may show in a scrape that began before its first listing.
  return {from_the_start ? state_created_at : registry_created_at - kScrapeLongest,
          registry_created_at, live_begins_at_zero};
}

std::vector<PastEvent> events_before(const std::vector<PastRecord>& records, const Ledger* ledger,
                                     const Seam& seam, bool has_durations) {
  std::vector<PastEvent> events;
  for (const PastRecord& record : records) {
    const auto& ended = record.ended_at;
    const ClosedRecord* const known = find_closed(ledger, record.key);
    const std::optional<UnixMillis> time = ended ? ended : record.started_at;
    if (!belongs_to_past(known, time, seam)) continue;
    PastEvent event{std::min(time.value_or(seam.at), seam.at), record.outcome, std::nullopt};
    const bool spans = has_durations && record.started_at && ended && *ended >= *record.started_at;
    if (spans) event.duration = *ended - *record.started_at;
    events.push_back(event);
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const PastEvent& a, const PastEvent& b) { return a.at < b.at; });
  return events;
}

}  // namespace registry_exporter::ingest
