#include "tests/simulator/faults.h"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/simulator/naive_client.h"
#include "tests/simulator/transport.h"

namespace registry_exporter::simulator {
namespace {

using std::chrono::seconds;

const UnixMillis kNow{seconds{1'800'000'000}};

class StillClock : public Clock {
 public:
  UnixMillis now() const override { return kNow; }
  SteadyTime steady_now() const override { return SteadyTime{}; }
};

net::HttpRequest list_request(const std::string& nonce) {
  const WireRequest wire = acr_request("ListInstance", {}, kNow, nonce);
  return {.method = wire.method,
          .origin = "http://127.0.0.1:10068",
          .target = wire.target,
          .headers = wire.headers,
          .body = wire.body};
}

}  // namespace

TEST_CASE(
    "parse_faults: reads mixes, single faults and percentages, and names what it can't read") {
  CHECK(parse_faults("")->percent == FaultMix{}.percent);
  CHECK(*parse_faults("none") == FaultMix{});
  CHECK(parse_faults("throttle:20")->percent[0] == 20);
  CHECK(parse_faults("nasty,throttle:0")->percent[0] == 0);
  CHECK(parse_faults("nasty:50")->percent[1] == parse_faults("nasty")->percent[1] / 2);
  CHECK(*parse_faults("nasty,none") == FaultMix{});
  CHECK(parse_faults("churn")->tricks.deaths_per_day > 0);
  CHECK(parse_faults("trim")->tricks.history_max > 0);
  for (const char* bad : {"bogus", "throttle:x", "throttle:101", "throttle:-1", "throttle:",
                          "mild,"
                          ",x"}) {
    CAPTURE(bad);
    CHECK(parse_faults(bad).error().kind == ErrorKind::invalid_config);
  }
}

TEST_CASE("faults: come as often as told, and the same seed brings the same ones") {
  const FaultMix mix = *parse_faults("throttle:10,lose:5");
  FaultDice dice(1);
  FaultDice again(1);
  std::map<Fault, int> met;
  for (int i = 0; i < 10'000; ++i) {
    const Misfortune misfortune = dice.draw(mix);
    CHECK(misfortune.fault == again.draw(mix).fault);
    if (misfortune.fault) ++met[*misfortune.fault];
  }
  CHECK(met.size() == 2);
  CHECK(std::abs(met[Fault::throttle] - 1000) < 150);
  CHECK(std::abs(met[Fault::lose] - 500) < 110);
}

TEST_CASE("faults: each costume is what it claims to be") {
  struct Row {
    Fault fault;
    bool is_acr;
    std::vector<int> statuses;
  };
  const Row rows[] = {
      {Fault::throttle, true, {400, 503}},     {Fault::throttle, false, {403, 429}},
      {Fault::server_error, true, {500, 503}}, {Fault::server_error, false, {500, 504}},
      {Fault::html_error, true, {502}},        {Fault::business_error, true, {200}},
      {Fault::business_error, false, {409}},   {Fault::malformed, true, {200}},
      {Fault::malformed, false, {200}},
  };
  for (const Row& row : rows) {
    CAPTURE(name(row.fault));
    CAPTURE(row.is_acr);
    for (std::uint64_t dice = 0; dice < 30; ++dice) {
      const net::HttpResponse response =
          bad_answer({.fault = row.fault, .dice = dice}, row.is_acr, kNow);
      CHECK(std::find(row.statuses.begin(), row.statuses.end(), response.status) !=
            row.statuses.end());
      if (row.fault != Fault::malformed) CHECK_FALSE(response.body.empty());
    }
  }
}

TEST_CASE("simulated transport: cut and lost answers are errors, and the request was carried out") {
  const StillClock clock;
  struct Row {
    const char* faults;
    ErrorKind kind;
  };
  for (const Row& row :
       {Row{"cut:100", ErrorKind::transport}, Row{"lose:100", ErrorKind::timeout}}) {
    CAPTURE(row.faults);
    Simulator simulator({.repositories = 2, .speed = 0}, *parse_faults(row.faults), kNow);
    SimulatedTransport transport(simulator, clock);
    CHECK(transport.send(list_request("n")).error().kind == row.kind);
    simulator.set_faults({});
    const auto again = transport.send(list_request("n"));
    REQUIRE(again);
    CHECK(again->body.find("SignatureNonceUsed") != std::string::npos);
    CHECK(transport.send(list_request("m"))->status == 200);
    transport.abort();
    CHECK(transport.send(list_request("o")).error().kind == ErrorKind::canceled);
  }
}

TEST_CASE("simulated transport: waits the latency, the slowness and a lost answer's timeout") {
  const StillClock clock;
  Millis waited{0};
  const auto wait = [&](Millis time) { waited += time; };
  Simulator simulator({.repositories = 2, .speed = 0}, {}, kNow);
  SimulatedTransport transport(simulator, clock, wait, Millis{40});
  CHECK(transport.send(list_request("1"))->status == 200);
  CHECK(waited == Millis{40});
  simulator.set_faults(*parse_faults("lose:100"));
  waited = Millis{0};
  CHECK(transport.send(list_request("2")).error().kind == ErrorKind::timeout);
  CHECK(waited >= Millis{10'000});
  simulator.set_faults(*parse_faults("slow:100"));
  waited = Millis{0};
  CHECK(transport.send(list_request("3"))->status == 200);
  CHECK(waited >= Millis{540});
}

TEST_CASE("simulator: the same seed, requests and times give the same answers, faults and all") {
  const auto trace = [] {
    Simulator simulator({.seed = 5, .repositories = 3, .speed = 600}, *parse_faults("nasty"), kNow);
    std::string text;
    for (int i = 0; i < 300; ++i) {
      const UnixMillis now = kNow + seconds{i};
      const Reply reply =
          i % 2 == 0
              ? simulator.answer(acr_request("ListRepository", {{"InstanceId", "cri-demo"}}, now,
                                             std::to_string(i)),
                                 now)
              : simulator.answer(swr_request("/v2/manage/repos?limit=10&offset=0", now), now);
      text += std::to_string(reply.response.status) + reply.response.body +
              std::to_string(reply.delay.count()) + (reply.cut ? "cut" : "") + "\n";
    }
    return text;
  };
  CHECK(trace() == trace());
}

TEST_CASE("control: freezes the world, heals the faults and refuses what it does not know") {
  Simulator simulator({.repositories = 3, .speed = 600}, *parse_faults("throttle:100"), kNow);
  const auto control = [&](const std::string& body, UnixMillis now) {
    return simulator
        .answer({.method = "POST", .target = "/control", .headers = {}, .body = body}, now)
        .response.status;
  };
  CHECK(control(R"({"speed": 0, "faults": "none"})", kNow + seconds{60}) == 200);
  const std::string truth = simulator.truth(kNow + seconds{60});
  CHECK(simulator.truth(kNow + seconds{6000}) == truth);
  CHECK(walk_everything(simulator, kNow + seconds{6000}, 50).truth == truth);
  for (const char* bad : {"", "[]", R"({"speed": -1})", R"({"speed": "1"})",
                          R"({"faults": "bogus"})", R"({"pace": 1})"}) {
    CAPTURE(bad);
    CHECK(control(bad, kNow + seconds{6000}) == 400);
  }
  CHECK(control(R"({"speed": 600})", kNow + seconds{6000}) == 200);
  CHECK(simulator.truth(kNow + seconds{6600}) != truth);
}

}  // namespace registry_exporter::simulator
