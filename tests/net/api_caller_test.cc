#include "exporter/net/api_caller.h"

#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include "exporter/base/time_text.h"
#include "tests/support/fake_runtime.h"
#include "tests/support/scripted_transport.h"

using namespace registry_exporter;
using namespace registry_exporter::net;
using namespace std::chrono_literals;

namespace {

class Outcomes final : public CallObserver {
 public:
  std::vector<std::string> seen;
  void call_finished(std::string_view, std::string_view, std::string_view outcome,
                     Millis) override {
    seen.emplace_back(outcome);
  }
};

/// Statuses as a cloud might mean them.
std::optional<Refusal> classify_response(const HttpResponse& response) {
  const auto refuse = [](ErrorKind kind, bool sign_again = false, bool expired = false) {
    return Refusal{{kind, "no", {}, {}}, sign_again, expired};
  };
  switch (response.status) {
    case 200:
      return std::nullopt;
    case 400:
      return refuse(ErrorKind::unauthorized, true);  // The clock.
    case 401: {
      Refusal refusal = refuse(ErrorKind::unauthorized);
      refusal.error.cause = ErrorCause::wrong_secret;
      return refusal;
    }
    case 403:
      return refuse(ErrorKind::forbidden);
    case 404:
      return refuse(ErrorKind::not_found);
    case 419:
      return refuse(ErrorKind::unauthorized, false, true);
    case 420: {
      Refusal refusal = refuse(ErrorKind::throttled);
      refusal.quota = Quota{60, 60s};
      return refusal;
    }
    case 422:
      return refuse(ErrorKind::malformed);
    case 429:
      return refuse(ErrorKind::throttled);
    default:
      return refuse(ErrorKind::server_error);
  }
}

struct World {
  explicit World(int sharers = 1)
      : caller(fake.runtime(), transport, outcomes,
               {.registry = "r", .requests_per_second = 5, .sharers = sharers}) {}

  FakeRuntime fake;
  ScriptedTransport transport;
  Outcomes outcomes;
  ApiCaller caller;
  std::vector<UnixMillis> signed_at;

  Result<HttpResponse> call(bool optional = false) {
    const auto prepare = [this](UnixMillis now) -> Result<HttpRequest> {
      signed_at.push_back(now);
      return HttpRequest{};
    };
    return caller.call({"List", prepare, classify_response, optional});
  }
  Result<HttpResponse> call(Result<HttpResponse> answer) {
    transport.answers = {std::move(answer)};
    transport.sent.clear();
    return call();
  }
};

HttpResponse status(int code, HttpHeaders headers = {}) { return {code, std::move(headers), ""}; }

}  // namespace

TEST_CASE("call: what may get better is tried again, what can't is not") {
  struct Row {
    const char* name;
    std::vector<Result<HttpResponse>> answers;
    std::vector<std::string> outcomes;
    bool good;
  };
  const Row rows[] = {
      {"at once", {status(200)}, {"ok"}, true},
      {"503, then good", {status(503), status(200)}, {"server_error", "ok"}, true},
      {"lost, then good",
       {fail(ErrorKind::transport, "reset"), status(200)},
       {"transport", "ok"},
       true},
      {"three times 503", {status(503)}, {"server_error", "server_error", "server_error"}, false},
      {"forbidden", {status(403)}, {"forbidden"}, false},
      {"throttled, then good", {status(429), status(200)}, {"throttled", "ok"}, true},
      {"refused for its time, then good", {status(400), status(200)}, {"unauthorized", "ok"}, true},
      {"refused for its time twice", {status(400)}, {"unauthorized", "unauthorized"}, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world;
    world.transport.answers = row.answers;
    CHECK(world.call().has_value() == row.good);
    CHECK(world.outcomes.seen == row.outcomes);
    CHECK(world.signed_at.size() == row.outcomes.size());  // Each attempt is signed anew.
  }
}

TEST_CASE("call: refused keys cost one probe an interval, until the secret changes") {
  World world;
  world.transport.answers = {status(401)};
  for (int i = 0; i < 10; ++i) {
    const auto answer = world.call();
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ErrorKind::unauthorized);
  }
  CHECK(world.transport.sent.size() == 1);
  CHECK_FALSE(world.caller.up());
  world.fake.advance(61s);
  world.call();
  world.call();
  CHECK(world.transport.sent.size() == 2);
  world.caller.credentials_changed();
  world.transport.answers.push_back(status(200));
  world.transport.answers.push_back(status(200));
  CHECK(world.call());
  CHECK(world.caller.up());
}

