#include "tests/simulator/acr_wire.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "exporter/acr/token_service.h"
#include "tests/simulator/naive_client.h"

namespace registry_exporter::simulator {
namespace {

using Json = nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;

const UnixMillis kNow{seconds{1'800'000'000}};

/// One request against a fresh gateway; "status Code".
std::string verdict(const WireRequest& request) {
  const World world({.repositories = 3, .speed = 0}, kNow);
  AcrWire wire(world);
  const net::HttpResponse response = wire.answer(request, kNow);
  const Json body = Json::parse(response.body, nullptr, false);
  return std::to_string(response.status) + " " + body.value("Code", "no code");
}

WireRequest without(WireRequest request, const std::string& header) {
  std::erase_if(request.headers, [&](const auto& pair) { return pair.first == header; });
  return request;
}

WireRequest with(WireRequest request, const std::string& header, const std::string& value) {
  request = without(std::move(request), header);
  request.headers.emplace_back(header, value);
  return request;
}

const QueryPairs kInstance = {{"InstanceId", "cri-demo"}};

}  // namespace

TEST_CASE("acr wire: refuses what the cloud refuses, in its words") {
  const WireRequest good = acr_request("ListRepository", kInstance, kNow, "n");
  const WireRequest rpc = acr_rpc_request("ListRepository", kInstance, kNow, "n");
  WireRequest deleted = good;
  deleted.method = "DELETE";
  WireRequest tampered = good;
  tampered.target += "&PageNo=2";
  WireRequest with_body = good;
  with_body.body = "a=b";
  const AcrAccount wrong_secret{.access_key_secret = "wrong"};
  const AcrAccount wrong_key{.access_key_id = "nobody"};
  struct Row {
    const char* name;
    WireRequest request;
    const char* verdict;
  };
  const Row rows[] = {
      {"V3", good, "200 success"},
      {"V1 as a form", rpc, "200 success"},
      {"V3, wrong secret", acr_request("ListRepository", kInstance, kNow, "n", wrong_secret),
       "400 SignatureDoesNotMatch"},
      {"V1, wrong secret", acr_rpc_request("ListRepository", kInstance, kNow, "n", wrong_secret),
       "400 SignatureDoesNotMatch"},
      {"V3, unknown key", acr_request("ListRepository", kInstance, kNow, "n", wrong_key),
       "404 InvalidAccessKeyId.NotFound"},
      {"V1, unknown key", acr_rpc_request("ListRepository", kInstance, kNow, "n", wrong_key),
       "404 InvalidAccessKeyId.NotFound"},
      {"V3, 16 minutes slow", acr_request("ListRepository", kInstance, kNow - minutes{16}, "n"),
       "400 InvalidTimeStamp.Expired"},
      {"V3, 16 minutes fast", acr_request("ListRepository", kInstance, kNow + minutes{16}, "n"),
       "400 InvalidTimeStamp.Expired"},
      {"V3, 14 minutes slow", acr_request("ListRepository", kInstance, kNow - minutes{14}, "n"),
       "200 success"},
      {"V1, 16 minutes slow", acr_rpc_request("ListRepository", kInstance, kNow - minutes{16}, "n"),
       "400 InvalidTimeStamp.Expired"},
      {"the query was changed on the way", tampered, "400 SignatureDoesNotMatch"},
      {"a body that was not signed", with_body, "400 IncompleteSignature"},
      {"a header that was not signed", with(good, "x-acs-extra", "1"), "400 IncompleteSignature"},
      {"the nonce was taken out", without(good, "x-acs-signature-nonce"),
       "400 SignatureDoesNotMatch"},
      {"no signature at all", without(good, "authorization"), "400 MissingAccessKeyId"},
      {"another scheme", with(good, "authorization", "Bearer x"), "400 IncompleteSignature"},
      {"no action", acr_request("", kInstance, kNow, "n"), "400 MissingAction"},
      {"another version", with(good, "x-acs-version", "2016-06-07"), "404 InvalidApi.NotFound"},
      {"another method", deleted, "405 UnsupportedHTTPMethod"},
      {"no such operation", acr_request("DeleteRepository", kInstance, kNow, "n"),
       "404 InvalidAction.NotFound"},
      {"no instance", acr_request("ListRepository", {}, kNow, "n"), "400 MissingInstanceId"},
      {"another instance", acr_request("ListRepository", {{"InstanceId", "cri-x"}}, kNow, "n"),
       "200 INSTANCE_NOT_EXIST"},
      {"no repository", acr_request("ListRepoBuildRecord", kInstance, kNow, "n"),
       "400 MissingRepoId"},
      {"another repository",
       acr_request("ListRepoBuildRecord", {{"InstanceId", "cri-demo"}, {"RepoId", "crr-x"}}, kNow,
                   "n"),
       "200 REPO_NOT_EXIST"},
      {"page 0",
       acr_request("ListRepository", {{"InstanceId", "cri-demo"}, {"PageNo", "0"}}, kNow, "n"),
       "400 InvalidParameter"},
      {"no such build",
       acr_request("GetRepoBuildRecord", {{"InstanceId", "cri-demo"}, {"BuildRecordId", "x"}}, kNow,
                   "n"),
       "200 BUILD_RECORD_NOT_EXIST"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(verdict(row.request) == row.verdict);
  }
}

TEST_CASE("acr wire: a nonce works once, by either signature") {
  const World world({.repositories = 2, .speed = 0}, kNow);
  AcrWire wire(world);
  const WireRequest request = acr_request("ListInstance", {}, kNow, "once");
  CHECK(wire.answer(request, kNow).status == 200);
  CHECK(Json::parse(wire.answer(request, kNow).body)["Code"] == "SignatureNonceUsed");
  const WireRequest rpc = acr_rpc_request("ListInstance", {}, kNow, "once");
  CHECK(Json::parse(wire.answer(rpc, kNow).body)["Code"] == "SignatureNonceUsed");
}

TEST_CASE("acr wire: keeps the odd types of the real answers") {
  const World world({.repositories = 2, .speed = 0}, kNow);
  AcrWire wire(world);
  int nonce = 0;
  const auto call = [&](const std::string& action, QueryPairs parameters) {
    parameters.emplace_back("InstanceId", "cri-demo");
    const auto request = acr_request(action, parameters, kNow, std::to_string(++nonce));
    return Json::parse(wire.answer(request, kNow).body);
  };
  const Json list = call("ListRepository", {{"PageSize", "500"}});
  CHECK(list["TotalCount"] == "2");
  CHECK(list["PageSize"] == 100);
  CHECK(list["Repositories"][0]["CreateTime"].is_number());
  CHECK(call("ListInstance", {})["TotalCount"] == 1);
  CHECK(call("ListInstance", {})["Instances"][0]["CreateTime"].is_string());
  const std::string repo_id = list["Repositories"][0]["RepoId"];
  const Json builds = call("ListRepoBuildRecord", {{"RepoId", repo_id}, {"PageNo", "2"}});
  CHECK(builds["PageSize"] == 30);
  CHECK(builds["PageNo"] == 2);
  const Json& build = builds["BuildRecords"][0];
  CHECK(build["StartTime"].is_string());
  CHECK(build["EndTime"].is_string());
  CHECK(build["Image"]["RepoId"] == repo_id);
  const std::string id = build["BuildRecordId"];
  const Json one = call("GetRepoBuildRecord", {{"BuildRecordId", id}});
  CHECK(one["Status"] == build["BuildStatus"]);
  CHECK(one["StartTime"].is_number());
  CHECK_FALSE(one["Image"].contains("RepoId"));
  const Json status =
      call("GetRepoBuildRecordStatus", {{"BuildRecordId", id}, {"RepoId", repo_id}});
  CHECK(status["BuildStatus"] == build["BuildStatus"]);
}

TEST_CASE("acr wire: a running build has an empty EndTime and leaves that state by itself") {
  World world({.repositories = 1, .speed = 1}, kNow);
  AcrWire wire(world);
  int nonce = 0;
  const auto newest = [&](UnixMillis now) {
    world.advance_to(now);
    const auto request = acr_request("ListRepoBuildRecord",
                                     {{"InstanceId", "cri-demo"}, {"RepoId", world.acr()[0].id}},
                                     now, std::to_string(++nonce));
    return Json::parse(wire.answer(request, now).body)["BuildRecords"][0];
  };
  UnixMillis now = kNow;
  for (int i = 0; i < 500 && world.acr()[0].builds.back().ended_at; ++i) newest(now += minutes{1});
  REQUIRE_FALSE(world.acr()[0].builds.back().ended_at);
  const Json running = newest(now);
  CHECK(running["EndTime"] == "");
  const std::string status = running["BuildStatus"];
  CHECK((status == "PENDING" || status == "BUILDING"));
  world.set_speed(1, now);
  const std::uint64_t number = world.acr()[0].builds.size() - 1;
  world.advance_to(now + minutes{41});
  CHECK(world.acr()[0].builds[number].ended_at);
}

TEST_CASE("acr wire: temporary keys work with their token until they expire") {
  const World world({.repositories = 1, .speed = 0}, kNow);
  AcrWire wire(world);
  WireRequest assume{.method = "POST",
                     .target = "/?Action=AssumeRoleWithOIDC&Version=2015-04-01&Format=JSON",
                     .headers = {{"content-type", "application/x-www-form-urlencoded"}},
                     .body = "RoleArn=a&OIDCProviderArn=b&OIDCToken=eyJhbGci&RoleSessionName=s"};
  const Json answer = Json::parse(wire.answer(assume, kNow).body);
  const AcrAccount account{.access_key_id = answer["Credentials"]["AccessKeyId"],
                           .access_key_secret = answer["Credentials"]["AccessKeySecret"]};
  const std::string token = answer["Credentials"]["SecurityToken"];
  const auto call = [&](UnixMillis now, const std::string& sent, const std::string& nonce) {
    const auto request =
        acr_rpc_request("ListInstance", {{"SecurityToken", sent}}, now, nonce, account);
    return Json::parse(wire.answer(request, now).body)["Code"].get<std::string>();
  };
  CHECK(call(kNow, token, "1") == "success");
  CHECK(call(kNow, "other", "2") == "InvalidSecurityToken.Malformed");
  CHECK(call(kNow + minutes{61}, token, "3") == "InvalidSecurityToken.Expired");
}

TEST_CASE("acr wire: STS verifies how AssumeRole is signed") {
  const auto assume = [](const std::string& secret) {
    const cloud::Keys keys{.access_key = "demo-access-key-id",
                           .secret_key = Secret(secret),
                           .security_token = {},
                           .iam_token = {},
                           .expires_at = {},
                           .generation = 0};
    const net::HttpRequest request =
        acr::assume_role("http://127.0.0.1:10068", {"arn", "me", "a b", ""}, keys, kNow, "n");
    return WireRequest{.method = request.method,
                       .target = request.target,
                       .headers = request.headers,
                       .body = request.body};
  };
  const WireRequest good = assume("demo-access-key-secret");
  WireRequest changed = good;
  changed.target += "&Policy=x";
  CHECK(verdict(good) == "200 no code");
  CHECK(verdict(assume("wrong")) == "400 SignatureDoesNotMatch");
  CHECK(verdict(changed) == "400 SignatureDoesNotMatch");
  CHECK(verdict(with(good, "x-acs-action", "Other")) == "400 SignatureDoesNotMatch");
  CHECK(verdict(without(good, "authorization")) == "400 MissingAccessKeyId");
}

TEST_CASE("acr wire: answers the older signature in XML unless JSON was asked for") {
  const World world({.repositories = 1, .speed = 0}, kNow);
  AcrWire wire(world);
  const WireRequest request{.method = "GET",
                            .target = "/?Action=ListInstance&Version=2018-12-01",
                            .headers = {},
                            .body = {}};
  const net::HttpResponse response = wire.answer(request, kNow);
  CHECK(response.header("content-type") == "text/xml;charset=utf-8");
  CHECK(response.body.find("<Code>MissingAccessKeyId</Code>") != std::string::npos);
}

}  // namespace registry_exporter::simulator
