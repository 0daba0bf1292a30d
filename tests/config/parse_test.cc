#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "exporter/config/config.h"
#include "exporter/config/filter.h"
#include "exporter/config/shard.h"

using namespace registry_exporter;

namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<std::string> environment(const std::string& name) {
  if (name == "INSTANCE") return "cri-from-environment";
  if (name == "KEY") return "key";
  return std::nullopt;
}

bool known_family(const std::string& name) { return name == "acr_builds_total"; }

tl::expected<Config, std::vector<ConfigProblem>> parse(const std::string& text) {
  return parse_config(text, environment, known_family);
}

}  // namespace

TEST_CASE("parse: every mistake is told with its line and what would be right") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TEST_DATA "/config/bad")) {
    ++files;
    const std::string text = read_file(entry.path());
    const std::string expected = text.substr(2, text.find('\n') - 2);  // Its first line says it.
    CAPTURE(entry.path().filename().string());
    CAPTURE(expected);
    const auto config = parse(text);
    REQUIRE_FALSE(config);
    std::string told;
    for (const ConfigProblem& problem : config.error()) {
      told += std::to_string(problem.line) + ": " + problem.message + "\n";
    }
    CAPTURE(told);
    CHECK(told.find(expected) != std::string::npos);
  }
  CHECK(files >= 70);
}

TEST_CASE("parse: good files are taken") {
  for (const auto& entry : std::filesystem::directory_iterator(TEST_DATA "/config/good")) {
    CAPTURE(entry.path().filename().string());
    CHECK(parse(read_file(entry.path())).has_value());
  }
}

TEST_CASE("parse: all problems are told at once, in the order of their lines") {
  const auto config = parse(read_file(TEST_DATA "/config/bad/several_at_once.yml"));
  REQUIRE_FALSE(config);
  REQUIRE(config.error().size() == 2);
  CHECK(config.error()[0].line < config.error()[1].line);
}

TEST_CASE("parse: what is left out has its default") {
  const auto config = parse(read_file(TEST_DATA "/config/good/smallest.yml"));
  REQUIRE(config);
  CHECK(config->collection == CollectionConfig{});
  CHECK(config->metrics == MetricsConfig{});
  CHECK(config->state_path == "/var/lib/registry_exporter/state.db");
  const RegistryConfig& registry = config->registries.at(0);
  CHECK(registry.endpoint == "https://cr.cn-hangzhou.aliyuncs.com");
  CHECK_FALSE(registry.credentials_given);
  CHECK(registry.identity() == "a\nacr\ncri-1");
}

