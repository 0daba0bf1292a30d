#include "exporter/net/quota.h"

#include <doctest/doctest.h>

#include <deque>
#include <string>

#include "exporter/net/rate_control.h"
#include "exporter/net/token_bucket.h"

using namespace registry_exporter;
using namespace registry_exporter::net;
using namespace std::chrono_literals;

namespace {

const SteadyTime kStart{1h};

/// A server that keeps to its quota: by a window that begins with the first call, or by all that
/// were let through within one.
class Server {
 public:
  Server(Quota quota, bool slides) : quota_(quota), slides_(slides) {}
  bool accepts(SteadyTime now) {
    while (slides_ && !taken_.empty() && taken_.front() + quota_.window <= now) taken_.pop_front();
    if (!slides_ && !taken_.empty() && taken_.front() + quota_.window <= now) taken_.clear();
    if (taken_.size() >= static_cast<std::size_t>(quota_.calls)) return false;
    taken_.push_back(now);
    return true;
  }

 private:
  Quota quota_;
  bool slides_;
  std::deque<SteadyTime> taken_;
};

/// One who always has something to ask.
struct Caller {
  explicit Caller(double rate) : configured(rate), control(rate), bucket(rate, kStart) {}

  double configured;
  RateControl control;
  TokenBucket bucket;
  SteadyTime now = kStart;
  int good = 0;
  int refused = 0;