TEST_CASE("call: a long pause that the server asks for is told, not waited for") {
  World world;
  world.transport.answers = {status(429, {{"retry-after", "60"}}), status(200)};
  const SteadyTime begun = world.fake.now();
  const auto answer = world.call();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ErrorKind::throttled);
  CHECK(answer.error().retry_after.value_or(0ms) > 55s);
  CHECK(world.fake.now() - begun < 10s);
  CHECK(world.transport.sent.size() == 1);
  world.fake.advance(60s);
  CHECK(world.call());
}

TEST_CASE("call: the signing clock follows a server that is far off, and only then") {
  for (const auto off : {Millis{20'000}, Millis{1'200'000}, Millis{-1'200'000}}) {
    CAPTURE(off.count());
    World world;
    world.transport.answers = {status(200, {{"date", format_http_date(world.fake.wall() + off)}})};
    world.call();
    world.call();
    const Millis used = world.signed_at[1] - world.fake.wall();
    const bool far = off > 60s || off < -60s;
    CHECK(std::abs((used - (far ? off : 0ms)).count()) <= 1000);
    CHECK(world.caller.clock_offset().has_value());
  }
}

TEST_CASE("call: up tells whether the newest call that could tell was answered and accepted") {
  const auto up_after = [](bool before, const Result<HttpResponse>& answer) {
    World world;
    if (before) world.call(status(200));
    CHECK(world.caller.up() == before);
    world.call(answer);
    return world.caller.up();
  };
  const auto timeout = fail(ErrorKind::timeout, "slow");
  const auto reset = fail(ErrorKind::transport, "reset");
  for (const bool before : {false, true}) {
    CAPTURE(before);
    for (const int accepting : {200, 403, 404}) CHECK(up_after(before, status(accepting)));
    for (const int silent : {422, 429, 503}) CHECK(up_after(before, status(silent)) == before);
    CHECK_FALSE(up_after(before, status(401)));
    CHECK_FALSE(up_after(before, timeout));
    CHECK_FALSE(up_after(before, reset));
  }
}

TEST_CASE("call: one that nothing rests on is tried once, and takes no registry down") {
  World world;
  CHECK(world.call(status(200)));
  for (const ErrorKind kind : {ErrorKind::timeout, ErrorKind::transport}) {
    world.transport.answers = {fail(kind, "nobody")};
    world.transport.sent.clear();
    CHECK_FALSE(world.call(true));
    CHECK(world.transport.sent.size() == 1);
    CHECK(world.caller.up());
  }
  world.transport.answers = {status(401)};  // Keys that are refused are refused for all.
  CHECK_FALSE(world.call(true));
  CHECK_FALSE(world.caller.up());
}

TEST_CASE("call: a short pause that the server asks for is sat out") {
  World world;
  world.transport.answers = {status(429, {{"retry-after", "1"}}), status(200)};
  const SteadyTime begun = world.fake.now();
  CHECK(world.call());
  CHECK(world.fake.now() - begun >= 1s);
  CHECK(world.outcomes.seen == std::vector<std::string>{"throttled", "ok"});
}

TEST_CASE("call: throttled halves the rate, and a call without a pause is told the reason") {
  World world;
  CHECK(world.caller.rate_in_force() == doctest::Approx(5));
  world.transport.answers = {status(429, {{"retry-after", "60"}})};
  const auto answer = world.call();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().detail == "no");  // The cloud's own words, of the call itself.
  CHECK(world.caller.rate_in_force() == doctest::Approx(2.5));
  const auto next = world.call();
  REQUIRE_FALSE(next);
  CHECK(next.error().kind == ErrorKind::throttled);
  CHECK(next.error().retry_after.value_or(0ms) > 55s);
  CHECK(world.transport.sent.size() == 1);
}

TEST_CASE("call: an outage adds few retries to the calls") {
  World world;
  world.transport.answers = {status(503)};
  constexpr std::size_t kCalls = 300;
  for (std::size_t i = 0; i < kCalls; ++i) world.call();
  CHECK(world.transport.sent.size() <= kCalls + kCalls / 10 + 10);
  CHECK(world.transport.sent.size() >= kCalls + kCalls / 10);
}

TEST_CASE("call: keys refused for their time by the server's own clock are refused") {
  World world;
  world.call(status(400));
  CHECK(world.transport.sent.size() == 2);
  CHECK(world.call(status(200)).error().kind == ErrorKind::unauthorized);
  CHECK(world.transport.sent.empty());
}

TEST_CASE("call: bad keys are told with the reason for which they were refused") {
  World world;
  const auto answer = world.call(status(401));
  REQUIRE_FALSE(answer);
  const auto next = world.call(status(200));
  REQUIRE_FALSE(next);
  CHECK(next.error().kind == ErrorKind::unauthorized);
  CHECK(next.error().cause == ErrorCause::wrong_secret);
  CHECK(next.error().detail.find("(no)") != std::string::npos);
  world.caller.credentials_changed();
  CHECK(world.call(status(200)));
}

TEST_CASE("call: a quota that the server names is waited out, then kept to, each shard its share") {
  for (const int sharers : {1, 3}) {
    CAPTURE(sharers);
    World world(sharers);
    const auto answer = world.call(status(420));  // 60 calls a minute.
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ErrorKind::throttled);
    CHECK(answer.error().retry_after.value_or(0ms) >= 60s);
    CHECK(answer.error().retry_after.value_or(0ms) <= 62s);
    CHECK(world.transport.sent.size() == 1);
    CHECK(world.call(status(200)).error().kind == ErrorKind::throttled);
    CHECK(world.transport.sent.empty());
    world.fake.advance(62s);
    const double share = 1.0 / sharers;
    CHECK(world.caller.rate_in_force() <= share);
    CHECK(world.caller.rate_in_force() > 0.95 * share);
    std::deque<SteadyTime> sent;
    world.transport.answers = {status(200)};
    world.transport.meanwhile = [&] { sent.push_back(world.fake.now()); };
    for (int i = 0; i < 200; ++i) CHECK(world.call());
    const std::size_t calls = sharers == 1 ? 60 : 20;
    for (std::size_t i = calls; i < sent.size(); ++i) {
      CHECK(sent[i] - sent[i - calls] >= 60s);
    }
    CHECK(sent.back() - sent.front() <= 200s / share * 1.03);
  }
}

