#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/base/observer.h"
#include "exporter/base/result.h"
#include "exporter/base/runtime.h"
#include "exporter/net/http_transport.h"
#include "exporter/net/quota.h"

namespace registry_exporter {

/// Why an answer is not what was asked for.
struct Refusal {
  Error error;
  /// Refused for its time or its nonce: worth one more attempt, signed anew by the server's clock.
  bool sign_again = false;
  /// The credentials were good once and have expired: whoever owns them renews them and asks again;
  /// the keys behind them are not bad.
  bool credentials_expired = false;
  /// Throttled, and this is how much the server takes.
  std::optional<Quota> quota = std::nullopt;
};

/// One question to a cloud. `prepare` and `classify` run on the caller's thread, once per attempt.
struct ApiCall {
  std::string_view operation;  ///< The cloud's own name, e.g. "ListRepoBuildRecord".
  /// Builds and signs one attempt, with a nonce and a date of its own. `now`: the signing clock,
  /// which follows the server's `Date` when ours is off by more than a minute.
  std::function<Result<HttpRequest>(UnixMillis now)> prepare;
  /// What an answer means; nullopt: it is what was asked for. Pure. Knows the cloud's error bodies.
  std::function<std::optional<Refusal>(const HttpResponse& response)> classify;
};

struct ApiCallerOptions {
  std::string registry;            ///< For metrics and logs.
  double requests_per_second = 5;  ///< > 0; fractions are fine.
  int attempts_max = 3;
  int sharers = 1;  ///< A quota that the server names is for so many callers together.
  Millis request_timeout{10'000};  ///< Of one attempt.
  /// After keys were refused: one attempt this often, until one is accepted or the secret changes.
  Millis probe_interval{60'000};
};

/// One registry's polite way to its cloud: waits for its token of the rate, sends, judges, meters,
/// tries again with full jitter, halves the rate when throttled and wins it back, obeys the waits
/// that the server names, stops when the keys are refused. Thread-safe.
///
/// The rules, from the contract: never more than rate + burst in any one-second window, burst =
/// min(10, max(1, rate)). Throttled: the rate in force halves at once, down to 1/16 of the
/// configured one (answers to calls sent before the last halving don't halve again), and is won
/// back by 10 % of the configured rate per second without throttling. Server-given waits pause the
/// registry, 15 minutes at the most. A quota that the server names holds while the process lives:
/// what is left of its window is paused, then no window of ours exceeds it. After a start or a new
/// secret one call goes alone until it is answered; keys refused later cost at most the calls in
/// flight, then one probe each `probe_interval`. Retries: server_error, timeout, transport,
/// throttled, malformed; at most `attempts_max` and 10 % of calls over time. A pause longer than
/// two seconds is not sat out: the call returns throttled with `retry_after`. Every attempt is
/// metered as its own request.
class ApiCaller {
 public:
  ApiCaller(Runtime runtime, HttpTransport& transport, CallObserver& observer,
            ApiCallerOptions options);
  ~ApiCaller();

  /// Errors: what `classify` or the transport said of the last attempt; unauthorized at once,
  /// without a call, while the keys are known to be bad; canceled after abort().
  Result<HttpResponse> call(const ApiCall& call);

  /// A secret changed: the next call is a probe, at once.
  void credentials_changed();
  /// Wakes all that wait and refuses new calls.
  void abort();

  bool up() const;  ///< The newest call that could tell was answered and accepted the credentials.
  double rate_in_force() const;                ///< Requests per second.
  std::optional<Millis> clock_offset() const;  ///< Server minus local, from the newest `Date`.

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

}  // namespace registry_exporter
