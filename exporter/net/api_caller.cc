#include "exporter/net/api_caller.h"

#include <algorithm>

#include "exporter/base/time_text.h"
#include "exporter/net/key_guard.h"
#include "exporter/net/rate_control.h"
#include "exporter/net/retry_after.h"
#include "exporter/net/retry_policy.h"
#include "exporter/net/token_bucket.h"

namespace registry_exporter::net {
namespace {

/// The signing clock follows the server's when ours is off by more.
constexpr Millis kClockTolerance{60'000};
/// `Date` has whole seconds: on average it is half a second old.
constexpr Millis kDateRounding{500};

/// What an answer tells about the keys. Refused for its time even when signed by the server's clock
/// is refused.
KeyGuard::Verdict verdict_of(const Error* error, const Refusal* refusal, bool signed_again) {
  if (error == nullptr || traits(error->kind).keys_accepted) return KeyGuard::Verdict::accepted;
  if (error->kind != ErrorKind::unauthorized || refusal == nullptr) {
    return KeyGuard::Verdict::unknown;
  }
  if (refusal->sign_again && !signed_again) return KeyGuard::Verdict::again;
  return refusal->credentials_expired ? KeyGuard::Verdict::unknown : KeyGuard::Verdict::refused;
}

}  // namespace

struct ApiCaller::Shared {
  Shared(Runtime runtime_given, HttpTransport& transport_given, CallObserver& observer_given,
         ApiCallerOptions options_given)
      : runtime(runtime_given),
        transport(transport_given),
        observer(observer_given),
        options(std::move(options_given)),
        changed(runtime.threads.make_waiter()),
        bucket(options.requests_per_second, runtime.clock.steady_now()),
        rate(options.requests_per_second),
        guard(options.probe_interval) {}

  Runtime runtime;
  HttpTransport& transport;
  CallObserver& observer;
  const ApiCallerOptions options;

  Mutex mutex;
  std::unique_ptr<Waiter> changed;
  TokenBucket bucket GUARDED_BY(mutex);
  RateControl rate GUARDED_BY(mutex);
  KeyGuard guard GUARDED_BY(mutex);
  RetryBudget budget GUARDED_BY(mutex);
  bool up GUARDED_BY(mutex) = false;
  bool aborted GUARDED_BY(mutex) = false;
  std::optional<Millis> clock_offset GUARDED_BY(mutex);
  Error refused_for GUARDED_BY(mutex);  ///< While the keys are known to be bad.

  struct Attempt {
    Result<HttpResponse> response = fail(ErrorKind::canceled, "stopping");
    bool was_sent = false;
    bool sign_again = false;
  };