  /// Sends one call as soon as it may go; a refusal names the quota.
  void call(Server& server, const Quota& quota) {
    for (;;) {
      const SteadyTime free_at =
          std::max(control.paused_until(now).value_or(now), control.full_until(now).value_or(now));
      if (free_at > now) {
        now = free_at;
        continue;
      }
      const auto token = bucket.take(now, control.rate(now));
      if (token.taken) break;
      now = token.ask_again;
    }
    const SteadyTime sent_at = now;
    control.sent(now);
    now += 5ms;
    if (server.accepts(sent_at + 2ms)) {
      ++good;
      return;
    }
    ++refused;
    control.throttled(sent_at, now);
    control.pause(control.over_quota(quota, now), now);
  }
};

double seconds(Millis time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

TEST_CASE("quota: it is read from the words that name it, in any spelling, and from no others") {
  struct Row {
    const char* message;
    std::optional<Quota> quota;
  };
  const Row rows[] = {
      {"The throttling threshold has been reached: policy user over ratelimit,limit:200,time:5 "
       "minute",
       Quota{200, 5min}},
      {"policy user over ratelimit,limit:60,time:1 minute.", Quota{60, 1min}},
      {"policy ip over ratelimit,limit:5,time:1 second", Quota{5, 1s}},
      {"policy ip over ratelimit,limit:5,time:5 second", Quota{5, 5s}},
      {"policy api over ratelimit,limit:2000,time:1 minute", Quota{2000, 1min}},
      {"limit:10000,time:1 day", Quota{10'000, 24h}},
      {"limit:1000,time:2 hours", Quota{1000, 2h}},
      {"limit:1000,time:1 week", Quota{1000, 24h * 7}},
      {"limit:1000,time:2 Weeks", Quota{1000, 24h * 14}},
      {"limit:1000,time:1w", Quota{1000, 24h * 7}},
      {"Rate Limit = 20, Time = 3 MINUTES", Quota{20, 3min}},
      {R"("limit":"20","time":"30s")", Quota{20, 30s}},
      {"limit:20,time:0.5 min", Quota{20, 30s}},
      {"limit:20 per time: minute", Quota{20, 1min}},
      {"limit:20,time:1 hr", Quota{20, 1h}},
      {"limit:20,time:500ms", Quota{20, 500ms}},
      {"ratelimit:exceeded,limit:7,time:1 minute", Quota{7, 1min}},
      {"limit:0,time:1 minute", Quota{1, 1min}},
      {"limit:99999999999999999999,time:1 minute", Quota{1'000'000'000, 1min}},
      {"limit:1,time:99999999999999999999 day", Quota{1, 24h * 365}},
      {"limit:-5,time:1 minute", {}},
      {"limit:nan,time:1 minute", {}},
      {"limit:inf,time:1 minute", {}},
      {"limit:XX,time:1 minute", {}},
      {"limit:20,time:0 minute", {}},
      {"limit:20,time:-1 minute", {}},
      {"limit:20,time:0.0001 ms", {}},
      {"limit:20,time:300", {}},
      {"limit:20,time:5 fortnight", {}},
      {"limit:20", {}},
      {"limit:20,time:", {}},
      {"time:5 minute,limit:", {}},
      {"policy user over ratelimit", {}},
      {"AK access failed to reach the limit,forbidden.", {}},
      {"Too many requests. Pause requests, wait up to one minute, and try again.", {}},
      {"", {}},
  };
  for (const Row& row : rows) {
    INFO(std::string(row.message));
    CHECK(quota_named_in(row.message) == row.quota);
  }
  CHECK_FALSE(quota_named_in(std::string(5000, 'x') + "limit:20,time:1 minute"));
}

TEST_CASE("quota: once named it is run into no more, whichever way the server counts") {
  const Quota quotas[] = {{200, 5min}, {60, 1min}, {5, 1min},   {5, 1s},
                          {1, 1min},   {3, 10s},   {2000, 1min}};
  for (const Quota& quota : quotas) {
    for (const bool slides : {false, true}) {
      for (const double configured : {0.5, 5.0, 50.0}) {
        CAPTURE(quota.calls);
        CAPTURE(quota.window.count());
        CAPTURE(slides);
        CAPTURE(configured);
        Server server(quota, slides);
        Caller caller(configured);
        const double most = std::min(quota.calls / seconds(quota.window), configured);
        const Millis hour = std::max<Millis>(1h, 20 * quota.window);
        while (caller.now < kStart + hour) caller.call(server, quota);
        CHECK(caller.refused <= 1);
        CHECK(caller.control.rate(caller.now) <= most);
        CHECK(caller.good > (quota.window > 1s ? 0.85 : 0.75) * most * seconds(hour));
      }
    }
  }
}

TEST_CASE("quota: what is left of the window is waited out, and no more where it is our own") {
  const Quota quota{200, 5min};
  RateControl control(5);
  for (int i = 0; i < 200; ++i) control.sent(kStart + i * 200ms);
  const SteadyTime now = kStart + 40s;
  const Millis left = control.over_quota(quota, now);
  CHECK(left >= 260s);
  CHECK(left <= 267s);
  // After a start the window may have been filled by the process before us, or by others.
  RateControl fresh(5);
  fresh.sent(kStart);
  CHECK(fresh.over_quota(quota, kStart + 1s) >= 5min);
  CHECK(fresh.over_quota(quota, kStart + 1s) <= 5min + 6s);
}

TEST_CASE("quota: shared with others, it is run into once a window at the most") {
  const Quota quota{200, 5min};
  Server server(quota, false);
  Caller caller(5);
  SteadyTime others = kStart;
  while (caller.now < kStart + 4h) {
    for (; others < caller.now; others += 2s) server.accepts(others);  // 150 a window.
    caller.call(server, quota);
  }
  CHECK(caller.refused > 10);
  CHECK(caller.refused <= 4 * 12);
  CHECK(caller.good >= 4 * 12 * 50 / 2);
}

TEST_CASE("quota: the tightest of several holds, and one that changes is learned anew") {
  RateControl control(5);
  control.over_quota({300, 1min}, kStart);
  CHECK(control.rate(kStart) == doctest::Approx(5).epsilon(0.03));
  control.over_quota({60, 1min}, kStart);
  CHECK(control.rate(kStart) == doctest::Approx(1).epsilon(0.03));
  control.over_quota({200, 5min}, kStart);
  CHECK(control.rate(kStart) == doctest::Approx(0.667).epsilon(0.03));
  control.over_quota({600, 5min}, kStart);
  CHECK(control.rate(kStart) == doctest::Approx(1).epsilon(0.03));
  control.over_quota({120, 1min}, kStart);
  CHECK(control.rate(kStart) == doctest::Approx(2).epsilon(0.03));
  // Of many the newest are kept.
  for (int i = 1; i <= 4; ++i) control.over_quota({1000, i * 1s}, kStart);
  CHECK(control.rate(kStart) == doctest::Approx(5));
}

TEST_CASE("quota: throttling halves the rate in force under it, too, and wins back no more") {
  RateControl control(8);
  control.over_quota({120, 1min}, kStart);
  control.throttled(kStart, kStart + 1s);
  CHECK(control.rate(kStart + 1s) == doctest::Approx(1).epsilon(0.03));
  CHECK(control.rate(kStart + 2s) == doctest::Approx(1.76).epsilon(0.03));
  CHECK(control.rate(kStart + 60s) == doctest::Approx(2).epsilon(0.03));
  // Below a sixteenth of the configured rate it is never halved.
  control.over_quota({6, 1min}, kStart + 60s);
  control.throttled(kStart + 60s, kStart + 61s);
  CHECK(control.rate(kStart + 61s) == doctest::Approx(0.1).epsilon(0.03));
}

TEST_CASE("quota: whatever it says, a call goes once in fifteen minutes") {
  for (const Quota& quota : {Quota{1, 24h * 365}, Quota{1000, 24h * 30}, Quota{1, 1h}}) {
    CAPTURE(quota.calls);
    RateControl control(5);
    for (int i = 0; i < 1000; ++i) control.sent(kStart);
    control.pause(control.over_quota(quota, kStart), kStart);
    CHECK(control.paused_until(kStart) == kStart + 15min);
    CHECK_FALSE(control.full_until(kStart + 15min));
    CHECK(control.full_until(kStart + 14min) == kStart + 15min);
    TokenBucket bucket(5, kStart);
    while (bucket.take(kStart, 1).taken) {
    }
    CHECK(bucket.take(kStart + 15min, control.rate(kStart)).taken);
  }
}
