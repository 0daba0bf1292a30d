#pragma once

#include <optional>

#include "exporter/base/clock.h"
#include "exporter/net/quota.h"

namespace registry_exporter::net {

/// The current rate: halved when throttled, recovered by a tenth of the configured rate per second,
/// never above a quota that the server has named; and the pauses that it asks for. Pure; not
/// thread-safe.
class RateControl {
 public:
  explicit RateControl(double requests_per_second) : configured_(requests_per_second) {}

  double rate(SteadyTime now) const;
  /// A call sent at `sent_at` was throttled.
  void throttled(SteadyTime sent_at, SteadyTime now);
  /// The server named a wait; at most 15 minutes are obeyed.
  void pause(Millis wait, SteadyTime now);
  std::optional<SteadyTime> paused_until(SteadyTime now) const;

  void sent(SteadyTime now) { quotas_.sent(now); }
  /// The server refused a call because of a quota. Returns how long its window may still last.
  Millis over_quota(const Quota& quota, SteadyTime now) { return quotas_.refused_for(quota, now); }
  /// When a call no longer exceeds a quota; nullopt: now.
  std::optional<SteadyTime> full_until(SteadyTime now) const { return quotas_.full_until(now); }

 private:
  double configured_;
  double reduced_ = 0;  ///< The rate right after the last throttled answer.
  std::optional<SteadyTime> reduced_at_;
  std::optional<SteadyTime> halved_at_;
  std::optional<SteadyTime> paused_until_;
  QuotaControl quotas_;
};

}  // namespace registry_exporter::net