TEST_CASE("call: a wait in a header is more exact than what a quota lets guess") {
  World world;
  const auto answer = world.call(status(420, {{"retry-after", "7"}}));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().retry_after == 7s);
  world.fake.advance(7s);
  CHECK(world.call(status(200)));
  CHECK(world.caller.rate_in_force() <= 1);
}

TEST_CASE("call: a probe that is refused for its time is signed anew at once") {
  World world;
  world.call(status(401));
  world.fake.advance(61s);
  world.transport.sent.clear();
  world.transport.answers = {status(400), status(200)};
  CHECK(world.call());
  CHECK(world.transport.sent.size() == 2);
}

TEST_CASE("call: a token that has expired doesn't make the keys bad") {
  World world;
  CHECK_FALSE(world.call(status(419)));
  CHECK(world.call(status(200)));
}

TEST_CASE("call: the refusal of an old secret doesn't hold against the new one") {
  World world;
  world.transport.meanwhile = [&] { world.caller.credentials_changed(); };
  CHECK_FALSE(world.call(status(401)));
  world.transport.meanwhile = [] {};
  CHECK(world.call(status(200)));
}

TEST_CASE("call: what was accepted before the keys were refused doesn't bring the registry up") {
  World world;
  world.call(status(200));
  world.transport.sent.clear();
  world.transport.answers = {status(401), status(200)};
  bool is_first = true;
  world.transport.meanwhile = [&] {
    if (std::exchange(is_first, false)) CHECK_FALSE(world.call());
  };
  CHECK(world.call());
  CHECK_FALSE(world.caller.up());  // Nothing is called now.
}

