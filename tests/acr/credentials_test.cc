#include "exporter/acr/credentials.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

namespace registry_exporter::acr {
namespace {

/// Files as a map, an environment as another.
struct World {
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> variables;

  std::unique_ptr<Credentials> credentials(const RegistryConfig& config) {
    const auto variable = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    };
    const auto read = [this](const SecretSource& source) -> Result<Secret> {
      if (source.file.empty()) return source.value;
      const auto found = files.find(source.file);
      if (found == files.end()) return fail(ErrorKind::invalid_config, source.file + ": no file");
      return Secret(found->second);
    };
    return make_credentials(config, variable, read);
  }
};

RegistryConfig configured(AcrCredentials credentials) {
  RegistryConfig config;
  config.cloud = AcrConfig{.instance_id = "cri-1", .credentials = std::move(credentials)};
  config.credentials_given = true;
  return config;
}

RegistryConfig with_files() {
  AcrCredentials credentials;
  credentials.access_key_id.value = Secret("id");
  credentials.access_key_secret.file = "/secret";
  credentials.security_token.file = "/token";
  return configured(credentials);
}

TEST_CASE("credentials: a changed file is used at the next request, and shows as other keys") {
  World world{.files = {{"/secret", "one"}, {"/token", "t"}}, .variables = {}};
  const auto credentials = world.credentials(with_files());
  const auto first = credentials->get();
  REQUIRE(first.has_value());
  CHECK(first->access_key_id == "id");
  CHECK(first->access_key_secret.reveal() == "one");
  CHECK(first->security_token.reveal() == "t");
  CHECK_FALSE(first->expires_at.has_value());
  CHECK(credentials->get()->generation == first->generation);

  world.files["/secret"] = "two";
  const auto second = credentials->get();
  CHECK(second->access_key_secret.reveal() == "two");
  CHECK(second->generation == first->generation + 1);
  world.files["/token"] = "u";
  CHECK(credentials->get()->generation == first->generation + 2);
}

TEST_CASE("credentials: the last good keys stay in use while a file is gone or empty") {
  World world{.files = {{"/secret", "one"}, {"/token", "t"}}, .variables = {}};
  const auto credentials = world.credentials(with_files());
  const auto first = credentials->get();
  REQUIRE(first.has_value());
  for (const char* damage : {"gone", "empty"}) {
    CAPTURE(damage);
    if (damage == std::string("gone")) world.files.erase("/secret");
    if (damage == std::string("empty")) world.files["/secret"] = "";
    const auto kept = credentials->get();
    REQUIRE(kept.has_value());
    CHECK(*kept == *first);
  }
}

TEST_CASE("credentials: without keys the error names what to set, and no secret") {
  World world{.files = {{"/token", "t"}}, .variables = {}};
  const auto missing = world.credentials(with_files())->get();
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().kind == ErrorKind::invalid_config);
  CHECK(missing.error().detail.find("access_key_secret") != std::string::npos);

  world.variables = {{"ALIBABA_CLOUD_ACCESS_KEY_SECRET", "canary"}};
  const auto nothing = world.credentials(RegistryConfig{})->get();
  REQUIRE_FALSE(nothing.has_value());
  CHECK(nothing.error().kind == ErrorKind::invalid_config);
  CHECK(nothing.error().detail.find("ALIBABA_CLOUD_ACCESS_KEY_ID") != std::string::npos);
  CHECK(nothing.error().detail.find("canary") == std::string::npos);
}

TEST_CASE("credentials: without any in the configuration those of the environment are used") {
  World world{.files = {},
              .variables = {{"ALIBABA_CLOUD_ACCESS_KEY_ID", "eid"},
                            {"ALIBABA_CLOUD_ACCESS_KEY_SECRET", "esecret"}}};
  const auto credentials = world.credentials(RegistryConfig{});
  const auto keys = credentials->get();
  REQUIRE(keys.has_value());
  CHECK(keys->access_key_id == "eid");
  CHECK(keys->access_key_secret.reveal() == "esecret");
  CHECK(keys->security_token.empty());
  world.variables["ALIBABA_CLOUD_SECURITY_TOKEN"] = "etoken";
  CHECK(credentials->get()->security_token.reveal() == "etoken");
  // Those of the configuration win, whatever the environment holds.
  AcrCredentials own;
  own.access_key_id.value = Secret("id");
  own.access_key_secret.value = Secret("secret");
  CHECK(world.credentials(configured(own))->get()->access_key_id == "id");
}

TEST_CASE("credentials: a form that is not supported yet says so and names those that are") {
  AcrCredentials base;
  base.access_key_id.value = Secret("id");
  base.access_key_secret.value = Secret("canary");
  struct Row {
    const char* form;
    AcrCredentials credentials;
  };
  Row rows[] = {
      {"assume_role", base}, {"oidc", base}, {"ecs_ram_role", {}}, {"credentials_uri", {}}};
  rows[0].credentials.assume_role.emplace();
  rows[1].credentials.oidc.emplace();
  rows[2].credentials.ecs_ram_role = "";
  rows[3].credentials.credentials_uri = "http://127.0.0.1/keys";
  for (const Row& row : rows) {
    CAPTURE(row.form);
    World world;
    const auto keys = world.credentials(configured(row.credentials))->get();
    REQUIRE_FALSE(keys.has_value());
    CHECK(keys.error().kind == ErrorKind::invalid_config);
    CHECK(keys.error().detail.find(row.form) != std::string::npos);
    CHECK(keys.error().detail.find("access_key_id with access_key_secret") != std::string::npos);
    CHECK(keys.error().detail.find("canary") == std::string::npos);
  }
}

}  // namespace
}  // namespace registry_exporter::acr
