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

namespace registry_exporter::net {

/// Why an answer is not what was asked for.
struct Refusal {
  Error error;
  /// Refused for its time or nonce: try once more, signed again with the server's time.
  bool sign_again = false;
  /// The credentials may have expired: their owner renews them and calls again. The permanent keys
  /// behind them are not at fault.
  bool credentials_expired = false;
  /// If throttled: what the server allows.
  std::optional<Quota> quota = std::nullopt;
};

/// One call to a cloud. `prepare` and `classify` run on the caller's thread, once per attempt.
struct ApiCall {
  std::string_view operation;  ///< The cloud's own name, e.g. "ListRepoBuildRecord".
  /// Builds and signs one attempt, with its own nonce and date. `now`: the time to sign with, which
  /// follows the server's `Date` if our clock is off by more than a minute.
  std::function<Result<HttpRequest>(UnixMillis now)> prepare;
  /// Why an answer is a refusal; nullopt: it is none. Pure.
  std::function<std::optional<Refusal>(const HttpResponse& response)> classify;
  /// Nothing rests on it: it is tried once, and the registry is not down when nobody answers it.
  bool optional = false;
};

struct ApiCallerOptions {
  std::string registry;            ///< For metrics and logs.
  double requests_per_second = 5;  ///< > 0; fractions are fine.
  int attempts_max = 3;
  int sharers = 1;                 ///< How many callers share a quota that the server names.
  Millis request_timeout{10'000};  ///< Of one attempt.
  /// After keys were refused: one attempt this often, until one is accepted or the secret changes.
  Millis probe_interval{60'000};
};

/// Makes the calls of one registry within limits: waits for the rate, sends, classifies the answer,
/// reports metrics, retries with full jitter, halves the rate when throttled and recovers it, obeys
/// the waits that the server names, stops when the keys are refused. Thread-safe.
///
/// The rules, from the contract: never more than rate + burst in any one-second window, burst =
/// min(10, max(1, rate)). Throttled: the rate in force halves at once, down to 1/16 of the
/// configured one (answers to calls sent before the last halving don't halve again), and is won
/// back by 10 % of the configured rate per second without throttling. Server-given waits pause the
/// registry, 15 minutes at the most. A quota that the server names holds while the process lives:
/// what is left of its window is paused, then no window of ours exceeds it. After a start or a new
/// secret one call is sent alone until it is answered; keys refused later fail at most the calls in
/// flight, then one probe per `probe_interval`. Retries: server_error, timeout, transport,
/// throttled, malformed; at most `attempts_max` and 10 % of calls over time. A pause longer than
/// two seconds is not waited for: the call returns throttled with `retry_after`. Every attempt is
/// counted as its own request.
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
  /// Wakes all waiting calls and refuses new ones.
  void abort();

  bool up() const;               ///< The cloud answered lately and accepted the credentials.
  double rate_in_force() const;  ///< Requests per second.
  std::optional<Millis> clock_offset() const;  ///< Server minus local, from the newest `Date`.

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

}  // namespace registry_exporter::net
