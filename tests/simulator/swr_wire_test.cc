#include "tests/simulator/swr_wire.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/simulator/naive_client.h"

namespace registry_exporter::simulator {
namespace {

using Json = nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const UnixMillis kNow{seconds{1'800'000'000}};
const char* const kHistories = "/v2/manage/namespaces/team-a/repos/web$api/retentions/histories";
const SwrAccount kWrongSecret{.secret_key = "wrong"};

/// A world that stands still, and its gateway.
struct Still {
  World world{{.repositories = 3, .speed = 0}, kNow};
  SwrWire wire{world};

  net::HttpResponse get(const std::string& target, UnixMillis now = kNow,
                        const SwrAccount& account = {}) {
    return wire.answer(swr_request(target, now, account), now);
  }
  Json json(const std::string& target) { return Json::parse(get(target).body); }
  /// "status code"
  std::string verdict(const net::HttpResponse& response) {
    const Json body = Json::parse(response.body, nullptr, false);
    const std::string code = body.is_object() ? body.value("error_code", "") : "";
    return std::to_string(response.status) + (code.empty() ? "" : " " + code);
  }
};

net::HttpResponse sign_in(SwrWire& wire, const std::string& password, const std::string& project) {
  const Json body = {{"auth",
                      {{"identity",
                        {{"methods", Json::array({"password"})},
                         {"password",
                          {{"user",
                            {{"name", "demo-user"},
                             {"password", password},
                             {"domain", {{"name", "demo-domain"}}}}}}}}},
                       {"scope", {{"project", {{"name", project}}}}}}}};
  return wire.answer({.method = "POST",
                      .target = "/v3/auth/tokens?nocatalog=true",
                      .headers = {{"content-type", "application/json;charset=utf8"}},
                      .body = body.dump()},
                     kNow);
}

}  // namespace

TEST_CASE("swr wire: trust agencies are assumed with keys, or with an id token") {
  Still still;
  struct Row {
    const char* name;
    const char* path;
    Json changes;
    int status;
  };
  const char* const signed_path = "/v5/agencies/assume";
  const char* const oidc_path = "/v5/agencies/assume-with-oidc";
  const Row rows[] = {
      {"not signed", signed_path, {}, 401},
      {"by an id token", oidc_path, {}, 200},
      {"an id token that is bad", oidc_path, {{"id_token", "bad"}}, 403},
      {"no provider", oidc_path, {{"provider_urn", ""}}, 403},
      {"no agency", oidc_path, {{"agency_urn", "reader"}}, 400},
      {"no session", oidc_path, {{"agency_session_name", ""}}, 400},
      {"too short", oidc_path, {{"duration_seconds", 899}}, 400},
      {"too long", oidc_path, {{"duration_seconds", 43'201}}, 400},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Json body = {{"agency_urn", "iam::1:agency:a"},
                 {"agency_session_name", "s"},
                 {"duration_seconds", 3600},
                 {"provider_urn", "iam::1:oidc-provider:p"},
                 {"id_token", "a.b.c"}};
    if (row.changes.is_object()) body.update(row.changes);
    const net::HttpResponse response = still.wire.answer(
        {.method = "POST", .target = row.path, .headers = {}, .body = body.dump()}, kNow);
    CHECK(response.status == row.status);
    if (response.status == 200) {
      CHECK_FALSE(Json::parse(response.body)["credentials"]["security_token"].empty());
    }
  }
}

TEST_CASE("swr wire: refuses what the cloud refuses, in its words") {
  Still still;
  struct Row {
    const char* name;
    std::string target;
    const char* verdict;
  };
  const std::string histories = kHistories;
  const Row rows[] = {
      {"namespaces", "/v2/manage/namespaces", "200"},
      {"the repository in the clear", "/v2/manage/namespaces/team-a/repos/web/api/retentions",
       "404 SVCSTG.SWR.4040010"},
      {"the repository with $", "/v2/manage/namespaces/team-a/repos/web$api/retentions", "200"},
      {"the repository with %24", "/v2/manage/namespaces/team-a/repos/web%24api/retentions", "200"},
      {"no such organisation", "/v2/manage/namespaces/nobody/repos/web$api/retentions/histories",
       "404 SVCSTG.SWR.4040058"},
      {"no such repository", "/v2/manage/namespaces/team-a/repos/nothing/retentions/histories",
       "404 SVCSTG.SWR.4040010"},
      {"no such rule", "/v2/manage/namespaces/team-a/repos/web$api/retentions/99999",
       "400 SVCSTG.SWR.4000306"},
      {"no such URL", "/v2/manage/namespaces/team-a/repos", "404 APIGW.0101"},
      {"limit 0", histories + "?limit=0&offset=0", "400 SVCSTG.SWR.4000056"},
      {"limit beyond the largest", histories + "?limit=1001&offset=0", "400 SVCSTG.SWR.4000056"},
      {"limit is no number", histories + "?limit=ten&offset=0", "400 SVCSTG.SWR.4001025"},
      {"a filter without colons", histories + "?filter=limit", "400 SVCSTG.SWR.4001035"},
      {"an odd column", "/v2/manage/repos?order_column=colour&order_type=asc",
       "400 SVCSTG.SWR.4001096"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(still.verdict(still.get(row.target)) == row.verdict);
  }
}

TEST_CASE("swr wire: lets in the right key at the right time only") {
  struct Row {
    const char* name;
    UnixMillis signed_at;
    SwrAccount account;
    const char* verdict;
  };
  const Row rows[] = {
      {"the key", kNow, {}, "200"},
      {"14 minutes fast", kNow + minutes{14}, {}, "200"},
      {"16 minutes fast", kNow + minutes{16}, {}, "401 APIGW.0301"},
      {"16 minutes slow", kNow - minutes{16}, {}, "401 APIGW.0301"},
      {"wrong secret", kNow, kWrongSecret, "401 APIGW.0301"},
      {"unknown key", kNow, {.access_key = "nobody"}, "401 APIGW.0301"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Still still;
    const auto request = swr_request("/v2/manage/namespaces", row.signed_at, row.account);
    CHECK(still.verdict(still.wire.answer(request, kNow)) == row.verdict);
  }
  Still still;
  WireRequest bare{.method = "GET", .target = "/v2/manage/repos", .headers = {}, .body = {}};
  CHECK(still.verdict(still.wire.answer(bare, kNow)) == "401 APIGW.0301");
}

TEST_CASE("swr wire: five bad signatures in a row lock the key for five minutes") {
  Still still;
  const auto bad = [&](UnixMillis now) {
    return still.get("/v2/manage/namespaces", now, kWrongSecret).status;
  };
  const auto good = [&](UnixMillis now) { return still.get("/v2/manage/namespaces", now).status; };
  for (int i = 0; i < 4; ++i) CHECK(bad(kNow) == 401);
  CHECK(good(kNow) == 200);
  for (int i = 0; i < 4; ++i) CHECK(bad(kNow) == 401);
  CHECK(good(kNow) == 200);
  for (int i = 0; i < 5; ++i) CHECK(bad(kNow) == 401);
  CHECK(good(kNow) == 401);
  CHECK(still.get("/v2/manage/namespaces").body.find("reach the limit") != std::string::npos);
  CHECK(good(kNow + minutes{4}) == 401);
  CHECK(good(kNow + minutes{5}) == 200);
}

TEST_CASE("swr wire: pages by limit and offset, and by filter, which wins") {
  Still still;
  const std::string list = kHistories;
  const Json all = still.json(list + "?limit=1000&offset=0");
  const std::size_t total = all["total"];
  REQUIRE(total > 100);
  const auto ids = [&](const std::string& query) {
    std::vector<std::int64_t> found;
    const Json answer = still.json(list + query);
    for (const Json& row : answer["retention_log"]) found.push_back(row["id"]);
    return found;
  };
  CHECK(ids("?limit=10&offset=20") == ids("?filter=limit%3A%3A10%7Coffset%3A%3A20"));
  CHECK(ids("?limit=5&offset=0&filter=limit%3A%3A10%7Coffset%3A%3A20") ==
        ids("?limit=10&offset=20"));
  CHECK(ids("?limit=10&offset=20")[0] == all["retention_log"][20]["id"]);
  CHECK(ids("?limit=7").size() == 100);    // One without the other is ignored,
  CHECK(ids("?offset=50").size() == 100);  // and the default is a hundred.
  const net::HttpResponse page = still.get(list + "?limit=10&offset=" + std::to_string(total - 3));
  CHECK(page.header("content-range") == std::to_string(total - 3) + "-3/" + std::to_string(total));
  CHECK(still.get(list).header("content-range").empty());
  CHECK(ids("?limit=10&offset=100000").empty());
}

TEST_CASE("swr wire: keeps the odd types of the real answers") {
  Still still;
  const Json row = still.json(kHistories)["retention_log"][0];
  CHECK(row["id"].is_number_integer());
  CHECK(row["rule_type"].is_string());
  const Json rule = Json::parse(row["rule_type"].get<std::string>());
  CHECK(rule["params"].begin()->is_string());
  CHECK(rule["tag_selectors"].is_array());
  CHECK(row["created_at"].get<std::string>().size() == 27);  // Microseconds.
  CHECK(row["repo"] == "web/api");
  const Json repositories = still.json("/v2/manage/repos");
  CHECK(repositories.is_array());
  CHECK(repositories[0]["total_range"] == 3);
  CHECK(repositories[0]["updated_at"].get<std::string>().size() == 30);  // Nanoseconds.
  const Json rules = still.json("/v2/manage/namespaces/team-a/repos/web$api/retentions");
  CHECK(rules[0]["algorithm"] == "or");
  CHECK(rules[0]["rules"][0]["template"].is_string());
  CHECK(still.json("/v3/manage/repos?limit=2")["nextMarker"] == 2);
  CHECK_FALSE(still.json("/v3/manage/repos?limit=2&marker=2").contains("nextMarker"));
}

TEST_CASE("iam: the demo user gets a token that works for a day, or until it is taken away") {
  Still still;
  CHECK(sign_in(still.wire, "wrong", "demo-region").status == 401);
  CHECK(sign_in(still.wire, "demo-password", "elsewhere").status == 401);
  const net::HttpResponse answer = sign_in(still.wire, "demo-password", "demo-region");
  CHECK(answer.status == 201);
  CHECK(Json::parse(answer.body)["token"]["expires_at"] == "2027-01-16T08:00:00.000000Z");
  const std::string token(answer.header("x-subject-token"));
  CHECK(token.size() > 1000);
  const WireRequest request{.method = "GET",
                            .target = "/v2/manage/namespaces",
                            .headers = {{"x-auth-token", token}},
                            .body = {}};
  CHECK(still.wire.answer(request, kNow + hours{23}).status == 200);
  CHECK(still.verdict(still.wire.answer(request, kNow + hours{24})) == "401 APIGW.0307");
  CHECK(still.wire.revoke_token(request));
  CHECK(still.verdict(still.wire.answer(request, kNow)) == "401 APIGW.0301");
}

TEST_CASE("iam: an id token leads to temporary keys") {
  Still still;
  const net::HttpResponse first =
      still.wire.answer({.method = "POST",
                         .target = "/v3.0/OS-AUTH/id-token/tokens",
                         .headers = {{"x-idp-id", "cluster"}},
                         .body = R"({"auth":{"id_token":{"id":"eyJhbGciOi"}}})"},
                        kNow);
  const Json ask = {{"auth",
                     {{"identity",
                       {{"methods", Json::array({"token"})},
                        {"token", {{"id", std::string(first.header("x-subject-token"))}}}}}}}};
  const net::HttpResponse second =
      still.wire.answer({.method = "POST",
                         .target = "/v3.0/OS-CREDENTIAL/securitytokens",
                         .headers = {},
                         .body = ask.dump()},
                        kNow);
  const Json keys = Json::parse(second.body)["credential"];
  const SwrAccount account{.access_key = keys["access"], .secret_key = keys["secret"]};
  WireRequest request = swr_request("/v2/manage/namespaces", kNow, account);
  CHECK(still.wire.answer(request, kNow).status == 401);
  request.headers.emplace_back("x-security-token", keys["securitytoken"]);
  CHECK(still.wire.answer(request, kNow).status == 200);
}

}  // namespace registry_exporter::simulator
