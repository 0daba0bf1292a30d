#include "exporter/swr/client.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "exporter/base/time_text.h"
#include "tests/support/fake_runtime.h"
#include "tests/support/scripted_transport.h"

using namespace registry_exporter;
using namespace std::chrono_literals;

namespace {

constexpr const char* kDate = "Fri, 02 Jan 2026 03:04:05 GMT";  // FakeRuntime's start.
const RepositoryRef kRepository{"team-a", "web/api", ""};

net::HttpResponse answer(int status, const std::string& body, net::HttpHeaders headers = {}) {
  headers.emplace_back("date", kDate);
  return {status, std::move(headers), body};
}

net::HttpResponse empty_page() { return answer(200, R"({"retention_log":[],"total":0})"); }

net::HttpResponse gateway(int status, const std::string& code, const std::string& message) {
  return answer(status, R"({"error_code":")" + code + R"(","error_msg":")" + message + R"("})");
}

net::HttpResponse token(const std::string& text, const std::string& expires_at) {
  return answer(201,
                R"({"token":{"issued_at":"2026-01-02T03:04:05.000000Z","expires_at":")" +
                    expires_at + R"("}})",
                {{"x-subject-token", text}});
}

std::string header_of(const net::HttpRequest& request, std::string_view name) {
  for (const auto& [header, value] : request.headers) {
    if (header == name) return value;
  }
  return {};
}

class Operations final : public CallObserver {
 public:
  std::vector<std::string> seen;
  void call_finished(std::string_view, std::string_view operation, std::string_view outcome,
                     Millis) override {
    seen.push_back(std::string(operation) + " " + std::string(outcome));
  }
};

config::RegistryConfig keys_config() {
  config::RegistryConfig config;
  config.name = "swr-test";
  config.endpoint = "http://127.0.0.1:10068";
  config.credentials_given = true;
  config::SwrConfig swr;
  swr.project_id = "0123456789abcdef0123456789abcdef";
  swr.iam_endpoint = "http://iam";
  swr.credentials.access_key.value = Secret("demo-access-key");
  swr.credentials.secret_key.value = Secret("demo-secret-key");
  config.cloud = swr;
  return config;
}

config::RegistryConfig user_config() {
  config::RegistryConfig config = keys_config();
  config::SwrCredentials credentials;
  credentials.iam_user = {"acme", "alice", "cn-north-4", {Secret("pass-word"), ""}};
  std::get<config::SwrConfig>(config.cloud).credentials = credentials;
  return config;
}

struct World {
  explicit World(std::vector<Result<net::HttpResponse>> answers,
                 const config::RegistryConfig& config = keys_config())
      : client(fake.runtime(), transport, operations, config) {
    transport.answers = std::move(answers);
  }
  std::string target(std::size_t index) const { return transport.sent.at(index).target; }

  FakeRuntime fake;
  ScriptedTransport transport;
  Operations operations;
  swr::Client client;
};

std::string listed(const std::string& repo_namespace, const std::string& name, int total) {
  return R"({"namespace":")" + repo_namespace + R"(","name":")" + name + R"(","total_range":)" +
         std::to_string(total) + "}";
}

/// One page of repositories "team/rN", N in [first, first + count).
net::HttpResponse repositories(int first, int count, int total) {
  std::string rows;
  for (int i = first; i < first + count; ++i) {
    rows += (i == first ? "" : ",") + listed("team", "r" + std::to_string(i), total);
  }
  return answer(200, "[" + rows + "]");
}

std::vector<std::string> names_of(const Discovery& discovery) {
  std::vector<std::string> names;
  for (const auto& each : discovery.repositories) names.push_back(full_name(each.ref));
  return names;
}

}  // namespace

