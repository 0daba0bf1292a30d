#include "exporter/swr/credentials.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "exporter/config/endpoint.h"
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
  CHECK(world.used(config) == "T");  // The identity provider goes before the keys.
  CHECK(world.operations.front() == "CreateTokenWithIdToken");
  world.sent.clear();
  world.variables.erase("HUAWEICLOUD_SDK_IDP_ID");
  CHECK(world.used(config) == "E");
  CHECK(world.sent.empty());
  world.variables.erase("HUAWEICLOUD_SDK_SK");
  CHECK(world.used(config) == "P");
  world.variables["HUAWEICLOUD_SDK_IDP_ID"] = "idp";
  iam_works = false;
  CHECK(world.used(config) == "P");
  world.variables["HUAWEICLOUD_SDK_CREDENTIALS_FILE"] = "/elsewhere";
  CHECK(world.used(config) == "T");
  CHECK(world.operations.back() == "InstanceMetadata");
  world.files = {{"/pod", "pod token\n"}};
  world.variables = {{"HC_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.1.1/v1/credentials"},
                     {"HC_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/pod"}};
  world.sent.clear();
  CHECK(world.used(config) == "T");
  CHECK(world.operations.back() == "InstanceMetadata");
  world.answer = [&](const HttpRequest& request) -> HttpResponse {
    if (request.origin == "http://169.254.169.254") return {500, {}, {}};
    return temporary_keys();
  };
  CHECK(world.used(config) == "T");
  CHECK(world.operations.back() == "PodIdentity");
  world.variables.clear();
  world.answer = [](const HttpRequest&) { return HttpResponse{500, {}, {}}; };
  const std::string none = world.used(config);
  for (const char* word : {"HUAWEICLOUD_SDK_AK", "profile", "instance metadata"}) {
    CAPTURE(word);
    CHECK(none.find(word) != std::string::npos);
  }
}

TEST_CASE("pod identity: the file's text as it stands, an empty object, keys under its own names") {
  World world;
  world.files = {{"/pod", "\n  header.claims.signature \r\n"}};
  world.variables = {{"HC_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.1.1:81/v1/keys?a=b#c"},
                     {"HC_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/pod"}};
  int status = 200;
  world.answer = [&](const HttpRequest& request) -> HttpResponse {
    if (request.origin == "http://169.254.169.254") return {404, {}, {}};
    return {
        status,
        {},
        R"({"assumedAgency":{"urn":""},"credentials":{"accessKeyId":"P",)"
        R"("secretAccessKey":"s","securityToken":"t","expiration":"2026-01-02T09:04:05.678Z"}})"};
  };
  const RegistryConfig config = config_of({}, false);
  const auto keys = world.credentials(config).get();
  REQUIRE(keys.has_value());
  CHECK(keys->access_key == "P");
  CHECK(keys->secret_key == Secret("s"));
  CHECK(keys->security_token == Secret("t"));
  CHECK(keys->expires_at == world.now + std::chrono::hours(6) + Millis{678});
  const HttpRequest& asked = world.sent.back();
  CHECK(asked.method == "POST");
  CHECK(asked.origin == "http://169.254.1.1:81");
  CHECK(asked.target == "/v1/keys?a=b");
  CHECK(asked.body == "{}");
  CHECK(FakeMachine::header_of(asked, "authorization") == "header.claims.signature");
  status = 403;
  CHECK(world.used(config).find("service account") != std::string::npos);
  world.files["/pod"] = " \n";
  CHECK(world.used(config).find("/pod: the file is empty") != std::string::npos);
  world.variables["HC_CONTAINER_CREDENTIALS_FULL_URI"] = "169.254.1.1/keys";
  CHECK(world.used(config).find("HC_CONTAINER_CREDENTIALS_FULL_URI") != std::string::npos);
}

HttpResponse agency_keys() {
  return ok(R"({"assumed_agency":{"urn":"sts::1:assumed-agency:a/b"},"credentials":{)"
            R"("access_key_id":"V","secret_access_key":"s","security_token":"t",)"
            R"("expiration":"2026-01-02T04:04:05.678Z"}})");
}

