#include "tests/simulator/server.h"

#include <doctest/doctest.h>
#include <httplib.h>

#include "tests/simulator/naive_client.h"

namespace registry_exporter::simulator {
namespace {

UnixMillis wall_now() { return std::chrono::floor<Millis>(std::chrono::system_clock::now()); }

httplib::Headers headers_of(const WireRequest& request) {
  httplib::Headers headers;
  for (const auto& [name, value] : request.headers) headers.emplace(name, value);
  return headers;
}

}  // namespace

TEST_CASE("server: carries signed requests, the truth and the controls over a real socket") {
  Simulator simulator({.repositories = 2, .speed = 0}, {}, wall_now());
  Server server(simulator, Millis{0});
  const auto port = server.start("127.0.0.1:0");
  REQUIRE(port);
  httplib::Client client("127.0.0.1", *port);
  client.set_keep_alive(true);

  const auto truth = client.Get("/truth");
  REQUIRE(truth);
  CHECK(truth->body == simulator.truth(wall_now()));

  const WireRequest list = acr_request("ListInstance", {}, wall_now(), "nonce");
  const auto acr = client.Post(list.target.c_str(), headers_of(list), "", "text/plain");
  REQUIRE(acr);
  CHECK(acr->status == 200);
  CHECK(acr->has_header("Date"));

  const WireRequest repos = swr_request("/v2/manage/repos?limit=1&offset=1", wall_now());
  const auto swr = client.Get(repos.target.c_str(), headers_of(repos));
  REQUIRE(swr);
  CHECK(swr->status == 200);
  CHECK(swr->get_header_value("Content-Range") == "1-1/2");

  const auto cut = client.Post("/control", R"({"faults": "cut:100"})", "application/json");
  REQUIRE(cut);
  CHECK(cut->status == 200);
  CHECK_FALSE(client.Get(repos.target.c_str(), headers_of(repos)));

  Server second(simulator, Millis{0});
  CHECK_FALSE(second.start("127.0.0.1:" + std::to_string(*port)));
  CHECK_FALSE(second.start("nonsense"));
}

}  // namespace registry_exporter::simulator