TEST_CASE("list_records: both paging forms go out as the cloud reads them, never mixed") {
  const std::string path = "/v2/manage/namespaces/team-a/repos/web$api/retentions/histories?";
  config::RegistryConfig filter = keys_config();
  std::get<config::SwrConfig>(filter.cloud).paging = config::SwrConfig::Paging::filter;
  World plain({empty_page()});
  World filtered({empty_page()}, filter);
  const auto page = plain.client.list_records({&kDeletions, kRepository}, {3, 50});
  REQUIRE(page);
  CHECK(page->server_time == parse_http_date(kDate));
  REQUIRE(filtered.client.list_records({&kDeletions, kRepository}, {3, 50}));
  CHECK(plain.target(0) == path + "limit=50&offset=150");
  CHECK(filtered.target(0) == path + "filter=limit%3A%3A50%7Coffset%3A%3A150");
  CHECK(header_of(plain.transport.sent[0], "host") == "127.0.0.1:10068");
  CHECK(header_of(plain.transport.sent[0], "content-type") == "application/json");
  CHECK(header_of(plain.transport.sent[0], "x-project-id") == "0123456789abcdef0123456789abcdef");
}

TEST_CASE("list_records: each kind has its list; a repository without a rule has no jobs") {
  World world({answer(200, "[]"), answer(400, R"({"error_code":"SVCSTG.SWR.4001158"})"),
               answer(400, R"({"error_code":"SVCSTG.SWR.4001025"})")});
  const auto page = world.client.list_records({&kSwrSyncs, kRepository}, {});
  REQUIRE(page);
  CHECK(page->server_time == parse_http_date(kDate));
  CHECK(world.target(0).find("/sync_job?filter=") != std::string::npos);
  const auto none = world.client.list_records({&kSwrSyncs, kRepository}, {});
  REQUIRE(none);
  CHECK(none->rows == 0);
  CHECK_FALSE(world.client.list_records({&kSwrSyncs, kRepository}, {}));
}

TEST_CASE("list_records: a rule that goes while its jobs are read does not end their list") {
  World world({answer(400, R"({"error_code":"SVCSTG.SWR.4001158"})")});
  CHECK_FALSE(world.client.list_records({&kSwrSyncs, kRepository}, {1, 100}));
}

TEST_CASE("list_records: every attempt is signed at its own time") {
  World world({gateway(503, "APIGW.0801", "busy"), empty_page()});
  world.transport.meanwhile = [&] { world.fake.advance(3s); };
  REQUIRE(world.client.list_records({&kDeletions, kRepository}, {}));
  REQUIRE(world.transport.sent.size() == 2);
  for (const char* header : {"x-sdk-date", "authorization"}) {
    CAPTURE(header);
    CHECK(header_of(world.transport.sent[0], header) != header_of(world.transport.sent[1], header));
  }
  CHECK(world.operations.seen == std::vector<std::string>{"ListRetentionHistories server_error",
                                                          "ListRetentionHistories ok"});
}

TEST_CASE("list_records: a wrong clock is followed, and the request is signed anew once") {
  World world({gateway(401, "APIG.0303", "signature expired, signature time:x,server time:y"),
               empty_page()});
  world.fake.advance(20min);  // Ours runs ahead of the server's.
  REQUIRE(world.client.list_records({&kDeletions, kRepository}, {}));
  REQUIRE(world.transport.sent.size() == 2);
  CHECK(header_of(world.transport.sent[0], "x-sdk-date") == "20260102T032405Z");
  CHECK(header_of(world.transport.sent[1], "x-sdk-date") == "20260102T030405Z");
}

TEST_CASE("list_records: keys refused for their time again and again are bad keys, not a chance") {
  World world({gateway(401, "APIG.0303", "signature expired")});
  for (int i = 0; i < 5; ++i) {
    const auto page = world.client.list_records({&kDeletions, kRepository}, {});
    REQUIRE_FALSE(page);
    CHECK(page.error().kind == ErrorKind::unauthorized);
  }
  CHECK(world.transport.sent.size() == 2);
}

TEST_CASE("list_records: a refused key is tried once in six minutes, for five lock it") {
  World world({gateway(401, "APIGW.0301", "verify aksk signature fail")});
  std::size_t calls = 0;
  for (int minute = 0; minute < 13; ++minute) {
    CHECK_FALSE(world.client.list_records({&kDeletions, kRepository}, {}));
    CHECK_FALSE(world.client.health().up);
    calls += minute % 6 == 0 ? 1U : 0U;
    CHECK(world.transport.sent.size() == calls);
    world.fake.advance(1min);
  }
}

