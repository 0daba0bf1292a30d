#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "exporter/net/key_guard.h"
#include "exporter/net/rate_control.h"
#include "exporter/net/retry_after.h"
#include "exporter/net/retry_policy.h"
#include "exporter/net/token_bucket.h"

using namespace registry_exporter;
using namespace registry_exporter::net;
using namespace std::chrono_literals;

namespace {
const SteadyTime kStart{1h};
}

TEST_CASE("token bucket: no one-second window holds more than rate plus burst") {
  for (const double rate : {0.1, 0.5, 1.0, 2.0, 5.0, 50.0}) {
    CAPTURE(rate);
    TokenBucket bucket(rate, kStart);
    std::vector<SteadyTime> sent;
    for (SteadyTime now = kStart; now < kStart + 60s;) {
      const auto answer = bucket.take(now, rate);
      if (answer.taken) {
        sent.push_back(now);
      } else {
        CHECK(answer.ask_again > now);
        now = answer.ask_again;
      }
    }
    std::ptrdiff_t most = 0;
    for (auto first = sent.begin(); first != sent.end(); ++first) {
      most = std::max(most, std::lower_bound(first, sent.end(), *first + 1s) - first);
    }
    CHECK(static_cast<double>(most) <= rate + burst_of(rate));
    CHECK(static_cast<double>(sent.size()) >= rate * 59);
  }
}

TEST_CASE("rate: throttling halves it once for all calls in flight, down to a sixteenth") {
  RateControl control(8);
  control.throttled(kStart, kStart + 1s);
  CHECK(control.rate(kStart + 1s) == doctest::Approx(4));
  control.throttled(kStart, kStart + 1s);  // Sent before the halving.
  CHECK(control.rate(kStart + 1s) == doctest::Approx(4));
  SteadyTime now = kStart + 1s;
  for (int i = 0; i < 10; ++i) {
    control.throttled(now + 1ms, now + 2ms);
    now += 2ms;
  }
  CHECK(control.rate(now) == doctest::Approx(0.5).epsilon(0.05));
  CHECK(control.rate(now + 5s) == doctest::Approx(4.5).epsilon(0.05));  // 10 % of 8 a second.
  CHECK(control.rate(now + 60s) == doctest::Approx(8));
}

TEST_CASE("rate: a wait that the server names pauses, fifteen minutes at the most") {
  RateControl control(1);
  CHECK_FALSE(control.paused_until(kStart));
  control.pause(2s, kStart);
  control.pause(1s, kStart);
  CHECK(control.paused_until(kStart) == kStart + 2s);
  CHECK_FALSE(control.paused_until(kStart + 2s));
  control.pause(Millis{1'000'000'000'000}, kStart);
  CHECK(control.paused_until(kStart) == kStart + 15min);
}

TEST_CASE("keys: one call proves them, bad ones are tried once an interval, others wait or fail") {
  using Admission = KeyGuard::Admission;
  using Verdict = KeyGuard::Verdict;
  KeyGuard guard(60s);
  const auto first = guard.admit(kStart);
  CHECK(first.admission == Admission::go);
  CHECK(guard.admit(kStart).admission == Admission::wait);
  guard.report(first.ticket, Verdict::accepted, kStart);
  const auto good = guard.admit(kStart);
  CHECK(good.admission == Admission::go);
  CHECK(guard.admit(kStart).admission == Admission::go);
  guard.report(good.ticket, Verdict::refused, kStart);
  CHECK(guard.admit(kStart + 59s).admission == Admission::refused);
  const auto probe = guard.admit(kStart + 60s);
  CHECK(probe.admission == Admission::go);
  CHECK(guard.admit(kStart + 60s).admission == Admission::refused);
  guard.report(probe.ticket, Verdict::unknown, kStart + 60s);
  CHECK(guard.admit(kStart + 61s).admission == Admission::refused);
  guard.renewed();
  const auto renewed = guard.admit(kStart + 61s);
  CHECK(renewed.admission == Admission::go);
  CHECK(guard.admit(kStart + 61s).admission == Admission::wait);
  guard.report(renewed.ticket, Verdict::unknown, kStart + 61s);
  CHECK(guard.admit(kStart + 61s).admission == Admission::go);
}