TEST_CASE("trust agencies: STS of the region is asked with the keys beneath") {
  World world;
  world.files = {{"/secret", "one"}};
  world.answer = [](const HttpRequest&) { return agency_keys(); };
  SwrCredentials from = static_keys();
  from.assume_agency.emplace();
  from.assume_agency->agency_urn = "iam::0a1b:agency:reader";
  RegistryConfig config = config_of(from);
  CHECK(world.used(config) == "V");
  const HttpRequest& asked = world.sent.back();
  CHECK(world.operations.back() == "AssumeAgency");
  CHECK(asked.method == "POST");
  CHECK(asked.origin == "https://sts.cn-north-4.myhuaweicloud.com");
  CHECK(asked.target == "/v5/agencies/assume");
  CHECK(FakeMachine::header_of(asked, "authorization").find("Access=A,") != std::string::npos);
  CHECK(json::parse(asked.body) == json({{"agency_urn", "iam::0a1b:agency:reader"},
                                         {"agency_session_name", "registry-exporter"},
                                         {"duration_seconds", 3600}}));
  from.assume_agency->session_name = "mine";
  from.assume_agency->external_id = "e";
  config = config_of(from);
  config.sts_endpoint = "http://sts";
  CHECK(world.used(config) == "V");
  CHECK(world.sent.back().origin == "http://sts");
  CHECK(json::parse(world.sent.back().body)["agency_session_name"] == "mine");
  CHECK(json::parse(world.sent.back().body)["external_id"] == "e");
}

TEST_CASE("trust agencies: an identity provider's token is enough, nothing is signed") {
  World world;
  world.files = {{"/jwt", "a.b.c\n"}};
  world.answer = [](const HttpRequest&) { return agency_keys(); };
  SwrCredentials from;
  from.oidc = {"", "/jwt", "iam::0a1b:oidc-provider:p", "iam::0a1b:agency:reader"};
  RegistryConfig config = config_of(from);
  config.region = "eu-west-102";
  CHECK(world.used(config) == "V");
  REQUIRE(world.sent.size() == 1);
  const HttpRequest& asked = world.sent.back();
  CHECK(world.operations.back() == "AssumeAgencyWithOIDC");
  CHECK(asked.origin == "https://sts.eu-west-102.myhuaweicloud.eu");
  CHECK(asked.target == "/v5/agencies/assume-with-oidc");
  CHECK(FakeMachine::header_of(asked, "authorization").empty());
  CHECK(json::parse(asked.body) == json({{"agency_urn", "iam::0a1b:agency:reader"},
                                         {"agency_session_name", "registry-exporter"},
                                         {"duration_seconds", 3600},
                                         {"provider_urn", "iam::0a1b:oidc-provider:p"},
                                         {"id_token", "a.b.c"}}));
}

