#pragma once

#include <chrono>

namespace registry_exporter {

/// A point in time as both clouds report it: whole milliseconds since 1970, UTC.
using UnixMillis = std::chrono::sys_time<std::chrono::milliseconds>;
using Millis = std::chrono::milliseconds;
/// Deadlines and intervals: never jumps. The epoch means nothing.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// The two clocks of the world outside. Thread-safe. Tests and the simulation pass their own.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixMillis now() const = 0;         ///< Wall clock; may jump.
  virtual SteadyTime steady_now() const = 0;  ///< Monotonic.
};

inline double to_seconds(UnixMillis time) {
  return static_cast<double>(time.time_since_epoch().count()) / 1000.0;
}

}  // namespace registry_exporter
