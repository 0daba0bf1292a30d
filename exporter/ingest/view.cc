#include "exporter/ingest/view.h"

#include <algorithm>
#include <utility>

namespace registry_exporter::ingest {
namespace {

constexpr unsigned counter_bit(std::size_t outcome) { return 1U << outcome; }
constexpr unsigned histogram_bit(std::size_t outcome) { return 1U << (outcome + 8); }
static_assert(kOutcomes <= 8);

std::vector<PerOutcome<std::uint32_t>> count_recent(const Ledger& ledger,
                                                    std::span<const Millis> windows,
                                                    UnixMillis now) {
  std::vector<PerOutcome<std::uint32_t>> recent(windows.size());
  for (const ClosedRecord& record : ledger.closed) {
    if (record.record_class == RecordClass::vanished) continue;
    const Millis age = now - record.ended_at;
    for (std::size_t i = 0; i < windows.size(); ++i) {
      if (age <= windows[i]) ++recent[i][record.outcome];
    }
  }
  return recent;
}

std::uint32_t count_consecutive_failed(const Ledger& ledger) {
  const auto& last_success = ledger.last_end[Outcome::success];
  return static_cast<std::uint32_t>(
      std::count_if(ledger.closed.begin(), ledger.closed.end(), [&](const ClosedRecord& record) {
        return record.record_class != RecordClass::vanished && record.outcome == Outcome::failed &&
               (!last_success || record.ended_at > *last_success);
      }));
}

}  // namespace

RepositoryView make_view(const RepositoryState& state, std::span<const Millis> windows,
                         UnixMillis now, const RepositoryView* before) {
  const Ledger& ledger = state.ledger;
  RepositoryView view;
  view.ref = state.ref;
  view.is_share = is_share(state);
  view.hidden =
      state.hidden || state.unlisted || (state.kind->from_first_record && ledger.known == 0);
  const bool same = before != nullptr && before->counters && *before->counters == ledger.counters;
  view.counters = same ? before->counters : std::make_shared<const EventCounters>(ledger.counters);
  view.events_held = ledger.events_held;
  view.durations_held = ledger.durations_held;
  for (const OpenRecord& open : ledger.open) {
    if (open.ended) continue;
    ++view.open;
    view.oldest_open_started_at =
        std::min(view.oldest_open_started_at.value_or(open.placed_at), open.placed_at);
  }
  view.last_build = ledger.last_build;
  view.consecutive_failed = count_consecutive_failed(ledger);
  view.last_end = ledger.last_end;
  view.recent = count_recent(ledger, windows, now);
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    view.seen.values[i] = ledger.last_end.values[i].has_value();
  }
  view.last_read = ledger.last_read;
  view.first_unreadable_row = ledger.unread_from;
  return view;
}

std::shared_ptr<const RepositoryView> with_windows_moved(
    const std::shared_ptr<const RepositoryView>& view, const Ledger& ledger,
    std::span<const Millis> windows, UnixMillis now) {
  const PerOutcome<std::uint32_t> none;
  const bool quiet = std::all_of(view->recent.begin(), view->recent.end(),
                                 [&](const auto& counts) { return counts == none; });
  if (quiet) return nullptr;  // Windows only lose records as time goes on.
  auto recent = count_recent(ledger, windows, now);
  if (recent == view->recent) return nullptr;
  auto moved = std::make_shared<RepositoryView>(*view);
  moved->recent = std::move(recent);
  return moved;
}

SeriesSet held_series(const RepositoryView& view) {
  unsigned series = 0;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (view.events_held.values[i]) series |= counter_bit(i);
    if (view.durations_held.values[i]) series |= histogram_bit(i);
  }
  return static_cast<SeriesSet>(series);
}

SeriesSet series_at_zero(const EventCounters& shown) {
  unsigned series = 0;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto& durations = shown.durations.values[i];
    if (shown.events.values[i] == 0) series |= counter_bit(i);
    if (durations && durations->count() == 0) series |= histogram_bit(i);
  }
  return static_cast<SeriesSet>(series);
}

EventCounters with_holds(const EventCounters& counters, SeriesSet held) {
  EventCounters shown = counters;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (held & counter_bit(i)) shown.events.values[i] = 0;
    auto& durations = shown.durations.values[i];
    if (!(held & histogram_bit(i)) || !durations) continue;
    DurationHistogram zero;
    zero.counts.resize(durations->counts.size());
    zero.created_at = durations->created_at;
    durations = std::move(zero);
  }
  return shown;
}

void clear_holds(Ledger& ledger, SeriesSet series) {
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (series & counter_bit(i)) ledger.events_held.values[i] = false;
    if (series & histogram_bit(i)) ledger.durations_held.values[i] = false;
  }
}

}  // namespace registry_exporter::ingest
