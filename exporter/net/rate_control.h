#pragma once

#include <optional>

#include "exporter/base/clock.h"

namespace registry_exporter {

/// The rate in force: halved when throttled, won back by a tenth of the configured rate per second,
/// and the pauses that the server asks for. Pure; not thread-safe.
class RateControl {
 public:
  explicit RateControl(double requests_per_second) : configured_(requests_per_second) {}

  double rate(SteadyTime now) const;
  /// An answer said "slow down" to a call sent at `sent_at`.
  void throttled(SteadyTime sent_at, SteadyTime now);
  /// The server named a wait; 15 minutes at the most.
  void pause(Millis wait, SteadyTime now);
  std::optional<SteadyTime> paused_until(SteadyTime now) const;

 private:
  double configured_;
  double reduced_ = 0;  ///< The rate right after the last throttled answer.
  std::optional<SteadyTime> reduced_at_;
  std::optional<SteadyTime> halved_at_;
  std::optional<SteadyTime> paused_until_;
};

}  // namespace registry_exporter