TEST_CASE("keys: an answer to the keys of before says nothing about those of now") {
  using Admission = KeyGuard::Admission;
  using Verdict = KeyGuard::Verdict;
  for (const Verdict late : {Verdict::accepted, Verdict::refused, Verdict::unknown}) {
    CAPTURE(static_cast<int>(late));
    KeyGuard guard(60s);
    const auto before = guard.admit(kStart);
    guard.renewed();
    CHECK_FALSE(guard.is_valid(before.ticket));
    CHECK(guard.admit(kStart).admission == Admission::go);
    guard.report(before.ticket, late, kStart);
    CHECK(guard.admit(kStart).admission == Admission::wait);  // The new keys' own probe is out.
  }
  KeyGuard guard(60s);
  guard.report(guard.admit(kStart).ticket, Verdict::accepted, kStart);
  const auto one = guard.admit(kStart);
  const auto other = guard.admit(kStart);
  guard.report(one.ticket, Verdict::refused, kStart);
  CHECK_FALSE(guard.is_valid(other.ticket));  // If it waits for a token, it doesn't go.
  guard.report(other.ticket, Verdict::accepted, kStart + 1s);
  CHECK(guard.admit(kStart + 1s).admission == Admission::refused);
}

TEST_CASE("keys: a probe that was not sent leaves its turn to the next call") {
  KeyGuard guard(60s);
  guard.report(guard.admit(kStart).ticket, KeyGuard::Verdict::refused, kStart);
  guard.give_back(guard.admit(kStart + 60s).ticket);
  CHECK(guard.admit(kStart + 60s).admission == KeyGuard::Admission::go);
}

TEST_CASE("retries: at most a tenth of the calls, after the first few") {
  RetryBudget budget;
  int retries = 0;
  for (int call = 0; call < 1000; ++call) {
    budget.call_begins();
    while (budget.take_retry()) ++retries;
  }
  CHECK(retries <= 110);
  CHECK(retries >= 100);
  CHECK(retry_wait(1, 0.0) == 0ms);
  CHECK(retry_wait(1, 0.999) <= 400ms);
  CHECK(retry_wait(30, 0.999) <= 5s);
}

TEST_CASE("retries: what the server wants us to wait for long is not worth a try") {
  const auto with = [](ErrorKind kind, std::optional<Millis> wait) {
    return Error{kind, "", "", wait};
  };
  CHECK(is_worth_retrying(with(ErrorKind::throttled, {})));
  CHECK(is_worth_retrying(with(ErrorKind::throttled, 2s)));
  CHECK_FALSE(is_worth_retrying(with(ErrorKind::throttled, 2001ms)));
  CHECK_FALSE(is_worth_retrying(with(ErrorKind::server_error, 60s)));
  CHECK_FALSE(is_worth_retrying(with(ErrorKind::unauthorized, {})));
  CHECK_FALSE(is_worth_retrying(with(ErrorKind::bad_request, {})));
}

TEST_CASE("retry after: every spelling is read in its own unit, nonsense is no wait") {
  struct Row {
    const char* name;
    HttpHeaders headers;
    std::optional<Millis> wait;
  };
  const Row rows[] = {
      {"none", {}, {}},
      {"seconds", {{"retry-after", "7"}}, 7s},
      {"a fraction", {{"retry-after", "0.5"}}, 500ms},
      {"milliseconds", {{"x-acs-retry-after", "150"}}, 150ms},
      {"milliseconds win", {{"retry-after", "7"}, {"x-acs-retry-after", "150"}}, 150ms},
      {"a date, by the server's clock",
       {{"date", "Fri, 02 Jan 2026 03:04:05 GMT"},
        {"retry-after", "Fri, 02 Jan 2026 03:04:15 GMT"}},
       10s},
      {"a date that is over",
       {{"date", "Fri, 02 Jan 2026 03:04:05 GMT"},
        {"retry-after", "Fri, 02 Jan 2026 03:04:00 GMT"}},
       0s},
      {"negative", {{"retry-after", "-5"}}, 0s},
      {"words", {{"retry-after", "soon"}}, {}},
      {"not a number", {{"retry-after", "nan"}}, {}},
      {"time left",
       {{"x-ratelimit-user", "Limit:1,Remain:0,TimeLeft:300,Reset:1"},
        {"x-ratelimit-user-api", "Limit:1,Remain:0,TimeLeft:900,Reset:1"}},
       900ms},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(wait_asked_for({429, row.headers, ""}, {}) == row.wait);
  }
}
