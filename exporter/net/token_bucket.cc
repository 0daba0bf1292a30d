#include "exporter/net/token_bucket.h"

#include <algorithm>

namespace registry_exporter::net {

double burst_of(double requests_per_second) {
  return std::min(10.0, std::max(1.0, requests_per_second));
}

TokenBucket::TokenBucket(double requests_per_second, SteadyTime now)
    : capacity_(std::max(1.0, burst_of(requests_per_second) / 2)),
      tokens_(capacity_),
      filled_at_(now) {}

TokenBucket::Answer TokenBucket::take(SteadyTime now, double rate_in_force) {
  const double elapsed = std::chrono::duration<double>(now - filled_at_).count();
  tokens_ = std::min(capacity_, tokens_ + std::max(0.0, elapsed) * rate_in_force);
  filled_at_ = now;
  if (tokens_ >= 1.0) {
    tokens_ -= 1.0;
    return {true, now};
  }
  const std::chrono::duration<double> missing((1.0 - tokens_) / rate_in_force);
  return {false, now + std::chrono::ceil<std::chrono::microseconds>(missing)};
}

}  // namespace registry_exporter::net
