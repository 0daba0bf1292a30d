#include "exporter/net/retry_policy.h"

#include <algorithm>

#include "exporter/base/clock.h"

namespace registry_exporter::net {
namespace {

constexpr double kShare = 0.1;
constexpr double kSavedMax = 10;
constexpr double kFirstMs = 200;
constexpr double kLongestMs = 5'000;

}  // namespace

void RetryBudget::call_begins() { retries_ = std::min(kSavedMax, retries_ + kShare); }

bool RetryBudget::take_retry() {
  if (retries_ < 1) return false;
  retries_ -= 1;
  return true;
}

bool is_worth_retrying(const Error& error) {
  return traits(error.kind).retryable && error.retry_after.value_or(Millis{0}) <= kWorkerWaitMax;
}

Millis retry_wait(int attempt, double dice) {
  const double limit =
      std::min(kLongestMs, kFirstMs * static_cast<double>(1 << std::min(attempt, 10)));
  return Millis{static_cast<std::int64_t>(limit * dice)};
}

}  // namespace registry_exporter::net