TEST_CASE("list_records: a repository that is gone is not_found, and says nothing of the keys") {
  World world({answer(404, R"({"errors":[{"errorCode":"SVCSTG.SWR.4040010"}]})")});
  const auto page = world.client.list_records({&kDeletions, kRepository}, {});
  REQUIRE_FALSE(page);
  CHECK(page.error().kind == ErrorKind::not_found);
  CHECK(page.error().code == "SVCSTG.SWR.4040010");
  CHECK(world.client.health().up);
}

TEST_CASE("list_records: a page of another repository shows as a malformed call") {
  World world(
      {answer(200, R"({"retention_log":[{"id":1,"namespace":"x","repo":"y"}],"total":1})")});
  const auto page = world.client.list_records({&kDeletions, kRepository}, {});
  REQUIRE_FALSE(page);
  CHECK(page.error().kind == ErrorKind::malformed);
  for (const std::string& seen : world.operations.seen) {
    CHECK(seen == "ListRetentionHistories malformed");
  }
}

TEST_CASE("read_record: there is no such operation, and nothing is sent") {
  World world({empty_page()});
  CHECK(world.client.read_record({&kDeletions, kRepository}, "1").error().kind ==
        ErrorKind::bad_request);
  CHECK(world.transport.sent.empty());
}

TEST_CASE("iam_user: a token is fetched first, kept, and renewed in good time") {
  World world({token("T1", "2026-01-03T03:04:05.000000Z"), empty_page(), empty_page(),
               token("T2", "2026-01-04T03:04:05.000000Z"), empty_page()},
              user_config());
  REQUIRE(world.client.list_records({&kDeletions, kRepository}, {}));
  world.fake.advance(16h);
  REQUIRE(world.client.list_records({&kDeletions, kRepository}, {}));
  CHECK(world.client.health().credentials_expire_at == parse_rfc3339("2026-01-03T03:04:05Z"));
  world.fake.advance(4h);
  REQUIRE(world.client.list_records({&kDeletions, kRepository}, {}));
  REQUIRE(world.transport.sent.size() == 5);
  const net::HttpRequest& asked = world.transport.sent[0];
  CHECK(asked.method == "POST");
  CHECK(asked.origin == "http://iam");
  CHECK(asked.target == "/v3/auth/tokens?nocatalog=true");
  const auto body = nlohmann::json::parse(asked.body);
  CHECK(body["auth"]["identity"]["password"]["user"]["password"] == "pass-word");
  CHECK(body["auth"]["scope"]["project"]["name"] == "cn-north-4");
  CHECK(header_of(world.transport.sent[1], "x-auth-token") == "T1");
  CHECK(header_of(world.transport.sent[1], "authorization").empty());
  CHECK(header_of(world.transport.sent[4], "x-auth-token") == "T2");
  CHECK(world.operations.seen[0] == "CreateToken ok");
  CHECK(world.client.health().credentials_expire_at == parse_rfc3339("2026-01-04T03:04:05Z"));
}

TEST_CASE("iam_user: an expired token is renewed once, and the question asked again") {
  for (const auto& refusal : {gateway(401, "APIGW.0307", "The token must be updated."),
                              gateway(401, "APIGW.0301", "decrypt token fail"),
                              answer(401, R"({"errors":[{"errorCode":"SVCSTG.SWR.4010000"}]})")}) {
    CAPTURE(refusal.body);
    World world({token("T1", "2026-01-03T03:04:05Z"), refusal, token("T2", "2026-01-03T03:04:05Z"),
                 empty_page()},
                user_config());
    CHECK(world.client.list_records({&kDeletions, kRepository}, {}));
    REQUIRE(world.transport.sent.size() == 4);
    CHECK(header_of(world.transport.sent[3], "x-auth-token") == "T2");
    CHECK(world.client.health().up);
  }
}

TEST_CASE("iam_user: a cloud that refuses every token isn't asked on and on") {
  World world({token("T1", "2026-01-03T03:04:05Z"), gateway(401, "APIGW.0307", "update"),
               token("T2", "2026-01-03T03:04:05Z"), gateway(401, "APIGW.0307", "update")},
              user_config());
  for (int i = 0; i < 4; ++i)
    CHECK_FALSE(world.client.list_records({&kDeletions, kRepository}, {}));
  CHECK(world.transport.sent.size() == 4);
}

