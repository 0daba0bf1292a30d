#pragma once

#include "exporter/base/clock.h"

namespace registry_exporter::net {

/// How many requests a registry allows at once: min(10, max(1, rate)).
double burst_of(double requests_per_second);

/// Limits the rate of requests. Pure: the caller passes the time. Not thread-safe.
///
/// The contract allows rate + burst requests in any one-second window. The bucket holds half of the
/// burst (at least one), so that requests which bunch up on the network still keep to it.
class TokenBucket {
 public:
  TokenBucket(double requests_per_second, SteadyTime now);

  /// Takes a token if there is one; otherwise says when to ask again.
  struct Answer {
    bool taken = false;
    SteadyTime ask_again;
  };
  Answer take(SteadyTime now, double rate_in_force);

 private:
  double capacity_;
  double tokens_;
  SteadyTime filled_at_;
};

}  // namespace registry_exporter::net
