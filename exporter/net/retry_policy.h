#pragma once

#include "exporter/base/clock.h"
#include "exporter/base/result.h"

namespace registry_exporter::net {

/// Whether another attempt is worth its cost: retries stay a tenth of the calls. Pure; not
/// thread-safe.
class RetryBudget {
 public:
  void call_begins();
  /// Takes one retry from the budget; false if none is left.
  bool take_retry();

 private:
  double retries_ = 10;
};

/// A worker does not wait longer: the call fails with the time to retry.
inline constexpr Millis kWorkerWaitMax{2'000};

/// False for refusals, and if the server names a wait that is longer than a worker may wait.
bool is_worth_retrying(const Error& error);

/// Full jitter: uniformly between 0 and a limit that doubles from 200 ms to 5 s. `attempt` is the
/// one that failed, from 1; `dice` in [0, 1).
Millis retry_wait(int attempt, double dice);

}  // namespace registry_exporter::net
