#pragma once

#include <cstddef>
#include <optional>

#include "exporter/base/clock.h"

/// Which repository is read next, and which need not be read yet. Pure.
namespace registry_exporter {

/// What the schedule knows of one repository.
struct RepositoryPace {
  std::optional<Millis> since_read;  ///< nullopt: never read.
  std::optional<Millis> retry_in;    ///< It failed: not before this.
  bool unfinished = false;           ///< Its last visit left a walk to go on with.
  bool hinted = false;               ///< Its listing changed since it was read.
  bool sweep_due = false;
  std::size_t open = 0;                    ///< Open builds.
  std::optional<Millis> typical_duration;  ///< Of its builds.
  std::optional<Millis> typical_gap;       ///< Between its recent records.
};

/// Most urgent first.
enum class Urgency { following, hinted, overdue, first, active, unfinished, idle };

struct Due {
  Urgency urgency = Urgency::idle;
  Millis waiting{0};  ///< Since it was read; the longest goes first.
};

/// nullopt: not due. A repository is due when `max_staleness` has passed since its last reading,
/// and sooner while builds are open, when a hint says so, or by its usual activity.
std::optional<Due> due(const RepositoryPace& pace, Millis max_staleness);

bool more_urgent(const Due& a, const Due& b);

/// How long a repository that failed `failures` times in a row is left alone; `lasting`: a refusal
/// that trying again soon won't change.
Millis retry_delay(int failures, bool lasting, Millis max_staleness);

}  // namespace registry_exporter
