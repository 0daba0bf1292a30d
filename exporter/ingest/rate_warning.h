#pragma once

#include <cstddef>
#include <optional>

#include "exporter/base/clock.h"

namespace registry_exporter::ingest {

/// Says which rate of calls would do where the configured one does not; nobody else knows how many
/// lists there are. Now and then, not in each cycle. Pure.
class RateWarning {
 public:
  RateWarning(double requests_per_second, Millis max_staleness)
      : requests_per_second_(requests_per_second), max_staleness_(max_staleness) {}

  /// Of `lists`, so many have been unread for too long. Returns the calls a second that would do,
  /// where that is to be said now.
  std::optional<double> take(std::size_t lists, std::size_t overdue, SteadyTime now);

 private:
  const double requests_per_second_;
  const Millis max_staleness_;
  std::optional<SteadyTime> told_at_;
};

}  // namespace registry_exporter::ingest
