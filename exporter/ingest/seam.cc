#include "exporter/ingest/seam.h"

#include <algorithm>

#include "exporter/ingest/ledger_rules.h"
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

const OpenRecord* find_followed(const Ledger* ledger, RecordKey key) {
  if (ledger == nullptr) return nullptr;
  const auto at = std::find_if(ledger->open.begin(), ledger->open.end(),
                               [key](const OpenRecord& record) { return record.key == key; });
  return at != ledger->open.end() ? &*at : nullptr;
}

std::optional<UnixMillis> time_of(const PastRecord& record) {
  return record.ended_at ? record.ended_at : record.started_at;
}

/// What the exporter is about to make of one that it has not met.
RecordClass class_if_listed_now(const PastRecord& record, const Ledger& ledger) {
  const auto placed_at = record.started_at ? record.started_at : record.ended_at;
  return class_when_met(ledger, placed_at.value_or(UnixMillis::max()), record.ended_at);
}

UnixMillis placed(const PastRecord& record, const Seam& seam) {
  return std::min(time_of(record).value_or(seam.at), seam.at);
}

void sort_by_time(std::vector<PastEvent>& events) {
  std::stable_sort(events.begin(), events.end(),
                   [](const PastEvent& a, const PastEvent& b) { return a.at < b.at; });
}

}  // namespace

Seam seam_with_live(UnixMillis state_created_at, UnixMillis registry_created_at,
                    bool live_begins_at_zero) {
  const bool from_the_start = registry_created_at < state_created_at + kSameStart;
  // One that was added later may show in a scrape that began before its first listing.
  return {.at = from_the_start ? state_created_at : registry_created_at - kScrapeLongest,
          .counting_since = registry_created_at,
          .live_begins_at_zero = live_begins_at_zero};
}

bool is_past(const PastRecord& record, const Ledger* ledger, const Seam& seam) {
  const auto time = time_of(record);
  const bool is_before = time ? *time <= seam.counting_since : seam.all_is_past;
  const bool is_in_history = !seam.live_begins_at_zero && is_before;
  if (const OpenRecord* const followed = find_followed(ledger, record.key)) {
    return followed->ended && is_in_history;  // Its details are missing before history shows.
  }
  const ClosedRecord* const known = find_closed(ledger, record.key);
  if (known == nullptr && (ledger == nullptr || !ledger->read_whole)) return is_before;
  switch (known != nullptr ? known->record_class : class_if_listed_now(record, *ledger)) {
    case RecordClass::baseline:
      return true;
    case RecordClass::counted:
      return known != nullptr && is_in_history;
    case RecordClass::late:  // One that is not known was counted or baseline, and is forgotten.
      return is_before && (known == nullptr || seam.live_begins_at_zero);
    case RecordClass::vanished:
      return false;  // It counts when it is met.
  }
  return is_before;  // Never: each class is above.
}

bool is_undecided(const PastRecord& record, const Ledger* ledger, const Seam& seam) {
  return !time_of(record) && ledger == nullptr && !seam.all_is_past;
}

std::vector<PastEvent> events_before(const std::vector<PastRecord>& records, const Ledger* ledger,
                                     const Seam& seam, bool has_durations) {
  std::vector<PastEvent> events;
  for (const PastRecord& record : records) {
    if (!is_past(record, ledger, seam)) continue;
    const auto duration = has_durations ? record.duration : std::nullopt;
    events.push_back({placed(record, seam), record.outcome, duration});
  }
  sort_by_time(events);
  return events;
}

std::map<std::string, RepositoryHistory> parts_before(const std::vector<PastRecord>& records,
                                                      const Ledger* ledger, const Seam& seam) {
  std::map<std::string, RepositoryHistory> owners;
  for (const PastRecord& record : records) {
    if (!is_past(record, ledger, seam)) continue;
    for (const Part& part : record.parts) {
      RepositoryHistory& owner = owners[full_name(part.owner)];
      owner.ref = part.owner;
      owner.events.push_back({placed(record, seam), part.outcome, std::nullopt, part.amount});
    }
  }
  for (auto& [name, owner] : owners) sort_by_time(owner.events);
  return owners;
}

}  // namespace registry_exporter::ingest