TEST_CASE("iam_user: a renewal that fails leaves the token in use, and is not pressed") {
  World world({token("T1", "2026-01-03T03:04:05Z"), empty_page(),
               answer(401, R"({"error":{"code":401,"message":"no","title":"Unauthorized"}})"),
               empty_page()},
              user_config());
  REQUIRE(world.client.list_records({&kDeletions, kRepository}, {}));
  world.fake.advance(20h);
  for (int i = 0; i < 5; ++i) CHECK(world.client.list_records({&kDeletions, kRepository}, {}));
  CHECK(world.transport.sent.size() == 2 + 1 + 5);
  CHECK(world.client.health().up);
}

TEST_CASE("discover: the list ends where the server says and the pages show") {
  struct Row {
    const char* name;
    std::vector<Result<net::HttpResponse>> answers;
    std::size_t repositories;
    bool complete;
    std::size_t calls;
  };
  const Row rows[] = {
      {"one short page", {repositories(0, 3, 3), answer(200, "[]")}, 3, true, 2},
      {"a server that ignores the offset", {repositories(0, 3, 3)}, 3, true, 2},
      {"a full page, then a short one",
       {repositories(0, 100, 130), repositories(100, 30, 130)},
       130,
       true,
       2},
      {"exactly full", {repositories(0, 100, 100), answer(200, "[]")}, 100, true, 2},
      {"nothing, believed when said twice", {answer(200, "[]")}, 0, true, 2},
      {"an empty page by mistake",
       {answer(200, "[]"), repositories(0, 3, 3), answer(200, "[]")},
       3,
       true,
       3},
      {"the server's pages are smaller",
       {repositories(0, 50, 120), repositories(50, 50, 120), repositories(100, 20, 120)},
       120,
       true,
       3},
      {"a total too high", {repositories(0, 3, 9), answer(200, "[]")}, 3, true, 4},
      {"a total too low", {repositories(0, 100, 3), repositories(100, 7, 3)}, 107, true, 2},
      {"a row moved to the next page",
       {repositories(0, 100, 120), repositories(99, 21, 120)},
       120,
       true,
       2},
      {"the same page for ever", {repositories(0, 100, 500)}, 100, false, 3},
      {"a page refused in the middle",
       {repositories(0, 100, 120), gateway(400, "SVCSTG.SWR.4000014", "no")},
       100,
       false,
       2},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.name));
    World world(row.answers);
    const auto discovery = world.client.discover();
    REQUIRE(discovery);
    CHECK(discovery->repositories.size() == row.repositories);
    CHECK(discovery->complete == row.complete);
    CHECK(world.transport.sent.size() == row.calls);
    CHECK(discovery->server_time == parse_http_date(kDate));
  }
}

TEST_CASE("discover: limit and offset keep in step with the server's own page size") {
  World world({repositories(0, 50, 60), repositories(50, 10, 60)});
  REQUIRE(world.client.discover());
  CHECK(world.target(0) == "/v2/manage/repos?limit=100&offset=0");
  CHECK(world.target(1) == "/v2/manage/repos?limit=50&offset=50");
}

TEST_CASE("discover: where the whole may not be listed, each organisation is, by its exact name") {
  const auto forbidden = gateway(403, "SVCSTG.SWR.4030170", "no permission");
  const auto namespaces =
      answer(200, R"({"namespaces":[{"name":"team"},{"name":"team-a"},{"name":"closed"}]})");
  // The filter is fuzzy: "team" lists those of team-a too.
  const auto of_team =
      answer(200, "[" + listed("team", "x", 2) + "," + listed("team-a", "y", 2) + "]");
  const auto of_team_a = answer(200, "[" + listed("team-a", "y", 1) + "]");
  World world({forbidden, namespaces, of_team, answer(200, "[]"), of_team_a, forbidden});
  const auto discovery = world.client.discover();
  REQUIRE(discovery);
  CHECK(names_of(*discovery) == std::vector<std::string>{"team/x", "team-a/y"});
  CHECK(discovery->complete);
  CHECK(discovery->denied_namespaces == std::vector<std::string>{"closed"});
  CHECK(world.target(1) == "/v2/manage/namespaces?filter=mode%3A%3Avisible");
  CHECK(world.target(2) == "/v2/manage/repos?namespace=team&limit=100&offset=0");
  CHECK(world.client.health().up);
}

