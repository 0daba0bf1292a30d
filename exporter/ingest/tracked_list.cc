#include "exporter/ingest/tracked_list.h"

#include <algorithm>

namespace registry_exporter::ingest {
namespace {

/// A sweep that a total asked for, or that was not clean, comes at most this often a
/// sweep_interval.
constexpr int kExtraSweeps = 12;
constexpr int kUnreadableDoublings = 10;

Millis since(SteadyTime then, SteadyTime now) {
  return std::chrono::duration_cast<Millis>(now - then);
}

}  // namespace

bool unreadable_due(const TrackedList& list, SteadyTime now) {
  const auto& retry_at = list.failures.unreadable_retry_at;
  return list.state.ledger.unread_from && (!retry_at || now >= *retry_at);
}

bool refused_ids_due(const TrackedList& list, const ReadRules& rules, SteadyTime now) {
  const auto& refused_at = list.failures.ids_refused_at;
  const bool only_by_id = list.kind().parts != nullptr;
  return only_by_id && refused_at && since(*refused_at, now) >= rules.sweep_interval;
}

void note_refused_ids(TrackedList& list, const ReadRules& rules, SteadyTime now) {
  auto& refused_at = list.failures.ids_refused_at;
  const bool some = !list.sweep.refused_ids.empty();
  if (!some || refused_ids_due(list, rules, now)) refused_at.reset();
  if (some && !refused_at) refused_at = now;
}

bool sweep_due(const TrackedList& list, const ReadRules& rules, SteadyTime now) {
  if (unreadable_due(list, now)) return true;
  const ScheduleState& schedule = list.schedule;
  if (!schedule.swept_at) return list.state.ledger.read_whole;
  const Millis age = since(*schedule.swept_at, now);
  if (age >= rules.sweep_interval) return true;
  const bool wanted = list.state.ledger.sweep_wanted || !schedule.swept_clean;
  return wanted && age >= std::min(rules.sweep_interval / kExtraSweeps, rules.max_staleness);
}

RepositoryPace pace_of(const TrackedList& list, const ReadRules& rules, SteadyTime now,
                       UnixMillis wall) {
  const Ledger& ledger = list.state.ledger;
  const ScheduleState& schedule = list.schedule;
  RepositoryPace pace;
  if (schedule.read_at) pace.since_read = since(*schedule.read_at, now);
  if (list.failures.retry_at) pace.retry_in = since(now, *list.failures.retry_at);
  pace.failed = list.failures.in_a_row > 0;
  pace.unfinished = ledger.walk.has_value();
  pace.sweep_due = sweep_due(list, rules, now);
  for (const OpenRecord& open : ledger.open) {
    const Millis interval = follow_interval(wall - open.placed_at, schedule.spans);
    pace.follow_every = std::min(pace.follow_every.value_or(interval), interval);
  }
  pace.events_per_second = schedule.activity.per_second(wall);
  pace.hinted = schedule.hinted;
  pace.noticed = schedule.noticed;
  if (schedule.listed_at) pace.since_listed = wall - *schedule.listed_at;
  return pace;
}

void resume_schedule(TrackedList& list, bool read_everything, SteadyTime now, UnixMillis wall) {
  const Ledger& ledger = list.state.ledger;
  ScheduleState& schedule = list.schedule;
  schedule.in_flight = false;
  schedule.planned.reset();
  schedule.activity = {};
  schedule.spans = {};
  for (const ClosedRecord& record : ledger.closed) schedule.learn_from(record);
  // A wall clock that went back makes the list due at worst.
  const auto steady = [&](UnixMillis then) { return now - std::max(wall - then, Millis{0}); };
  const bool is_read = ledger.last_read && !read_everything;
  if (is_read && !schedule.read_at) schedule.read_at = steady(*ledger.last_read);
  if (ledger.last_sweep && !schedule.swept_at) {
    schedule.swept_at = steady(*ledger.last_sweep);
    schedule.swept_clean = true;
  }
}

bool note_failure(ReadFailures& failures, const Error& error, bool back_off, const ReadRules& rules,
                  SteadyTime now) {
  ++failures.in_a_row;
  if (back_off) {
    failures.retry_at =
        now + retry_delay(failures.in_a_row, traits(error.kind).lasting, rules.max_staleness);
  }
  const bool news = !failures.newest || failures.newest->kind != error.kind;
  failures.newest = error;
  return news;
}

bool note_success(ReadFailures& failures) {
  const bool failed_before = failures.newest.has_value();
  failures.in_a_row = 0;
  failures.retry_at.reset();
  failures.newest.reset();
  return failed_before;
}

bool note_unreadable(ReadFailures& failures, const Error& error, const ReadRules& rules,
                     SteadyTime now) {
  const int doublings = std::min(failures.unreadable_tries++, kUnreadableDoublings);
  const Millis wait = rules.max_staleness * (1 << doublings);
  failures.unreadable_retry_at = now + std::min(wait, rules.sweep_interval);
  const bool news = !failures.unreadable;
  failures.unreadable = error;
  return news;
}

}  // namespace registry_exporter::ingest