TEST_CASE("parse: the example says nothing but the defaults") {
  const auto config = parse(read_file(TEST_DATA "/../../config/registry_exporter.yml"));
  REQUIRE(config);
  CHECK(config->collection == CollectionConfig{});
  CHECK(config->metrics == MetricsConfig{});
  for (const RegistryConfig& registry : config->registries) {
    CHECK(registry.page_size == 100);
    CHECK(registry.requests_per_second == 5);
    CHECK(registry.concurrency == 4);
    CHECK(registry.request_timeout == Millis{10'000});
  }
}

TEST_CASE("parse: endpoints follow region and network, blanks and slashes go") {
  struct Row {
    const char* text;
    const char* endpoint;
  };
  const Row rows[] = {
      {"type: acr, region: cn-beijing, instance_id: i, network: vpc",
       "https://cr-vpc.cn-beijing.aliyuncs.com"},
      {"type: acr, region: 'us-southeast-1 ', instance_id: i",
       "https://cr.us-southeast-1.aliyuncs.com"},
      {"type: acr, region: r, instance_id: i, endpoint: 'http://127.0.0.1:1/'",
       "http://127.0.0.1:1"},
      {"type: swr, region: eu-west-101, project_id: p",
       "https://swr-api.eu-west-101.myhuaweicloud.eu"},
      {"type: swr, region: cn-north-4, project_id: p",
       "https://swr-api.cn-north-4.myhuaweicloud.com"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto config = parse("registries: [{name: x, " + std::string(row.text) + "}]");
    REQUIRE(config);
    CHECK(config->registries[0].endpoint == row.endpoint);
  }
}

TEST_CASE("parse: variables are replaced in values") {
  const auto config = parse(read_file(TEST_DATA "/config/good/environment.yml"));
  REQUIRE(config);
  const auto& acr = std::get<AcrConfig>(config->registries[0].cloud);
  CHECK(acr.instance_id == "cri-from-environment");
  CHECK(acr.credentials.access_key_secret.value.reveal() == "keyx");
}

TEST_CASE("parse: a secret never shows in a problem") {
  const auto config = parse(
      "registries: [{name: a, type: acr, region: r, instance_id: i, credentials: "
      "{access_key_id: CANARY, access_key_secret: [CANARY], oops: CANARY}}]");
  REQUIRE_FALSE(config);
  for (const ConfigProblem& problem : config.error()) {
    CHECK(problem.message.find("CANARY") == std::string::npos);
  }
}

TEST_CASE("parse: windows keep the spelling they were given") {
  const auto config = parse(
      "metrics: {windows: [90m, 48h]}\n"
      "registries: [{name: a, type: acr, region: r, instance_id: i}]");
  REQUIRE(config);
  CHECK(config->metrics.window_names.at(std::chrono::minutes(90)) == "90m");
  CHECK(config->metrics.window_names.at(std::chrono::hours(48)) == "48h");
}

TEST_CASE("parse: default windows that a short lookback has no room for are left out") {
  const auto config = parse(
      "collection: {lookback: 2h}\n"
      "registries: [{name: a, type: acr, region: r, instance_id: i}]");
  REQUIRE(config);
  CHECK(config->metrics.windows == std::vector<Millis>{std::chrono::hours(1)});
}

TEST_CASE("filter: patterns are anchored at both ends, exclusion wins, no inclusion is all") {
  const RepositoryFilter filter({{"team-a/.*", "b/x"}, {".*/tmp-.*"}});
  CHECK(filter.matches("team-a/api"));
  CHECK(filter.matches("b/x"));
  CHECK_FALSE(filter.matches("b/xy"));
  CHECK_FALSE(filter.matches("my-team-a/api"));
  CHECK_FALSE(filter.matches("team-a/tmp-1"));
  CHECK(RepositoryFilter({}).matches("any/thing"));
  CHECK_FALSE(RepositoryFilter({{}, {"any/.*"}}).matches("any/thing"));
}

TEST_CASE("shard: with one more shard only about its share moves, and all of it to the new one") {
  for (int shards = 1; shards <= 8; ++shards) {
    CAPTURE(shards);
    constexpr int kRepositories = 10'000;
    int moved = 0;
    for (int i = 0; i < kRepositories; ++i) {
      const std::string name = "team-" + std::to_string(i % 37) + "/service-" + std::to_string(i);
      const int before = shard_of("registry", name, shards);
      const int after = shard_of("registry", name, shards + 1);
      REQUIRE(before >= 0);
      REQUIRE(before < shards);
      if (before == after) continue;
      ++moved;
      CHECK(after == shards);
    }
    const double share = static_cast<double>(moved) / kRepositories;
    CHECK(share == doctest::Approx(1.0 / (shards + 1)).epsilon(0.1));
  }
}

TEST_CASE("shard: where a repository lives never changes") {
  CHECK(shard_of("acr-prod", "team-a/api", 10) == 8);
  CHECK(shard_of("swr-prod", "team-b/web/api", 10) == 8);
  CHECK(ordinal_of("exporter-12") == 12);
  CHECK_FALSE(ordinal_of("exporter"));
  CHECK_FALSE(ordinal_of("exporter-a1"));
  CHECK_FALSE(ordinal_of("exporter-"));
}
