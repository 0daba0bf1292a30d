#include "exporter/net/rate_control.h"

#include <algorithm>

namespace registry_exporter::net {
namespace {

constexpr double kFloor = 1.0 / 16;
constexpr double kRecoveryPerSecond = 0.1;
constexpr std::chrono::minutes kPauseMax{15};

}  // namespace

double RateControl::rate(SteadyTime now) const {
  const double most = std::min(configured_, quotas_.rate());
  if (!reduced_at_) return most;
  const double seconds = std::chrono::duration<double>(now - *reduced_at_).count();
  return std::min(most, reduced_ + seconds * kRecoveryPerSecond * configured_);
}

void RateControl::throttled(SteadyTime sent_at, SteadyTime now) {
  const bool sent_before_halving = halved_at_ && sent_at <= *halved_at_;
  // Sent at the rate before: it doesn't halve again, but nothing is won back meanwhile.
  reduced_ = sent_before_halving ? rate(now) : std::max(rate(now) / 2, configured_ * kFloor);
  reduced_at_ = now;
  if (!sent_before_halving) halved_at_ = now;
}

void RateControl::pause(Millis wait, SteadyTime now) {
  const Millis clamped = std::clamp(wait, Millis{0}, Millis{kPauseMax});
  const SteadyTime until = now + clamped;
  if (!paused_until_ || *paused_until_ < until) paused_until_ = until;
}

std::optional<SteadyTime> RateControl::paused_until(SteadyTime now) const {
  if (!paused_until_ || *paused_until_ <= now) return std::nullopt;
  return paused_until_;
}

}  // namespace registry_exporter::net
