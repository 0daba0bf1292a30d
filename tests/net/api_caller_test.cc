#include "exporter/net/api_caller.h"

#include <doctest/doctest.h>

#include <vector>

#include "exporter/base/time_text.h"
#include "tests/support/fake_runtime.h"

using namespace registry_exporter;
using namespace std::chrono_literals;

namespace {

/// Answers in turn what a test lined up; the last answer for ever.
class ScriptedTransport final : public HttpTransport {
 public:
  std::vector<Result<HttpResponse>> answers;
  std::vector<HttpRequest> sent;
  Result<HttpResponse> send(const HttpRequest& request) override {
    const std::size_t next = std::min(sent.size(), answers.size() - 1);
    sent.push_back(request);
    return answers[next];
  }
  void abort() override {}
};

class Outcomes final : public CallObserver {
 public:
  std::vector<std::string> seen;
  void call_finished(std::string_view, std::string_view, std::string_view outcome,
                     Millis) override {
    seen.emplace_back(outcome);
  }
};

struct World {
  FakeRuntime fake;
  ScriptedTransport transport;
  Outcomes outcomes;
  ApiCaller caller{
      fake.runtime(), transport, outcomes, {.registry = "r", .requests_per_second = 5}};
  std::vector<UnixMillis> signed_at;

  Result<HttpResponse> call() {
    ApiCall call;
    call.operation = "List";
    call.prepare = [this](UnixMillis now) -> Result<HttpRequest> {
      signed_at.push_back(now);
      return HttpRequest{};
    };
    call.judge = [](const HttpResponse& response) -> std::optional<Refusal> {
      const auto refuse = [](ErrorKind kind, bool again = false) {
        return Refusal{{kind, "no", {}, {}}, again, false};
      };
      switch (response.status) {
        case 200:
          return std::nullopt;
        case 400:
          return refuse(ErrorKind::unauthorized, true);  // The clock.
        case 401:
          return refuse(ErrorKind::unauthorized);
        case 403:
          return refuse(ErrorKind::forbidden);
        case 429:
          return refuse(ErrorKind::throttled);
        default:
          return refuse(ErrorKind::server_error);
      }
    };
    return caller.call(call);
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

TEST_CASE("call: up tells whether the newest call was answered and accepted") {
  World world;
  CHECK_FALSE(world.caller.up());
  world.transport.answers = {status(403)};
  world.call();
  CHECK(world.caller.up());
  world.transport.answers = {fail(ErrorKind::timeout, "slow")};
  world.transport.sent.clear();
  world.call();
  CHECK_FALSE(world.caller.up());
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
