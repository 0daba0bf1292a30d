#include "exporter/net/api_caller.h"

#include <algorithm>
#include <mutex>

#include "exporter/base/time_text.h"
#include "exporter/net/key_guard.h"
#include "exporter/net/rate_control.h"
#include "exporter/net/retry_after.h"
#include "exporter/net/retry_policy.h"
#include "exporter/net/token_bucket.h"

namespace registry_exporter {
namespace {

/// The signing clock follows the server's when ours is off by more.
constexpr Millis kClockTolerance{60'000};
/// A longer pause isn't waited for by a worker: the call is told to come again.
constexpr Millis kPauseWaitMax{2'000};
/// `Date` has whole seconds: on average it is half a second old.
constexpr Millis kDateRounding{500};

bool accepted_credentials(ErrorKind kind) {
  return kind == ErrorKind::forbidden || kind == ErrorKind::not_found ||
         kind == ErrorKind::bad_request;
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

  std::mutex mutex;
  std::unique_ptr<Waiter> changed;
  TokenBucket bucket;
  RateControl rate;
  KeyGuard guard;
  RetryBudget budget;
  bool up = false;
  bool aborted = false;
  std::optional<Millis> clock_offset;

  struct Attempt {
    Result<HttpResponse> response = fail(ErrorKind::canceled, "stopping");
    bool sign_again = false;
  };

  Result<Done> admit();
  Attempt attempt(const ApiCall& call);
  void learn(const HttpResponse& response, UnixMillis sent_at, UnixMillis received_at);
  void report(const Error* error, bool credentials_expired, SteadyTime sent_at);
  bool wait_before_retry(int attempts);
};

/// Waits until a call may go: keys, pauses, rate.
Result<Done> ApiCaller::Shared::admit() {
  std::unique_lock lock(mutex);
  bool guarded = false;
  for (;;) {
    if (aborted) return fail(ErrorKind::canceled, "stopping");
    const SteadyTime now = runtime.clock.steady_now();
    if (const auto until = rate.paused_until(now)) {
      const auto left = std::chrono::ceil<Millis>(*until - now);
      if (left > kPauseWaitMax) {
        if (guarded) guard.report(KeyGuard::Verdict::unknown, now);
        changed->notify_all();
        Error error{ErrorKind::throttled, "paused, as the server asked", {}, left};
        return tl::unexpected<Error>(std::move(error));
      }
      changed->wait_until(lock, *until);
      continue;
    }
    if (!guarded) {
      const KeyGuard::Admission admission = guard.admit(now);
      if (admission == KeyGuard::Admission::refused) {
        return fail(
            ErrorKind::unauthorized,
            "the credentials were refused; they are tried again later, or when they change");
      }
      if (admission == KeyGuard::Admission::wait) {
        changed->wait_until(lock, SteadyTime::max());
        continue;
      }
      guarded = true;
    }
    const TokenBucket::Answer token = bucket.take(now, rate.rate(now));
    if (token.taken) return Done{};
    changed->wait_until(lock, token.ask_again);
  }
}

void ApiCaller::Shared::learn(const HttpResponse& response, UnixMillis sent_at,
                              UnixMillis received_at) {
  const auto date = parse_http_date(response.header("date"));
  if (!date) return;
  const Millis offset = *date + kDateRounding - (sent_at + (received_at - sent_at) / 2);
  const std::lock_guard lock(mutex);
  clock_offset = offset;
}

/// What an attempt tells about the keys, the rate and whether the cloud is up. `error` is nullptr
/// when it was answered as asked.
void ApiCaller::Shared::report(const Error* error, bool credentials_expired, SteadyTime sent_at) {
  const std::lock_guard lock(mutex);
  const SteadyTime now = runtime.clock.steady_now();
  KeyGuard::Verdict verdict = KeyGuard::Verdict::unknown;
  if (error == nullptr || accepted_credentials(error->kind)) {
    verdict = KeyGuard::Verdict::accepted;
    up = true;
  } else if (error->kind == ErrorKind::unauthorized) {
    if (!credentials_expired) verdict = KeyGuard::Verdict::refused;
    up = false;
  } else if (error->kind == ErrorKind::timeout || error->kind == ErrorKind::transport) {
    up = false;
  } else if (error->kind == ErrorKind::throttled) {
    rate.throttled(sent_at, now);
  }
  if (error != nullptr && error->retry_after) rate.pause(*error->retry_after, now);
  guard.report(verdict, now);
  changed->notify_all();
}

ApiCaller::Shared::Attempt ApiCaller::Shared::attempt(const ApiCall& call) {
  if (auto admitted = admit(); !admitted) {
    return {tl::unexpected<Error>(std::move(admitted.error())), false};
  }
  const UnixMillis sent_at = runtime.clock.now();
  const SteadyTime steady_sent_at = runtime.clock.steady_now();
  Millis offset{0};
  {
    const std::lock_guard lock(mutex);
    const Millis known = clock_offset.value_or(Millis{0});
    if (known > kClockTolerance || known < -kClockTolerance) offset = known;
  }
  Result<HttpRequest> request = call.prepare(sent_at + offset);
  if (!request) {
    report(&request.error(), true, steady_sent_at);
    return {tl::unexpected<Error>(std::move(request.error())), false};
  }
  request->timeout = options.request_timeout;
  Attempt result;
  result.response = transport.send(*request);

  bool credentials_expired = false;
  const UnixMillis received_at = runtime.clock.now();
  if (result.response) {
    learn(*result.response, sent_at, received_at);
    if (std::optional<Refusal> refusal = call.judge(*result.response)) {
      result.sign_again = refusal->sign_again;
      credentials_expired = refusal->credentials_expired || refusal->sign_again;
      Error error = std::move(refusal->error);
      const bool may_wait =
          error.kind == ErrorKind::throttled || error.kind == ErrorKind::server_error;
      if (may_wait && !error.retry_after) {
        error.retry_after = wait_asked_for(*result.response, received_at);
      }
      result.response = tl::unexpected<Error>(std::move(error));
    }
  }
  const Error* error = result.response ? nullptr : &result.response.error();
  const auto took = std::chrono::duration_cast<Millis>(runtime.clock.steady_now() - steady_sent_at);
  const bool canceled = error != nullptr && error->kind == ErrorKind::canceled;
  if (!canceled) {
    observer.call_finished(options.registry, call.operation,
                           error == nullptr ? "ok" : name(error->kind), took);
  }
  report(error, credentials_expired, steady_sent_at);
  return result;
}

/// False: we are stopping.
bool ApiCaller::Shared::wait_before_retry(int attempts) {
  const SteadyTime until =
      runtime.clock.steady_now() + retry_wait(attempts, uniform(runtime.entropy));
  std::unique_lock lock(mutex);
  while (!aborted && runtime.clock.steady_now() < until) changed->wait_until(lock, until);
  return !aborted;
}

ApiCaller::ApiCaller(Runtime runtime, HttpTransport& transport, CallObserver& observer,
                     ApiCallerOptions options)
    : shared_(std::make_unique<Shared>(runtime, transport, observer, std::move(options))) {}

ApiCaller::~ApiCaller() = default;

Result<HttpResponse> ApiCaller::call(const ApiCall& call) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->budget.call_begins();
  }
  bool signed_again = false;
  for (int attempts = 1;; ++attempts) {
    Shared::Attempt attempt = shared_->attempt(call);
    if (attempt.response) return std::move(attempt.response);
    if (attempt.sign_again && !signed_again) {
      signed_again = true;
      continue;
    }
    const bool again = attempts < shared_->options.attempts_max &&
                       is_worth_retrying(attempt.response.error().kind);
    if (!again) return std::move(attempt.response);
    {
      const std::lock_guard lock(shared_->mutex);
      if (!shared_->budget.take_retry()) return std::move(attempt.response);
    }
    if (!shared_->wait_before_retry(attempts)) return fail(ErrorKind::canceled, "stopping");
  }
}

void ApiCaller::credentials_changed() {
  const std::lock_guard lock(shared_->mutex);
  shared_->guard.renewed();
  shared_->changed->notify_all();
}

void ApiCaller::abort() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->aborted = true;
    shared_->changed->notify_all();
  }
  shared_->transport.abort();
}

bool ApiCaller::up() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->up;
}

double ApiCaller::rate_in_force() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->rate.rate(shared_->runtime.clock.steady_now());
}

std::optional<Millis> ApiCaller::clock_offset() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->clock_offset;
}

}  // namespace registry_exporter