TEST_CASE("call: a request that can't be built is not sent and costs no probe") {
  World world;
  bool is_ready = false;
  world.transport.answers = {status(401), status(200)};
  const auto prepare = [&](UnixMillis) -> Result<HttpRequest> {
    if (is_ready) return HttpRequest{};
    return fail(ErrorKind::unauthorized, "no keys yet");
  };
  is_ready = true;
  CHECK_FALSE(world.caller.call({"List", prepare, classify_response}));
  world.fake.advance(61s);
  is_ready = false;
  CHECK_FALSE(world.caller.call({"List", prepare, classify_response}));
  CHECK(world.outcomes.seen.size() == 1);
  is_ready = true;
  CHECK(world.caller.call({"List", prepare, classify_response}));
}

TEST_CASE("call: after abort nothing is sent") {
  World world;
  world.transport.answers = {status(200)};
  world.caller.abort();
  const auto answer = world.call();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ErrorKind::canceled);
  CHECK(world.transport.sent.empty());
}

namespace {

/// Answers from a function, on real threads.
class LiveTransport final : public HttpTransport {
 public:
  std::function<HttpResponse(int number)> answer;
  std::atomic<int> sent{0};
  Result<HttpResponse> send(const HttpRequest&) override { return answer(++sent); }
  void abort() override {}
};

struct LiveWorld {
  explicit LiveWorld(double rate)
      : caller(system_runtime(), transport, outcomes,
               {.registry = "r", .requests_per_second = rate}) {}
  Result<HttpResponse> call() {
    return caller.call({"List", [](UnixMillis) { return HttpRequest{}; }, classify_response});
  }
  std::future<Result<HttpResponse>> start_call() {
    return std::async(std::launch::async, [this] { return call(); });
  }

  class Silent final : public CallObserver {
    void call_finished(std::string_view, std::string_view, std::string_view, Millis) override {}
  };
  LiveTransport transport;
  Silent outcomes;
  ApiCaller caller;
};

}  // namespace

TEST_CASE("call: after a start one call goes alone, the others follow its answer") {
  LiveWorld world(100);
  std::atomic<int> most_before_answer{0};
  world.transport.answer = [&](int number) {
    if (number > 1) return status(200);
    std::this_thread::sleep_for(20ms);  // Time for the others to make a mistake.
    most_before_answer = world.transport.sent.load();
    return status(200);
  };
  std::vector<std::future<Result<HttpResponse>>> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(world.start_call());
  for (auto& each : calls) CHECK(each.get());
  CHECK(most_before_answer == 1);
  CHECK(world.transport.sent == 4);
}

TEST_CASE("call: one that waits for its turn isn't sent once the keys are known to be bad") {
  LiveWorld world(10);
  world.transport.answer = [](int number) { return status(number <= 5 ? 200 : 401); };
  for (int i = 0; i < 5; ++i) CHECK(world.call());  // No token is left.
  auto one = world.start_call();
  auto other = world.start_call();
  CHECK_FALSE(one.get());
  CHECK_FALSE(other.get());
  CHECK(world.transport.sent == 6);
}

TEST_CASE("call: abort ends every wait") {
  LiveWorld world(0.001);
  world.transport.answer = [](int) { return status(200); };
  CHECK(world.call());
  auto waiting = world.start_call();  // For sixteen minutes.
  std::this_thread::sleep_for(10ms);
  world.caller.abort();
  const auto answer = waiting.get();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ErrorKind::canceled);
}
