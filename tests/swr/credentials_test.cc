#include "exporter/swr/credentials.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "exporter/config/endpoint.h"
#include "tests/swr/credentials_world.h"

namespace registry_exporter::swr {
namespace {

using nlohmann::json;

config::SwrCredentials static_keys() {
  config::SwrCredentials credentials;
  credentials.access_key.value = Secret("A");
  credentials.secret_key.file = "/secret";
  return credentials;
}

TEST_CASE("static keys: files are read again, and what is missing is named") {
  World world;
  world.files = {{"/secret", "one"}};
  cloud::Credentials credentials = world.credentials(config_of(static_keys()));
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
  world.answer = [](const net::HttpRequest&) { return iam_token(); };
  config::SwrCredentials from;
  from.iam_user = {"acme", "alice", "cn-north-4", {Secret(), "/password"}};
  cloud::Credentials credentials = world.credentials(config_of(from));
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
  world.answer = [](const net::HttpRequest& request) {
    return request.target == "/v3.0/OS-AUTH/id-token/tokens" ? iam_token() : temporary_keys();
  };
  config::SwrCredentials from;
  from.oidc = {"my-idp", "/jwt"};
  const auto keys = world.credentials(config_of(from)).get();
  REQUIRE(keys.has_value());
  CHECK(keys->access_key == "T");
  CHECK(keys->secret_key == Secret("temporary"));
  CHECK(keys->security_token == Secret("token"));
  CHECK(keys->iam_token.empty());
  REQUIRE(world.sent.size() == 2);
  CHECK(FakeHost::header_of(world.sent[0], "x-idp-id") == "my-idp");
  CHECK(json::parse(world.sent[0].body)["auth"]["id_token"]["id"] == "a.b.c");
  CHECK(world.sent[1].target == "/v3.0/OS-CREDENTIAL/securitytokens");
  CHECK(json::parse(world.sent[1].body)["auth"]["identity"]["token"]["id"] == "iam-token");
}

TEST_CASE("assume_agency: asked with the keys beneath, signed or by token") {
  for (const bool by_user : {false, true}) {
    CAPTURE(by_user);
    World world;
    world.files = {{"/secret", "one"}};
    world.answer = [](const net::HttpRequest& request) {
      return request.target.starts_with("/v3/auth") ? iam_token() : temporary_keys();
    };
    config::SwrCredentials from = static_keys();
    if (by_user) {
      from = {};
      from.iam_user = {"acme", "alice", "cn-north-4", {Secret("pw"), ""}};
    }
    from.assume_agency = {"other", "reader"};
    CHECK(world.used(config_of(from)) == "T");
    const net::HttpRequest& asked = world.sent.back();
    const json identity = json::parse(asked.body)["auth"]["identity"];
    CHECK(identity["methods"][0] == "assume_role");
    CHECK(identity["assume_role"]["domain_name"] == "other");
    CHECK(identity["assume_role"]["agency_name"] == "reader");
    CHECK(FakeHost::header_of(asked, "x-auth-token") == (by_user ? "iam-token" : ""));
    CHECK(FakeHost::header_of(asked, "authorization").empty() == by_user);
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
    world.answer = [&](const net::HttpRequest& request) -> net::HttpResponse {
      CHECK(request.origin == "http://169.254.169.254");
      if (request.target == "/meta-data/latest/api/token") {
        return {.status = row.token_status, .headers = {}, .body = "v2-token"};
      }
      CHECK(request.target == "/openstack/latest/securitykey");
      CHECK(FakeHost::header_of(request, "x-metadata-token") ==
            (row.token_status == 200 ? "v2-token" : ""));
      const int status = row.statuses.at(answered++);
      if (status == 200) return temporary_keys();
      return {.status = status, .headers = {}, .body = row.body};
    };
    config::SwrCredentials from;
    from.ecs_agency = true;
    CHECK(world.used(config_of(from)).find(row.used) != std::string::npos);
    CHECK(world.sent.size() == row.calls);
  }
}

net::HttpResponse agency_keys() {
  return ok(R"({"assumed_agency":{"urn":"sts::1:assumed-agency:a/b"},"credentials":{)"
            R"("access_key_id":"V","secret_access_key":"s","security_token":"t",)"
            R"("expiration":"2026-01-02T04:04:05.678Z"}})");
}

TEST_CASE("trust agencies: STS of the region is asked with the keys beneath") {
  World world;
  world.files = {{"/secret", "one"}};
  world.answer = [](const net::HttpRequest&) { return agency_keys(); };
  config::SwrCredentials from = static_keys();
  from.assume_agency.emplace();
  from.assume_agency->agency_urn = "iam::0a1b:agency:reader";
  config::RegistryConfig config = config_of(from);
  CHECK(world.used(config) == "V");
  const net::HttpRequest& asked = world.sent.back();
  CHECK(world.operations.back() == "AssumeAgency");
  CHECK(asked.method == "POST");
  CHECK(asked.origin == "https://sts.cn-north-4.myhuaweicloud.com");
  CHECK(asked.target == "/v5/agencies/assume");
  CHECK(FakeHost::header_of(asked, "authorization").find("Access=A,") != std::string::npos);
  CHECK(json::parse(asked.body) == json({{"agency_urn", "iam::0a1b:agency:reader"},
                                         {"agency_session_name", "registry-exporter"},
                                         {"duration_seconds", 3600}}));
  from.assume_agency->session_name = "mine";
  from.assume_agency->external_id = "e";
  config = config_of(from);
  config.key_endpoints.sts = "http://sts";
  CHECK(world.used(config) == "V");
  CHECK(world.sent.back().origin == "http://sts");
  CHECK(json::parse(world.sent.back().body)["agency_session_name"] == "mine");
  CHECK(json::parse(world.sent.back().body)["external_id"] == "e");
}

TEST_CASE("trust agencies: an identity provider's token is enough, nothing is signed") {
  World world;
  world.files = {{"/jwt", "a.b.c\n"}};
  world.answer = [](const net::HttpRequest&) { return agency_keys(); };
  config::SwrCredentials from;
  from.oidc = {"", "/jwt", "iam::0a1b:oidc-provider:p", "iam::0a1b:agency:reader"};
  config::RegistryConfig config = config_of(from);
  config.region = "eu-west-102";
  CHECK(world.used(config) == "V");
  REQUIRE(world.sent.size() == 1);
  const net::HttpRequest& asked = world.sent.back();
  CHECK(world.operations.back() == "AssumeAgencyWithOIDC");
  CHECK(asked.origin == "https://sts.eu-west-102.myhuaweicloud.eu");
  CHECK(asked.target == "/v5/agencies/assume-with-oidc");
  CHECK(FakeHost::header_of(asked, "authorization").empty());
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
    ErrorCause failure;  ///< Of the region's host.
    std::vector<std::string> asked;
  };
  const std::string north = "https://iam.cn-north-11.myhuaweicloud.com";
  const std::string global = "https://iam.myhuaweicloud.com";
  const Row rows[] = {
      {"no name", "cn-north-11", false, ErrorCause::dns, {north, global, global}},
      {"not reached", "cn-north-11", false, ErrorCause::connect, {north, north}},
      {"configured", "cn-north-11", true, ErrorCause::dns, {north, north}},
      {"Europe has an IAM of its own",
       "eu-west-101",
       false,
       ErrorCause::dns,
       {"https://iam.eu-west-101.myhuaweicloud.eu", "https://iam.eu-west-101.myhuaweicloud.eu"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world;
    std::vector<std::string> asked;
    cloud::KeyServices services = world.services();
    services.call = [&](const net::ApiCall& call) -> Result<net::HttpResponse> {
      const auto request = call.prepare(world.now);
      asked.push_back(request->origin);
      if (request->origin != global) return fail(ErrorKind::transport, row.failure, "no");
      CHECK_FALSE(call.classify(iam_token()));
      return iam_token();
    };
    config::SwrCredentials from;
    from.iam_user = {"acme", "alice", row.region, {Secret("pw"), ""}};
    config::RegistryConfig config = config_of(from);
    config.region = row.region;
    auto& swr = std::get<config::SwrConfig>(config.cloud);
    swr.iam_endpoint = config::iam_endpoint(row.region);
    swr.iam_endpoint_given = row.given;
    cloud::Credentials credentials(world.fake.runtime(),
                                   credential_sources(config, services, world.host()), [] {});
    (void)credentials.get();
    world.fake.advance(std::chrono::hours(25));
    (void)credentials.get();
    CHECK(asked == row.asked);
  }
}

}  // namespace
}  // namespace registry_exporter::swr
