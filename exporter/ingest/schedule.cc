#include "exporter/ingest/schedule.h"

#include <algorithm>

namespace registry_exporter {
namespace {

constexpr Millis kFollowMin{5'000};
constexpr Millis kFollowDefault{10'000};
constexpr Millis kActiveMin{15'000};
/// A build or a gap is looked at this many times while it lasts.
constexpr int kLooks = 4;
constexpr Millis kRetryFirst{5'000};

Millis within_staleness(Millis interval, Millis least, Millis max_staleness) {
  return std::min(std::max(interval, least), max_staleness);
}

}  // namespace

std::optional<Due> due(const RepositoryPace& pace, Millis max_staleness) {
  if (pace.retry_in && *pace.retry_in > Millis{0}) return std::nullopt;
  if (!pace.since_read) return Due{Urgency::first, Millis::max()};
  const Millis waiting = *pace.since_read;
  if (waiting >= 2 * max_staleness) return Due{Urgency::overdue, waiting};
  if (pace.open > 0) {
    const Millis interval =
        pace.typical_duration ? *pace.typical_duration / kLooks : kFollowDefault;
    if (waiting >=
        within_staleness(std::min(interval, kFollowDefault * 3), kFollowMin, max_staleness)) {
      return Due{Urgency::following, waiting};
    }
  }
  if (pace.hinted) return Due{Urgency::hinted, waiting};
  if (pace.typical_gap &&
      waiting >= within_staleness(*pace.typical_gap / kLooks, kActiveMin, max_staleness)) {
    return Due{Urgency::active, waiting};
  }
  if (pace.unfinished) return Due{Urgency::unfinished, waiting};
  if (waiting >= max_staleness || pace.sweep_due) return Due{Urgency::idle, waiting};
  return std::nullopt;
}

bool more_urgent(const Due& a, const Due& b) {
  if (a.urgency != b.urgency) return a.urgency < b.urgency;
  return a.waiting > b.waiting;
}

Millis retry_delay(int failures, bool lasting, Millis max_staleness) {
  const int doublings = std::clamp(failures - 1, 0, 10);
  const Millis delay = kRetryFirst * (1 << doublings);
  return lasting ? max_staleness : std::min(delay, max_staleness);
}

}  // namespace registry_exporter