TEST_CASE("discover: an error only if nothing could be listed") {
  const auto forbidden = gateway(403, "SVCSTG.SWR.4030170", "no permission");
  World none({forbidden});
  REQUIRE_FALSE(none.client.discover());
  World refused({gateway(401, "APIGW.0301", "verify aksk signature fail")});
  const auto discovery = refused.client.discover();
  REQUIRE_FALSE(discovery);
  CHECK(discovery.error().kind == ErrorKind::unauthorized);
}

TEST_CASE("discover: static repositories need no call") {
  config::RegistryConfig config = keys_config();
  config.static_repositories = {{"team-a", "web/api", ""}};
  World world({empty_page()}, config);
  const auto discovery = world.client.discover();
  REQUIRE(discovery);
  CHECK(names_of(*discovery) == std::vector<std::string>{"team-a/web/api"});
  CHECK(discovery->complete);
  CHECK(world.transport.sent.empty());
}

TEST_CASE("abort: nothing is asked any more") {
  World world({empty_page()});
  world.client.abort();
  CHECK(world.client.list_records({&kDeletions, kRepository}, {}).error().kind ==
        ErrorKind::canceled);
  CHECK(world.transport.sent.empty());
}

TEST_CASE(
    "project: left out, it is asked for before anything else, and goes along with every call") {
  config::RegistryConfig config = keys_config();
  config.region = "cn-north-4";
  std::get<config::SwrConfig>(config.cloud).project_id = "";
  const net::HttpResponse found =
      answer(200, R"({"projects":[{"id":"0123","name":"cn-north-4"}]})");
  World world({found, repositories(0, 2, 2), answer(200, "[]"), empty_page()}, config);
  std::vector<std::string> parts;
  const auto discovery =
      world.client.discover([&](const Discovery& part) { parts.push_back(part.project_id); });
  REQUIRE(discovery);
  CHECK(discovery->project_id == "0123");
  CHECK(parts == std::vector<std::string>{"0123"});
  REQUIRE(world.client.list_records({&kDeletions, kRepository}, {0, 50}));
  REQUIRE(world.transport.sent.size() == 4);
  CHECK(world.transport.sent[0].origin == "http://iam");
  CHECK(header_of(world.transport.sent[1], "x-project-id") == "0123");
  CHECK(header_of(world.transport.sent[2], "x-project-id") == "0123");
  CHECK(world.client.health().up);
}

TEST_CASE("project: where it can't be found, nothing is read, and the registry is down") {
  for (const bool fixed : {false, true}) {
    CAPTURE(fixed);
    config::RegistryConfig config = keys_config();
    config.region = "cn-north-4";
    std::get<config::SwrConfig>(config.cloud).project_id = "";
    if (fixed) config.static_repositories = {{"team-a", "web/api", ""}};
    World world({gateway(403, "PAP5.0001", "denied"), answer(200, R"({"projects":[]})")}, config);
    const auto first = world.client.discover({});
    REQUIRE_FALSE(first);
    CHECK(first.error().kind == ErrorKind::forbidden);
    CHECK(first.error().detail.find("KeystoneListProjects") != std::string::npos);
    CHECK_FALSE(world.client.list_records({&kDeletions, kRepository}, {0, 50}));
    CHECK(world.transport.sent.size() == 1);
    CHECK_FALSE(world.client.health().up);
    world.fake.advance(1s);
    const auto then = world.client.list_records({&kDeletions, kRepository}, {0, 50});
    REQUIRE_FALSE(then);
    CHECK(then.error().kind == ErrorKind::invalid_config);
    for (const net::HttpRequest& request : world.transport.sent)
      CHECK(request.origin == "http://iam");
  }
}
