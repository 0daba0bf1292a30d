#include "exporter/swr/credentials.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/fake_machine.h"
#include "tests/support/fake_runtime.h"

namespace registry_exporter::swr {
namespace {

using nlohmann::json;

HttpResponse ok(std::string body, HttpHeaders headers = {}) {
  return {.status = 200, .headers = std::move(headers), .body = std::move(body)};
}

HttpResponse temporary_keys() {
  return ok(R"({"credential":{"access":"T","secret":"temporary","securitytoken":"token",)"
            R"("expires_at":"2026-01-02T09:04:05.678000Z"}})");
}

HttpResponse iam_token() {
  return ok(R"({"token":{"issued_at":"2026-01-02T03:04:05.000000Z",)"
            R"("expires_at":"2026-01-03T03:04:05.000000Z"}})",
            {{"x-subject-token", "iam-token"}});
}

struct World : FakeMachine {
  FakeRuntime fake;

  Credentials credentials(const RegistryConfig& config) {
    return {fake.runtime(), credential_sources(config, services(), machine()), [] {}};
  }
  std::string used(const RegistryConfig& config) {
    const Result<Keys> keys = credentials(config).get();
    return keys ? keys->access_key + keys->iam_token.reveal() : keys.error().detail;
  }
};

RegistryConfig config_of(const SwrCredentials& credentials, bool given = true) {
  RegistryConfig config;
  config.region = "cn-north-4";
  config.credentials_given = given;
  SwrConfig swr;
  swr.iam_endpoint = "https://iam.cn-north-4.myhuaweicloud.com";
  swr.credentials = credentials;
  config.cloud = swr;
  return config;
}

SwrCredentials static_keys() {
  SwrCredentials credentials;
  credentials.access_key.value = Secret("A");
  credentials.secret_key.file = "/secret";
  return credentials;
}

TEST_CASE("static keys: files are read again, and what is missing is named") {
  World world;
  world.files = {{"/secret", "one"}};
  Credentials credentials = world.credentials(config_of(static_keys()));
  CHECK(credentials.get()->secret_key == Secret("one"));
  world.files = {{"/secret", "two"}};
  CHECK(credentials.get()->secret_key == Secret("two"));
  world.files = {{"/secret", ""}};
  CHECK(credentials.get()->secret_key == Secret("two"));
  CHECK(world.used(config_of(static_keys())).find("secret_key") != std::string::npos);
}

TEST_CASE("iam_user: another password is tried at once") {
  World world;
  world.files = {{"/password", "old"}};
  world.answer = [](const HttpRequest&) { return iam_token(); };
  SwrCredentials from;
  from.iam_user = {"acme", "alice", "cn-north-4", {Secret(), "/password"}};
  Credentials credentials = world.credentials(config_of(from));
  const auto keys = credentials.get();
  REQUIRE(keys.has_value());
  CHECK(keys->iam_token == Secret("iam-token"));
  CHECK(keys->expires_at == world.now + std::chrono::hours(24));
  world.files["/password"] = "new";
  REQUIRE(credentials.get().has_value());
  REQUIRE(credentials.get().has_value());
  REQUIRE(world.sent.size() == 2);
  const json body = json::parse(world.sent[1].body);
  CHECK(body["auth"]["identity"]["password"]["user"]["password"] == "new");
}

TEST_CASE("oidc: the provider's token becomes IAM's, and that becomes keys") {
  World world;
  world.files = {{"/jwt", "a.b.c"}};
  world.answer = [](const HttpRequest& request) {
    return request.target == "/v3.0/OS-AUTH/id-token/tokens" ? iam_token() : temporary_keys();
  };
  SwrCredentials from;
  from.oidc = {"my-idp", "/jwt"};
  const auto keys = world.credentials(config_of(from)).get();
  REQUIRE(keys.has_value());
  CHECK(keys->access_key == "T");
  CHECK(keys->secret_key == Secret("temporary"));
  CHECK(keys->security_token == Secret("token"));
  CHECK(keys->iam_token.empty());
  REQUIRE(world.sent.size() == 2);
  CHECK(FakeMachine::header_of(world.sent[0], "x-idp-id") == "my-idp");
  CHECK(json::parse(world.sent[0].body)["auth"]["id_token"]["id"] == "a.b.c");
  CHECK(world.sent[1].target == "/v3.0/OS-CREDENTIAL/securitytokens");
  CHECK(json::parse(world.sent[1].body)["auth"]["identity"]["token"]["id"] == "iam-token");
}

TEST_CASE("assume_agency: asked with the keys beneath, signed or by token") {
  for (const bool by_user : {false, true}) {
    CAPTURE(by_user);
    World world;
    world.files = {{"/secret", "one"}};
    world.answer = [](const HttpRequest& request) {
      return request.target.starts_with("/v3/auth") ? iam_token() : temporary_keys();
    };
    SwrCredentials from = static_keys();
    if (by_user) {
      from = {};
      from.iam_user = {"acme", "alice", "cn-north-4", {Secret("pw"), ""}};
    }
    from.assume_agency = {"other", "reader"};
    CHECK(world.used(config_of(from)) == "T");
    const HttpRequest& asked = world.sent.back();
    const json identity = json::parse(asked.body)["auth"]["identity"];
    CHECK(identity["methods"][0] == "assume_role");
    CHECK(identity["assume_role"]["domain_name"] == "other");
    CHECK(identity["assume_role"]["agency_name"] == "reader");
    CHECK(FakeMachine::header_of(asked, "x-auth-token") == (by_user ? "iam-token" : ""));
    CHECK(FakeMachine::header_of(asked, "authorization").empty() == by_user);
  }
}

TEST_CASE("ecs_agency: the second version with a token, which is got anew once when refused") {
  struct Row {
    const char* name;
    int token_status;
    std::vector<int> statuses;  ///< Of the answers with keys.
    const char* body;           ///< Of those that are no 200.
    const char* used;
    std::size_t calls;
  };
  const Row rows[] = {
      {"version 2", 200, {200}, "", "T", 2},
      {"version 1", 404, {200}, "", "T", 2},
      {"version 1, as a newer one says it", 405, {200}, "", "T", 2},
      {"a token that is refused", 200, {401, 200}, "", "T", 4},
      {"refused again", 200, {401, 401}, "", "HTTP 401", 4},
      {"no agency", 200, {401}, "Please configure Cloud Service Agency first", "agency", 2},
      {"not allowed", 403, {}, "", "HTTP 403", 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world;
    std::size_t answered = 0;
    world.answer = [&](const HttpRequest& request) -> HttpResponse {
      CHECK(request.origin == "http://169.254.169.254");
      if (request.target == "/meta-data/latest/api/token") {
        return {.status = row.token_status, .headers = {}, .body = "v2-token"};
      }
      CHECK(request.target == "/openstack/latest/securitykey");
      CHECK(FakeMachine::header_of(request, "x-metadata-token") ==
            (row.token_status == 200 ? "v2-token" : ""));
      const int status = row.statuses.at(answered++);
      if (status == 200) return temporary_keys();
      return {.status = status, .headers = {}, .body = row.body};
    };
    SwrCredentials from;
    from.ecs_agency = true;
    CHECK(world.used(config_of(from)).find(row.used) != std::string::npos);
    CHECK(world.sent.size() == row.calls);
  }
}

TEST_CASE("default chain: environment, profile, instance, in this order") {
  World world;
  world.variables = {{"HOME", "/home/me"},
                     {"HUAWEICLOUD_SDK_AK", "E"},
                     {"HUAWEICLOUD_SDK_SK", "s"},
                     {"HUAWEICLOUD_SDK_IDP_ID", "idp"},
                     {"HUAWEICLOUD_SDK_ID_TOKEN_FILE", "/jwt"}};
  world.files = {{"/jwt", "a.b.c"}, {"/home/me/.huaweicloud/credentials", "[basic]\nak=P\nsk=s\n"}};
  bool iam_works = true;
  world.answer = [&](const HttpRequest& request) -> HttpResponse {
    if (request.origin == "http://169.254.169.254") return temporary_keys();
    if (!iam_works) return {.status = 500, .headers = {}, .body = {}};
    return request.target == "/v3.0/OS-AUTH/id-token/tokens" ? iam_token() : temporary_keys();
  };
  const RegistryConfig config = config_of({}, false);
  CHECK(world.used(config) == "E");
  CHECK(world.sent.empty());
  world.variables.erase("HUAWEICLOUD_SDK_SK");
  CHECK(world.used(config) == "T");
  CHECK(world.operations.front() == "CreateTokenWithIdToken");
  iam_works = false;
  CHECK(world.used(config) == "P");
  world.variables["HUAWEICLOUD_SDK_CREDENTIALS_FILE"] = "/elsewhere";
  CHECK(world.used(config) == "T");
  CHECK(world.operations.back() == "InstanceMetadata");
  world.variables.clear();
  world.answer = [](const HttpRequest&) { return HttpResponse{500, {}, {}}; };
  const std::string none = world.used(config);
  for (const char* word : {"HUAWEICLOUD_SDK_AK", "profile", "instance metadata"}) {
    CAPTURE(word);
    CHECK(none.find(word) != std::string::npos);
  }
}

TEST_CASE("iam: the environment names its endpoint only where the configuration doesn't") {
  World world;
  world.variables = {{"HUAWEICLOUD_SDK_IDP_ID", "idp"},
                     {"HUAWEICLOUD_SDK_ID_TOKEN_FILE", "/jwt"},
                     {"HUAWEICLOUD_SDK_IAM_ENDPOINT", "https://iam.elsewhere"}};
  world.files = {{"/jwt", "a.b.c"}};
  RegistryConfig config = config_of({}, false);
  world.used(config);
  CHECK(world.sent.at(0).origin == "https://iam.elsewhere");
  std::get<SwrConfig>(config.cloud).iam_endpoint = "http://mine";
  world.sent.clear();
  world.used(config);
  CHECK(world.sent.at(0).origin == "http://mine");
}

}  // namespace
}  // namespace registry_exporter::swr