  Result<KeyGuard::Ticket> admit();
  std::optional<SteadyTime> take_turn(SteadyTime now) REQUIRES(mutex);
  Result<HttpRequest> prepare(const ApiCall& call, const KeyGuard::Ticket& ticket);
  Attempt attempt(const ApiCall& call, bool signed_again);
  void learn(const HttpResponse& response, UnixMillis sent_at, UnixMillis received_at);
  Error error_of(const Refusal& refusal, const HttpResponse& response, UnixMillis received_at);
  void report(const ApiCall& call, const Error* error, const KeyGuard::Ticket& ticket,
              KeyGuard::Verdict verdict, SteadyTime sent_at);
  bool wait_before_retry(int attempts);
};

/// Counts a call by the rate and the quotas; or, where it may not go now, says when to ask again.
std::optional<SteadyTime> ApiCaller::Shared::take_turn(SteadyTime now) {
  if (const auto until = rate.full_until(now)) return until;
  const TokenBucket::Answer token = bucket.take(now, rate.rate(now));
  if (!token.taken) return token.ask_again;
  rate.sent(now);
  return std::nullopt;
}

/// Waits until a call may go: pauses, keys, rate.
Result<KeyGuard::Ticket> ApiCaller::Shared::admit() {
  MutexLock lock(mutex);
  std::optional<KeyGuard::Ticket> ticket;
  const Millis patience = std::max(kWorkerWaitMax, options.request_timeout);
  Millis paused{0};
  while (!aborted) {
    const SteadyTime now = runtime.clock.steady_now();
    if (const auto until = rate.paused_until(now)) {
      const auto left = std::chrono::ceil<Millis>(*until - now);
      if (left > kWorkerWaitMax || paused + left > patience) {
        if (ticket) guard.give_back(*ticket);
        changed->notify_all();
        Error error{ErrorKind::throttled, "paused, as the server asked", {}, left};
        return tl::unexpected<Error>(std::move(error));
      }
      changed->wait_until(mutex, *until);
      paused += std::chrono::ceil<Millis>(runtime.clock.steady_now() - now);
      continue;
    }
    if (ticket && !guard.is_valid(*ticket)) ticket.reset();  // While we waited for a token.
    if (!ticket) {
      const KeyGuard::Answer answer = guard.admit(now);
      if (answer.admission == KeyGuard::Admission::refused) {
        Error error = refused_for;
        error.detail = "the credentials were refused (" + error.detail +
                       "); they are tried again later, or when they change";
        return tl::unexpected<Error>(std::move(error));
      }
      if (answer.admission == KeyGuard::Admission::wait) {
        changed->wait_until(mutex, SteadyTime::max());
        continue;
      }
      ticket = answer.ticket;
    }
    const std::optional<SteadyTime> later = take_turn(now);
    if (!later) return *ticket;
    changed->wait_until(mutex, *later);
  }
  return fail(ErrorKind::canceled, "stopping");
}

void ApiCaller::Shared::learn(const HttpResponse& response, UnixMillis sent_at,
                              UnixMillis received_at) {
  const auto date = parse_http_date(response.header("date"));
  if (!date) return;
  const Millis offset = *date + kDateRounding - (sent_at + (received_at - sent_at) / 2);
  const MutexLock lock(mutex);
  clock_offset = offset;
}

/// The error of a refusal, with the wait that the server asks for, by a header or by its quota.
Error ApiCaller::Shared::error_of(const Refusal& refusal, const HttpResponse& response,
                                  UnixMillis received_at) {
  Error error = refusal.error;
  if (!response.proxy.empty()) error.detail += ", answered through the proxy " + response.proxy;
  if (traits(error.kind).may_name_wait && !error.retry_after) {
    error.retry_after = wait_asked_for(response, received_at);
  }
  if (!refusal.quota) return error;
  Quota quota = *refusal.quota;
  quota.calls = std::max(1, quota.calls / options.sharers);
  const MutexLock lock(mutex);
  const Millis wait = rate.over_quota(quota, runtime.clock.steady_now());
  if (!error.retry_after) error.retry_after = wait;
  return error;
}

/// What an attempt tells about the keys, the rate and whether the cloud is up. `error` is nullptr
/// when it was answered as asked.
void ApiCaller::Shared::report(const ApiCall& call, const Error* error,
                               const KeyGuard::Ticket& ticket, KeyGuard::Verdict verdict,
                               SteadyTime sent_at) {
  const MutexLock lock(mutex);
  const SteadyTime now = runtime.clock.steady_now();
  const ErrorKind kind = error == nullptr ? ErrorKind::canceled : error->kind;
  // Old news of the keys changes nothing: while they are known to be bad nothing is called.
  if (verdict == KeyGuard::Verdict::accepted && guard.is_valid(ticket)) up = true;
  const bool is_only_it = call.optional && traits(kind).unreachable;
  if (traits(kind).takes_registry_down && !is_only_it) up = false;
  if (kind == ErrorKind::throttled) rate.throttled(sent_at, now);
  if (error != nullptr && error->retry_after) rate.pause(*error->retry_after, now);
  if (verdict == KeyGuard::Verdict::refused && guard.is_valid(ticket)) refused_for = *error;
  guard.report(ticket, verdict, now);
  changed->notify_all();
}

/// Has a request built and signed, by the server's clock where ours is far off.
Result<HttpRequest> ApiCaller::Shared::prepare(const ApiCall& call,
                                               const KeyGuard::Ticket& ticket) {
  Millis offset{0};
  {
    const MutexLock lock(mutex);
    const Millis known = clock_offset.value_or(Millis{0});
    if (known > kClockTolerance || known < -kClockTolerance) offset = known;
  }
  Result<HttpRequest> request = call.prepare(runtime.clock.now() + offset);
  if (request) {
    request->timeout = options.request_timeout;
    return request;
  }
  const MutexLock lock(mutex);
  if (request.error().kind == ErrorKind::unauthorized) up = false;
  guard.give_back(ticket);
  changed->notify_all();
  return request;
}

ApiCaller::Shared::Attempt ApiCaller::Shared::attempt(const ApiCall& call, bool signed_again) {
  const auto unsent = [](Error error) {
    return Attempt{tl::unexpected<Error>(std::move(error)), false, false};
  };
  const Result<KeyGuard::Ticket> ticket = admit();
  if (!ticket) return unsent(ticket.error());
  const Result<HttpRequest> request = prepare(call, *ticket);
  if (!request) return unsent(request.error());

  const UnixMillis sent_at = runtime.clock.now();
  const SteadyTime steady_sent_at = runtime.clock.steady_now();
  Attempt result{transport.send(*request), true, false};
  const auto took = std::chrono::duration_cast<Millis>(runtime.clock.steady_now() - steady_sent_at);

  std::optional<Refusal> refusal;
  if (result.response) {
    const UnixMillis received_at = runtime.clock.now();
    learn(*result.response, sent_at, received_at);
    refusal = call.classify(*result.response);
    if (refusal) {
      result.sign_again = refusal->sign_again;
      result.response = tl::unexpected<Error>(error_of(*refusal, *result.response, received_at));
    }
  }
  const Error* error = result.response ? nullptr : &result.response.error();
  if (error == nullptr || error->kind != ErrorKind::canceled) {
    observer.call_finished(options.registry, call.operation,
                           error == nullptr ? "ok" : name(error->kind), took);
  }
  const auto verdict = verdict_of(error, refusal ? &*refusal : nullptr, signed_again);
  report(call, error, *ticket, verdict, steady_sent_at);
  return result;
}

/// False: we are stopping.
bool ApiCaller::Shared::wait_before_retry(int attempts) {
  const SteadyTime until =
      runtime.clock.steady_now() + retry_wait(attempts, uniform(runtime.entropy));
  MutexLock lock(mutex);
  while (!aborted && runtime.clock.steady_now() < until) changed->wait_until(mutex, until);
  return !aborted;
}

ApiCaller::ApiCaller(Runtime runtime, HttpTransport& transport, CallObserver& observer,
                     ApiCallerOptions options)
    : shared_(std::make_unique<Shared>(runtime, transport, observer, std::move(options))) {}

ApiCaller::~ApiCaller() = default;

Result<HttpResponse> ApiCaller::call(const ApiCall& call) {
  {
    const MutexLock lock(shared_->mutex);
    shared_->budget.call_begins();
  }
  bool signed_again = false;
  for (int attempts = 1;; ++attempts) {
    Shared::Attempt attempt = shared_->attempt(call, signed_again);
    if (attempt.response || !attempt.was_sent) return std::move(attempt.response);
    if (attempt.sign_again && !signed_again) {
      signed_again = true;
      continue;
    }
    const int attempts_max = call.optional ? 1 : shared_->options.attempts_max;
    const bool again = attempts < attempts_max && is_worth_retrying(attempt.response.error());
    if (!again) return std::move(attempt.response);
    {
      const MutexLock lock(shared_->mutex);
      if (!shared_->budget.take_retry()) return std::move(attempt.response);
    }
    if (!shared_->wait_before_retry(attempts)) return fail(ErrorKind::canceled, "stopping");
  }
}

void ApiCaller::credentials_changed() {
  const MutexLock lock(shared_->mutex);
  shared_->guard.renewed();
  shared_->changed->notify_all();
}

void ApiCaller::abort() {
  {
    const MutexLock lock(shared_->mutex);
    shared_->aborted = true;
    shared_->changed->notify_all();
  }
  shared_->transport.abort();
}

bool ApiCaller::up() const {
  const MutexLock lock(shared_->mutex);
  return shared_->up;
}

double ApiCaller::rate_in_force() const {
  const MutexLock lock(shared_->mutex);
  return shared_->rate.rate(shared_->runtime.clock.steady_now());
}

std::optional<Millis> ApiCaller::clock_offset() const {
  const MutexLock lock(shared_->mutex);
  return shared_->clock_offset;
}

}  // namespace registry_exporter::net
