#include "tests/simulator/quota.h"

#include <doctest/doctest.h>

#include <chrono>

using namespace registry_exporter;
using namespace registry_exporter::simulator;
using namespace std::chrono_literals;

TEST_CASE("quota: read as calls and a window") {
  CHECK(parse_quota("200/5m") == net::Quota{200, 5min});
  CHECK(parse_quota("20/4s") == net::Quota{20, 4s});
  for (const char* bad : {"", "200", "/5m", "0/5m", "-1/5m", "x/5m", "200/", "200/soon", "2/1ms"}) {
    CHECK_FALSE(parse_quota(bad));
  }
}

TEST_CASE("quota: a window takes its calls, the next is told so in words alone, then begins anew") {
  constexpr UnixMillis kNow{Millis{1'767'323'045'000}};
  QuotaGate gate({2, 5min});
  CHECK_FALSE(gate.refuse(kNow));
  CHECK_FALSE(gate.refuse(kNow + 299s));
  const auto refusal = gate.refuse(kNow + 299s);
  REQUIRE(refusal);
  CHECK(refusal->status == 429);
  CHECK(refusal->header("retry-after").empty());
  CHECK(refusal->body.find("policy user over ratelimit,limit:2,time:5 minute\"") !=
        std::string::npos);
  CHECK_FALSE(gate.refuse(kNow + 300s));
  CHECK_FALSE(gate.refuse(kNow + 300s));
  CHECK(gate.refuse(kNow + 300s));
}
