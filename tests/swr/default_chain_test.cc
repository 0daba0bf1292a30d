#include "exporter/swr/default_chain.h"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/swr/credentials_world.h"

namespace registry_exporter::swr {
namespace {

using nlohmann::json;

TEST_CASE("default chain: environment, profile, instance, in this order") {
  World world;
  world.variables = {{"HOME", "/home/me"},
                     {"HUAWEICLOUD_SDK_AK", "E"},
                     {"HUAWEICLOUD_SDK_SK", "s"},
                     {"HUAWEICLOUD_SDK_IDP_ID", "idp"},
                     {"HUAWEICLOUD_SDK_ID_TOKEN_FILE", "/jwt"}};
  world.files = {{"/jwt", "a.b.c"}, {"/home/me/.huaweicloud/credentials", "[basic]\nak=P\nsk=s\n"}};
  bool iam_works = true;
  world.answer = [&](const net::HttpRequest& request) -> net::HttpResponse {
    if (request.origin == "http://169.254.169.254") return temporary_keys();
    if (!iam_works) return {.status = 500, .headers = {}, .body = {}};
    return request.target == "/v3.0/OS-AUTH/id-token/tokens" ? iam_token() : temporary_keys();
  };
  const config::RegistryConfig config = config_of({}, false);
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
  world.answer = [&](const net::HttpRequest& request) -> net::HttpResponse {
    if (request.origin == "http://169.254.169.254") return {500, {}, {}};
    return temporary_keys();
  };
  CHECK(world.used(config) == "T");
  CHECK(world.operations.back() == "PodIdentity");
  world.variables.clear();
  world.answer = [](const net::HttpRequest&) { return net::HttpResponse{500, {}, {}}; };
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
  world.answer = [&](const net::HttpRequest& request) -> net::HttpResponse {
    if (request.origin == "http://169.254.169.254") return {404, {}, {}};
    return {
        status,
        {},
        R"({"assumedAgency":{"urn":""},"credentials":{"accessKeyId":"P",)"
        R"("secretAccessKey":"s","securityToken":"t","expiration":"2026-01-02T09:04:05.678Z"}})"};
  };
  const config::RegistryConfig config = config_of({}, false);
  const auto keys = world.credentials(config).get();
  REQUIRE(keys.has_value());
  CHECK(keys->access_key == "P");
  CHECK(keys->secret_key == Secret("s"));
  CHECK(keys->security_token == Secret("t"));
  CHECK(keys->expires_at == world.now + std::chrono::hours(6) + Millis{678});
  const net::HttpRequest& asked = world.sent.back();
  CHECK(asked.method == "POST");
  CHECK(asked.origin == "http://169.254.1.1:81");
  CHECK(asked.target == "/v1/keys?a=b");
  CHECK(asked.body == "{}");
  CHECK(FakeHost::header_of(asked, "authorization") == "header.claims.signature");
  status = 403;
  CHECK(world.used(config).find("service account") != std::string::npos);
  world.files["/pod"] = " \n";
  CHECK(world.used(config).find("/pod: the file is empty") != std::string::npos);
  world.variables["HC_CONTAINER_CREDENTIALS_FULL_URI"] = "169.254.1.1/keys";
  CHECK(world.used(config).find("HC_CONTAINER_CREDENTIALS_FULL_URI") != std::string::npos);
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
  World lent;
  lent.variables = {{"HOME", "/home/me"}};
  lent.files = {
      {"/home/me/.huaweicloud/credentials",
       "[basic]\nidp_id=i\nid_token_file=/jwt\nproject_id=of-file\niam_endpoint=http://i\n"},
      {"/jwt", "a.b.c"}};
  lent.answer = [](const net::HttpRequest& request) {
    return request.target == "/v3.0/OS-AUTH/id-token/tokens" ? iam_token() : temporary_keys();
  };
  const auto keys_lent = lent.credentials(config_of({}, false)).get();
  REQUIRE(keys_lent.has_value());
  CHECK(keys_lent->project_id == "of-file");
  CHECK(keys_lent->iam_origin == "http://i");
  World world;
  world.answer = [](const net::HttpRequest&) {
    return ok(R"({"token":{"expires_at":"2026-01-03T03:04:05Z","project":{"id":"of-token"}}})",
              {{"x-subject-token", "iam-token"}});
  };
  config::SwrCredentials from;
  from.iam_user = {"acme", "alice", "cn-north-4", {Secret("pw"), ""}};
  CHECK(world.credentials(config_of(from)).get()->project_id == "of-token");
  from.assume_agency = {"other", "reader"};
  world.answer = [](const net::HttpRequest& request) {
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
  world.answer = [](const net::HttpRequest& request) {
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
  config::RegistryConfig config = config_of({}, false);
  world.used(config);
  CHECK(world.sent.at(0).origin == "https://iam.elsewhere");
  world.sent.clear();
  world.variables["HUAWEICLOUD_SDK_IAM_ENDPOINT"] = "iam.without-scheme";
  world.used(config);
  CHECK(world.sent.at(0).origin == "https://iam.without-scheme");
  std::get<config::SwrConfig>(config.cloud).iam_endpoint = "http://mine";
  std::get<config::SwrConfig>(config.cloud).iam_endpoint_given = true;
  world.sent.clear();
  world.used(config);
  CHECK(world.sent.at(0).origin == "http://mine");
}

}  // namespace
}  // namespace registry_exporter::swr
