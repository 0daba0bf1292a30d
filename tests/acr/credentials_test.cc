#include "exporter/acr/credentials.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "exporter/acr/hosts.h"
#include "exporter/acr/signer.h"
#include "exporter/base/time_text.h"
#include "tests/support/fake_host.h"
#include "tests/support/fake_runtime.h"

namespace registry_exporter::acr {
namespace {

net::HttpResponse ok(std::string body) {
  return {.status = 200, .headers = {}, .body = std::move(body)};
}

const std::string kKeys =
    R"("AccessKeyId":"STS.1","AccessKeySecret":"temporary","SecurityToken":"token",)"
    R"("Expiration":"2026-01-02T04:04:05Z")";

net::HttpResponse sts_answer() { return ok(R"({"RequestId":"1","Credentials":{)" + kKeys + "}}"); }

struct World : FakeHost {
  FakeRuntime fake;

  cloud::Credentials credentials(const config::RegistryConfig& config) {
    return {fake.runtime(), credential_sources(config, services(), host(), fake.runtime()), [] {}};
  }
  /// The access key that is used, or the error.
  std::string used(const config::RegistryConfig& config) {
    const Result<cloud::Keys> keys = credentials(config).get();
    return keys ? keys->access_key : keys.error().detail;
  }
};

config::RegistryConfig configured(config::AcrCredentials credentials) {
  config::RegistryConfig config;
  config.region = "cn-hangzhou";
  config.cloud = config::AcrConfig{.instance_id = "cri-1", .credentials = std::move(credentials)};
  config.credentials_given = true;
  return config;
}

config::AcrCredentials static_keys() {
  config::AcrCredentials credentials;
  credentials.access_key_id.value = Secret("id");
  credentials.access_key_secret.file = "/secret";
  return credentials;
}

std::map<std::string, std::string> pairs_of(std::string_view query) {
  std::map<std::string, std::string> pairs;
  for (const auto& [key, value] : parse_query(query).value_or(QueryPairs{})) pairs[key] = value;
  return pairs;
}

TEST_CASE("static keys: files are read again, and what is missing is named without a secret") {
  World world;
  world.files = {{"/secret", "one"}, {"/token", "t"}};
  config::AcrCredentials from = static_keys();
  from.security_token.file = "/token";
  cloud::Credentials credentials = world.credentials(configured(from));
  const auto first = credentials.get();
  REQUIRE(first.has_value());
  CHECK(first->access_key == "id");
  CHECK(first->security_token.reveal() == "t");
  world.files["/secret"] = "two";
  CHECK(credentials.get()->secret_key.reveal() == "two");

  world.files = {{"/token", "canary"}};
  const std::string missing = world.used(configured(from));
  CHECK(missing.find("access_key_secret") != std::string::npos);
  CHECK(missing.find("canary") == std::string::npos);
}

TEST_CASE("assume_role: the question is signed as any other, the answer is used") {
  World world;
  world.files = {{"/secret", "base"}, {"/token", "t"}};
  world.answer = [](const net::HttpRequest&) { return sts_answer(); };
  config::AcrCredentials from = static_keys();
  from.security_token.file = "/token";
  from.assume_role = {"acs:ram::1:role/r", "", "x y", ""};
  config::RegistryConfig config = configured(from);
  config.key_endpoints.sts = "http://sts";
  const auto keys = world.credentials(config).get();
  REQUIRE(keys.has_value());
  CHECK(keys->access_key == "STS.1");
  CHECK(keys->secret_key.reveal() == "temporary");
  CHECK(keys->security_token.reveal() == "token");
  CHECK(keys->expires_at == world.now + std::chrono::hours(1));

  REQUIRE(world.sent.size() == 1);
  const net::HttpRequest& asked = world.sent[0];
  CHECK(asked.method == "POST");
  CHECK(asked.origin == "http://sts");
  const auto query = pairs_of(asked.target.substr(2));
  CHECK(query.at("RoleArn") == "acs:ram::1:role/r");
  CHECK(query.at("RoleSessionName") == "registry_exporter");
  CHECK(query.at("ExternalId") == "x y");
  CHECK(query.at("DurationSeconds") == "3600");
  CHECK(FakeHost::header_of(asked, "x-acs-action") == "AssumeRole");
  CHECK(FakeHost::header_of(asked, "x-acs-version") == "2015-04-01");
  CHECK(FakeHost::header_of(asked, "x-acs-date") == "2026-01-02T03:04:05Z");
  CHECK(FakeHost::header_of(asked, "x-acs-security-token") == "t");
  const std::string nonce = FakeHost::header_of(asked, "x-acs-signature-nonce");
  net::HttpRequest again = asked;
  std::erase_if(again.headers, [](const auto& each) { return each.first == "authorization"; });
  again = sign_v3(again, {"id", Secret("base"), Secret("t"), {}, {}, 0}, world.now, nonce);
  CHECK(FakeHost::header_of(asked, "authorization") == FakeHost::header_of(again, "authorization"));
}

TEST_CASE("assume_role: goes on top of any form") {
  World world;
  world.files = {{"/jwt", "a.b.c"}};
  world.answer = [](const net::HttpRequest&) { return sts_answer(); };
  config::AcrCredentials from;
  from.oidc = {"acs:ram::1:role/first", "provider", "/jwt", ""};
  from.assume_role = {"acs:ram::2:role/second", "", "", ""};
  CHECK(world.used(configured(from)) == "STS.1");
  CHECK(world.operations == std::vector<std::string>{"AssumeRoleWithOIDC", "AssumeRole"});
  CHECK(FakeHost::header_of(world.sent[1], "x-acs-security-token") == "token");
}

TEST_CASE("chain of profiles: each role is assumed with the keys of the one beneath") {
  World world;
  world.variables = {{"HOME", "/home/me"}};
  world.files = {{"/home/me/.aliyun/config.json",
                  R"({"current":"c","profiles":[
 {"name":"a","mode":"AK","access_key_id":"A","access_key_secret":"S"},
 {"name":"b","mode":"ChainableRamRoleArn","source_profile":"a","ram_role_arn":"first"},
 {"name":"c","mode":"ChainableRamRoleArn","source_profile":"b","ram_role_arn":"second"}]})"}};
  world.answer = [](const net::HttpRequest&) { return sts_answer(); };
  CHECK(world.used(config::RegistryConfig()) == "STS.1");
  REQUIRE(world.sent.size() == 2);
  CHECK(pairs_of(world.sent[0].target.substr(2))["RoleArn"] == "first");
  CHECK(FakeHost::header_of(world.sent[0], "authorization").find("=A,") != std::string::npos);
  CHECK(pairs_of(world.sent[1].target.substr(2))["RoleArn"] == "second");
  CHECK(FakeHost::header_of(world.sent[1], "x-acs-security-token") == "token");
}

TEST_CASE("oidc: not signed, the token is in the body alone and read anew each time") {
  World world;
  world.files = {{"/jwt", "first"}};
  world.answer = [](const net::HttpRequest&) { return sts_answer(); };
  config::AcrCredentials from;
  from.oidc = {"arn", "provider", "/jwt", "me", "{}"};
  cloud::Credentials credentials = world.credentials(configured(from));
  REQUIRE(credentials.get().has_value());
  CHECK(world.sent[0].origin == "https://sts.aliyuncs.com");
  auto form = pairs_of(world.sent[0].body);
  CHECK(form["OIDCToken"] == "first");
  CHECK(form["OIDCProviderArn"] == "provider");
  CHECK(form["RoleSessionName"] == "me");
  CHECK(form["Policy"] == "{}");
  CHECK(world.sent[0].target.find("first") == std::string::npos);
  CHECK(world.sent[0].target.find("Signature") == std::string::npos);
  world.fake.advance(std::chrono::minutes(50));
  world.files["/jwt"] = "second";
  REQUIRE(credentials.get().has_value());
  CHECK(pairs_of(world.sent.back().body)["OIDCToken"] == "second");
}

TEST_CASE("oidc: a refusal is told by its code, never by words that may quote the token") {
  World world;
  world.files = {{"/jwt", "canary"}};
  world.answer = [](const net::HttpRequest&) {
    return net::HttpResponse{
        .status = 400,
        .headers = {},
        .body = R"({"Code":"AuthenticationFail.OIDCToken.Invalid","Message":"canary is bad"})"};
  };
  config::AcrCredentials from;
  from.oidc = {"arn", "provider", "/jwt", ""};
  const auto keys = world.credentials(configured(from)).get();
  REQUIRE_FALSE(keys.has_value());
  CHECK(keys.error().kind == ErrorKind::unauthorized);
  CHECK(keys.error().detail.find("AuthenticationFail.OIDCToken.Invalid") != std::string::npos);
  CHECK(keys.error().detail.find("canary") == std::string::npos);
}

TEST_CASE("ecs_ram_role: the second version with a token, the first where there is no other") {
  struct Row {
    const char* name;
    std::string role;
    bool has_v2, v1_disabled;
    const char* used;
    std::size_t calls;
  };
  const Row rows[] = {{"a role by name", "mine", true, false, "STS.1", 2},
                      {"the role is asked for", "", true, false, "STS.1", 3},
                      {"version 1", "", false, false, "STS.1", 3},
                      {"version 1 is not wanted", "", false, true, nullptr, 1}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world;
    if (row.v1_disabled) world.variables = {{"ALIBABA_CLOUD_IMDSV1_DISABLED", "true"}};
    world.answer = [&](const net::HttpRequest& request) -> net::HttpResponse {
      CHECK(request.origin == "http://100.100.100.200");
      if (request.target == "/latest/api/token") {
        CHECK(request.method == "PUT");
        if (!row.has_v2) return {.status = 404, .headers = {}, .body = {}};
        return ok("v2-token\n");
      }
      CHECK(FakeHost::header_of(request, "x-aliyun-ecs-metadata-token") ==
            (row.has_v2 ? "v2-token" : ""));
      const std::string path = "/latest/meta-data/ram/security-credentials/";
      if (request.target == path) return ok("mine\n");
      CHECK(request.target == path + "mine");
      return ok(R"({"Code":"Success",)" + kKeys + "}");
    };
    config::AcrCredentials from;
    from.ecs_ram_role = row.role;
    const std::string used = world.used(configured(from));
    if (row.used != nullptr) CHECK(used == row.used);
    if (row.used == nullptr) CHECK(used.find("HTTP 404") != std::string::npos);
    CHECK(world.sent.size() == row.calls);
  }
}

TEST_CASE("credentials_uri: asked as it is written") {
  World world;
  world.answer = [](const net::HttpRequest&) { return ok("{" + kKeys + "}"); };
  config::AcrCredentials from;
  from.credentials_uri = "http://127.0.0.1:81/keys?for=me";
  CHECK(world.used(configured(from)) == "STS.1");
  CHECK(world.sent[0].origin == "http://127.0.0.1:81");
  CHECK(world.sent[0].target == "/keys?for=me");
  from.credentials_uri = "http://localhost";
  world.used(configured(from));
  CHECK(world.sent.back().target == "/");
}

TEST_CASE("services: an answer without all three of a temporary pair is malformed") {
  for (const char* body : {"", "{}", R"({"Credentials":{"AccessKeyId":"a"}})", "[]", "<html>"}) {
    CAPTURE(body);
    World world;
    world.files = {{"/secret", "base"}};
    world.answer = [&](const net::HttpRequest&) { return ok(body); };
    config::AcrCredentials from = static_keys();
    from.assume_role = {"arn", "", "", ""};
    CHECK(world.credentials(configured(from)).get().error().kind == ErrorKind::malformed);
    config::AcrCredentials uri;
    uri.credentials_uri = "http://h/";
    CHECK(world.credentials(configured(uri)).get().error().kind == ErrorKind::malformed);
  }
}

TEST_CASE("default chain: environment, OIDC, CLI, credentials file, instance, URI, in this order") {
  World world;
  world.variables = {{"HOME", "/home/me"},
                     {"ALIBABA_CLOUD_ACCESS_KEY_ID", "environment"},
                     {"ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s"},
                     {"ALIBABA_CLOUD_ROLE_ARN", "arn"},
                     {"ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "provider"},
                     {"ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/jwt"},
                     {"ALIBABA_CLOUD_CREDENTIALS_URI", "http://uri/"}};
  world.files = {
      {"/jwt", "a.b.c"},
      {"/home/me/.aliyun/config.json", R"({"current":"p","profiles":[{"name":"p","mode":"AK",)"
                                       R"("access_key_id":"cli","access_key_secret":"s"}]})"},
      {"/home/me/.alibabacloud/credentials",
       "[default]\ntype=access_key\naccess_key_id=file\naccess_key_secret=s\n"}};
  bool sts_works = true, metadata_works = true;
  world.answer = [&](const net::HttpRequest& request) -> net::HttpResponse {
    if (request.origin == "http://uri") return ok("{" + kKeys + "}");
    if (request.origin == "http://100.100.100.200") {
      if (!metadata_works) return {.status = 500, .headers = {}, .body = {}};
      return ok("{" + kKeys + "}");
    }
    if (!sts_works) return {.status = 500, .headers = {}, .body = {}};
    return sts_answer();
  };
  const config::RegistryConfig config;
  CHECK(world.used(config) == "environment");
  CHECK(world.sent.empty());
  world.variables.erase("ALIBABA_CLOUD_ACCESS_KEY_SECRET");
  CHECK(world.used(config) == "STS.1");
  CHECK(world.operations.back() == "AssumeRoleWithOIDC");
  sts_works = false;
  CHECK(world.used(config) == "cli");
  world.variables["ALIBABA_CLOUD_CLI_PROFILE_DISABLED"] = "TRUE";
  CHECK(world.used(config) == "file");
  world.files.clear();
  CHECK(world.used(config) == "STS.1");
  CHECK(world.operations.back() == "InstanceMetadata");
  metadata_works = false;
  CHECK(world.used(config) == "STS.1");
  CHECK(world.operations.back() == "CredentialsUri");
  world.variables.clear();
  const std::string none = world.used(config);
  for (const char* word : {"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_OIDC_TOKEN_FILE", "CLI",
                           "instance metadata", "ALIBABA_CLOUD_CREDENTIALS_URI"}) {
    CAPTURE(word);
    CHECK(none.find(word) != std::string::npos);
  }
}

TEST_CASE("default chain: what was set up by halves, or can't be read, is told alone") {
  struct Row {
    std::map<std::string, std::string> variables;
    const char* told;
  };
  const std::map<std::string, std::string> oidc{{"ALIBABA_CLOUD_ROLE_ARN", "arn"},
                                                {"ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "provider"},
                                                {"ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/jwt"}};
  const Row rows[] = {
      {oidc, "/jwt"},
      {{{"ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/jwt"}}, "ALIBABA_CLOUD_ROLE_ARN"},
      {{{"ALIBABA_CLOUD_ACCESS_KEY_ID", "id"}}, "ALIBABA_CLOUD_ACCESS_KEY_SECRET"},
      {{{"ALIBABA_CLOUD_CONFIG_FILE", "/cli"}}, "/cli"},
      {{{"ALIBABA_CLOUD_ECS_METADATA", "role"}}, "role role"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.told);
    World world;
    world.variables = row.variables;
    world.answer = [](const net::HttpRequest&) { return net::HttpResponse{404, {}, {}}; };
    const std::string told = world.used(config::RegistryConfig());
    CHECK(told.find(row.told) != std::string::npos);
    CHECK(told.find("; ") == std::string::npos);
  }
}

TEST_CASE("external: what the program prints is used for its time, and told without a word of it") {
  World world;
  world.variables = {{"HOME", "/home/me"}};
  world.files = {{"/home/me/.aliyun/config.json",
                  R"({"current":"p","profiles":[{"name":"p","mode":"External",)"
                  R"("process_command":"keys --for me"}]})"}};
  int runs = 0;
  world.program = [&](std::string_view command) -> Result<Secret> {
    CHECK(command == "keys --for me");
    ++runs;
    return Secret(R"({"access_key_id":"X","access_key_secret":"s"})");
  };
  cloud::Credentials credentials = world.credentials(config::RegistryConfig());
  CHECK(credentials.get()->access_key == "X");
  world.fake.advance(std::chrono::minutes(10));
  CHECK(credentials.get()->access_key == "X");
  CHECK(runs == 1);
  world.fake.advance(std::chrono::minutes(4));
  CHECK(credentials.get()->access_key == "X");
  CHECK(runs == 2);

  for (const char* output :
       {"canary", R"({"access_key_id":"canary"})", "[]",
        R"({"mode":"StsToken","access_key_id":"canary","access_key_secret":"s"})",
        R"({"mode":"RamRoleArn","access_key_id":"canary","access_key_secret":"s"})"}) {
    CAPTURE(output);
    world.program = [&](std::string_view) -> Result<Secret> { return Secret(output); };
    const std::string told = world.used(config::RegistryConfig());
    CHECK(told.find("process_command: its output ") != std::string::npos);
    CHECK(told.find("canary") == std::string::npos);
  }
}

TEST_CASE("process_command: keys that are over already are none") {
  World world;
  world.variables = {{"HOME", "/home/me"}};
  world.files = {{"/home/me/.aliyun/config.json",
                  R"({"current":"p","profiles":[{"name":"p","mode":"External",)"
                  R"("process_command":"keys"}]})"}};
  const auto printed = [&](UnixMillis until) {
    world.program = [until](std::string_view) -> Result<Secret> {
      return Secret(R"({"access_key_id":"X","access_key_secret":"s","sts_token":"t",)"
                    R"("expiration":")" +
                    format_rfc3339(until) + "\"}");
    };
    return world.used(config::RegistryConfig());
  };
  const UnixMillis now = std::chrono::floor<std::chrono::seconds>(world.fake.runtime().clock.now());
  CHECK(printed(now + Millis{60'000}) == "X");
  const std::string told = printed(now);
  CHECK(told.find("process_command: it prints keys that expired at " + format_rfc3339(now)) !=
        std::string::npos);
}

TEST_CASE(
    "default chain: a file that is there but can't be used is told of, and others are tried") {
  const std::string ini = "[default]\ntype=access_key\naccess_key_id=I\naccess_key_secret=s\n";
  for (const char* path : {"/home/me/.aliyun/config.json", "/home/me/.alibabacloud/credentials",
                           "/home/me/.alibabacloud/credentials.ini"}) {
    CAPTURE(path);
    World world;
    world.variables = {{"HOME", "/home/me"}};
    world.problems = {{path, "Permission denied"}};
    const std::string told = world.used(config::RegistryConfig());
    CAPTURE(told);
    CHECK(told.find(std::string(path) + ": Permission denied; ") != std::string::npos);
    CHECK(told.find("no file") == std::string::npos);
  }
  World world;
  world.variables = {{"HOME", "/home/me"}};
  world.problems = {{"/home/me/.aliyun/config.json", "Permission denied"}};
  world.files = {{"/home/me/.alibabacloud/credentials", ini}};
  CHECK(world.used(config::RegistryConfig()) == "I");
}

TEST_CASE("credentials file: what is missing is called as that file calls it") {
  World world;
  world.variables = {{"HOME", "/home/me"}};
  const auto told = [&](const std::string& lines) {
    world.files = {{"/home/me/.alibabacloud/credentials", "[default]\n" + lines}};
    return world.used(config::RegistryConfig());
  };
  const std::string keys = "access_key_id=I\naccess_key_secret=s\n";
  CHECK(told("type=ram_role_arn\n" + keys).find(": role_arn is missing") != std::string::npos);
  CHECK(told("type=oidc_role_arn\n").find(": role_arn is missing") != std::string::npos);
  CHECK(told("type=oidc_role_arn\nrole_arn=r\noidc_provider_arn=p\n")
            .find(": oidc_token_file_path is missing") != std::string::npos);
}

TEST_CASE("kept keys: used until they are over, then it is told what to run") {
  World world;
  world.variables = {{"HOME", "/home/me"}};
  const auto keep = [&](const char* id, UnixMillis until) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(until.time_since_epoch()).count();
    world.files["/home/me/.aliyun/config.json"] =
        R"({"current":"p","profiles":[{"name":"p","mode":"OAuth","access_key_id":")" +
        std::string(id) + R"(","access_key_secret":"s","sts_token":"t","sts_expiration":)" +
        std::to_string(seconds) + "}]}";
  };
  const UnixMillis until = world.fake.runtime().clock.now() + std::chrono::minutes(30);
  keep("K", until);
  cloud::Credentials credentials = world.credentials(config::RegistryConfig());
  REQUIRE(credentials.get().has_value());
  CHECK(credentials.get()->access_key == "K");
  CHECK(credentials.expires_at() == std::chrono::floor<std::chrono::seconds>(until));
  world.fake.advance(std::chrono::minutes(31));
  const auto over = credentials.get();
  REQUIRE_FALSE(over.has_value());
  CHECK(over.error().kind == ErrorKind::invalid_config);
  CHECK(over.error().detail.find("aliyun configure --profile p") != std::string::npos);
  keep("L", until + std::chrono::hours(1));
  CHECK(credentials.get()->access_key == "L");
}

TEST_CASE("sts: the host is what is configured, else by profile, environment and network") {
  using Sts = config::AcrCredentials::Sts;
  struct Row {
    const char* name;
    std::string configured;
    Sts told;
    const char* network_region;  ///< Of a registry inside the VPC.
    std::map<std::string, std::string> variables;
    const char* origin;
  };
  const std::map<std::string, std::string> region{{"ALIBABA_CLOUD_STS_REGION", "cn-y"}};
  const std::map<std::string, std::string> inside{{"ALIBABA_CLOUD_STS_REGION", "cn-y"},
                                                  {"ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "True"}};
  const std::map<std::string, std::string> named{{"ALIBABA_CLOUD_STS_ENDPOINT", "sts.cn-z"},
                                                 {"ALIBABA_CLOUD_STS_REGION", "cn-y"}};
  const Row rows[] = {
      {"nothing said", "", {}, nullptr, {}, "https://sts.aliyuncs.com"},
      {"configured", "http://h:1", {"sts.p", "cn-x", true}, "cn-q", named, "http://h:1"},
      {"a profile's host", "", {"sts.p", "cn-x", true}, "cn-q", named, "https://sts.p"},
      {"a profile's URL", "", {"http://sts.p:1", "", false}, nullptr, {}, "http://sts.p:1"},
      {"the environment's host", "", {"", "cn-x", false}, nullptr, named, "https://sts.cn-z"},
      {"a profile's region",
       "",
       {"", "cn-x", false},
       nullptr,
       region,
       "https://sts.cn-x.aliyuncs.com"},
      {"inside it", "", {"", "cn-x", true}, nullptr, {}, "https://sts-vpc.cn-x.aliyuncs.com"},
      {"inside no region", "", {"", "", true}, nullptr, {}, "https://sts.aliyuncs.com"},
      {"a region", "", {}, nullptr, region, "https://sts.cn-y.aliyuncs.com"},
      {"a region's inner side", "", {}, nullptr, inside, "https://sts-vpc.cn-y.aliyuncs.com"},
      {"network: vpc", "", {}, "cn-q", {}, "https://sts-vpc.cn-q.aliyuncs.com"},
      {"network: vpc, another region", "", {}, "cn-q", region, "https://sts-vpc.cn-y.aliyuncs.com"},
      {"without an inner side", "", {}, "cn-hangzhou-finance", {}, "https://sts.aliyuncs.com"},
      {"without a host", "", {}, "us-southeast-1", {}, "https://sts.aliyuncs.com"},
      {"without a host, but named",
       "",
       {"", "us-southeast-1", false},
       nullptr,
       {},
       "https://sts.us-southeast-1.aliyuncs.com"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world;
    world.variables = row.variables;
    config::RegistryConfig config;
    config.key_endpoints.sts = row.configured;
    if (row.network_region != nullptr) {
      config.region = row.network_region;
      config.endpoint = "https://cr-vpc." + config.region + ".aliyuncs.com";
    }
    CHECK(sts_origin(config, row.told, world.host().environment) == row.origin);
  }
}

}  // namespace
}  // namespace registry_exporter::acr