TEST_CASE("iam: the global host only where the region's has no name, and from then on first") {
  struct Row {
    const char* name;
    const char* region;
    bool given;
    const char* failure;  ///< Of the region's host.
    std::vector<std::string> asked;
  };
  const std::string north = "https://iam.cn-north-11.myhuaweicloud.com";
  const std::string global = "https://iam.myhuaweicloud.com";
  const Row rows[] = {
      {"no name", "cn-north-11", false, "dns: Could not resolve host", {north, global, global}},
      {"not reached", "cn-north-11", false, "connect: refused", {north, north}},
      {"configured", "cn-north-11", true, "dns: Could not resolve host", {north, north}},
      {"Europe has an IAM of its own",
       "eu-west-101",
       false,
       "dns: Could not resolve host",
       {"https://iam.eu-west-101.myhuaweicloud.eu", "https://iam.eu-west-101.myhuaweicloud.eu"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world;
    std::vector<std::string> asked;
    KeyServices services = world.services();
    services.call = [&](const ApiCall& call) -> Result<HttpResponse> {
      const auto request = call.prepare(world.now);
      asked.push_back(request->origin);
      if (request->origin != global) return fail(ErrorKind::transport, row.failure);
      CHECK_FALSE(call.judge(iam_token()));
      return iam_token();
    };
    SwrCredentials from;
    from.iam_user = {"acme", "alice", row.region, {Secret("pw"), ""}};
    RegistryConfig config = config_of(from);
    config.region = row.region;
    auto& swr = std::get<SwrConfig>(config.cloud);
    swr.iam_endpoint = iam_endpoint(row.region);
    swr.iam_endpoint_given = row.given;
    Credentials credentials(world.fake.runtime(),
                            credential_sources(config, services, world.machine()), [] {});
    (void)credentials.get();
    world.fake.advance(std::chrono::hours(25));
    (void)credentials.get();
    CHECK(asked == row.asked);
  }
}

TEST_CASE("project: what stands beside the keys comes along, or what a token is for") {
  struct Row {
    const char* name;
    std::map<std::string, std::string> variables;
    const char* file;
    const char* project;
  };
  const std::map<std::string, std::string> keys = {{"HUAWEICLOUD_SDK_AK", "E"},
                                                   {"HUAWEICLOUD_SDK_SK", "s"},
                                                   {"HUAWEICLOUD_SDK_PROJECT_ID", "of-environment"},
                                                   {"HOME", "/home/me"}};
  const std::map<std::string, std::string> project_alone = {
      {"HUAWEICLOUD_SDK_PROJECT_ID", "of-environment"}, {"HOME", "/home/me"}};
  const Row rows[] = {
      {"environment", keys, "[basic]\nak=P\nsk=s\nproject_id=of-file\n", "of-environment"},
      {"profile", project_alone, "[basic]\nak=P\nsk=s\nproject_id = of-file # ours\n", "of-file"},
      {"another place's says nothing", project_alone, "[basic]\nak=P\nsk=s\n", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world;
    world.variables = row.variables;
    world.files = {{"/home/me/.huaweicloud/credentials", row.file}};
    const auto found = world.credentials(config_of({}, false)).get();
    REQUIRE(found.has_value());
    CHECK(found->project_id == row.project);
  }
  World world;
  world.answer = [](const HttpRequest&) {
    return ok(R"({"token":{"expires_at":"2026-01-03T03:04:05Z","project":{"id":"of-token"}}})",
              {{"x-subject-token", "iam-token"}});
  };
  SwrCredentials from;
  from.iam_user = {"acme", "alice", "cn-north-4", {Secret("pw"), ""}};
  CHECK(world.credentials(config_of(from)).get()->project_id == "of-token");
  from.assume_agency = {"other", "reader"};
  world.answer = [](const HttpRequest& request) {
    return request.target.starts_with("/v3/auth") ? iam_token() : temporary_keys();
  };
  CHECK(world.credentials(config_of(from)).get()->project_id.empty());
}

TEST_CASE("profile: [global] alone is refused by its name") {
  World world;
  world.variables = {{"HOME", "/home/me"}};
  world.files = {{"/home/me/.huaweicloud/credentials", "[global]\nak=P\nsk=s\n"}};
  CHECK(world.used(config_of({}, false)).find("[global]") != std::string::npos);
}

TEST_CASE("profile: comments, quotes and what stands beside the keys, as the clients read it") {
  World world;
  world.variables = {{"HOME", "/home/me"}};
  world.files = {{"/home/me/.huaweicloud/credentials",
                  "# mine\n[basic]  # default\nak = P   # key\nsk = 's'  ; secret\n"
                  "idp_id = \"idp\"\nid_token_file=/jwt # token\n"
                  "iam_endpoint = iam.private  # no scheme\ndomain_id = d\n"},
                 {"/jwt", " a.b.c \r\n\n"}};
  world.answer = [](const HttpRequest& request) {
    return request.target == "/v3.0/OS-AUTH/id-token/tokens" ? iam_token() : temporary_keys();
  };
  CHECK(world.used(config_of({}, false)) == "T");
  REQUIRE(world.sent.size() == 2);
  CHECK(world.sent[0].origin == "https://iam.private");
  CHECK(world.sent[1].origin == "https://iam.private");
  CHECK(json::parse(world.sent[0].body)["auth"]["id_token"]["id"] == "a.b.c");
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
  world.sent.clear();
  world.variables["HUAWEICLOUD_SDK_IAM_ENDPOINT"] = "iam.without-scheme";
  world.used(config);
  CHECK(world.sent.at(0).origin == "https://iam.without-scheme");
  std::get<SwrConfig>(config.cloud).iam_endpoint = "http://mine";
  std::get<SwrConfig>(config.cloud).iam_endpoint_given = true;
  world.sent.clear();
  world.used(config);
  CHECK(world.sent.at(0).origin == "http://mine");
}

}  // namespace
}  // namespace registry_exporter::swr
