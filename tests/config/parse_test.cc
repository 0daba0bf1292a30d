#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "exporter/config/config.h"

using namespace registry_exporter;
using namespace registry_exporter::config;
using namespace std::chrono_literals;

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

/// "# 7: message" at the file's begin, in the order of the problems.
std::vector<std::string> expected_problems(const std::string& text) {
  std::vector<std::string> expected;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && line.starts_with("# ");) {
    expected.push_back(line.substr(2));
  }
  return expected;
}

std::string in_lines(const std::vector<ConfigProblem>& problems) {
  std::string told;
  for (const ConfigProblem& problem : problems) {
    told += std::to_string(problem.line) + ": " + problem.message + "\n";
  }
  return told;
}

const char* const kAcr = "registries: [{name: a, type: acr, region: r, instance_id: i";

}  // namespace

TEST_CASE("parse: every mistake is told with its line and what would be right, and nothing else") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TEST_DATA "/config/bad")) {
    ++files;
    CAPTURE(entry.path().filename().string());
    const std::string text = read_file(entry.path());
    const std::vector<std::string> expected = expected_problems(text);
    const auto config = parse(text);
    REQUIRE_FALSE(config);
    const std::string told = in_lines(config.error());
    CAPTURE(told);
    REQUIRE(expected.size() >= 1);
    REQUIRE(config.error().size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const ConfigProblem& problem = config.error()[i];
      CAPTURE(expected[i]);
      CHECK((std::to_string(problem.line) + ": " + problem.message).starts_with(expected[i]));
      CHECK(problem.message.find_first_of("\r\n") == std::string::npos);
      CHECK(problem.message.find("CANARY") == std::string::npos);  // It stands for secrets.
    }
  }
  CHECK(files >= 160);
}

TEST_CASE("parse: good files are taken") {
  for (const auto& entry : std::filesystem::directory_iterator(TEST_DATA "/config/good")) {
    CAPTURE(entry.path().filename().string());
    const auto config = parse(read_file(entry.path()));
    CHECK((config ? "" : in_lines(config.error())) == "");
  }
}

TEST_CASE("parse: merge keys bring what is not given in place, the first named first") {
  const auto config = parse(read_file(TEST_DATA "/config/good/merge_keys.yml"));
  REQUIRE(config);
  REQUIRE(config->registries.size() == 3);
  const RegistryConfig& second = config->registries[1];
  CHECK(second.name == "b");
  CHECK(second.page_size == 50);
  CHECK(std::get<AcrConfig>(second.cloud).instance_id == "cri-2");
  CHECK(second.region == "cn-hangzhou");
  const RegistryConfig& third = config->registries[2];
  CHECK(third.name == "c");
  CHECK(third.concurrency == 2);
  CHECK(third.page_size == 20);
  const AcrCredentials& keys = std::get<AcrConfig>(third.cloud).credentials;
  CHECK(keys.access_key_id.value.reveal() == "other");
  CHECK(keys.access_key_secret.value.reveal() == "s");
}

TEST_CASE("parse: every key reaches its place") {
  const auto config = parse(read_file(TEST_DATA "/config/good/everything.yml"));
  REQUIRE(config);
  CHECK(config->collection ==
        CollectionConfig{Millis{0}, 20s, InitialHistory::count, 60 * 24h, 2h, 90min, 500ms});
  CHECK(config->state_path == ":memory:");
  const MetricsConfig& metrics = config->metrics;
  CHECK(metrics.windows == std::vector<Millis>{90min, 30 * 24h});
  CHECK(metrics.build_duration_buckets == std::vector<double>{0.5, 60, 1000});
  CHECK(metrics.build_statuses ==
        std::map<std::string, StatusMeaning>{{"TIMEOUT", StatusMeaning::failed},
                                             {"QUEUED", StatusMeaning::open},
                                             {"SKIPPED", StatusMeaning::other},
                                             {"OK", StatusMeaning::success},
                                             {"KILLED", StatusMeaning::canceled}});
  CHECK(metrics.created_timestamps);
  CHECK(metrics.disabled == std::vector<std::string>{"acr_builds_total"});
  CHECK(metrics.max_repositories == 5);
  CHECK(metrics.repository_labels ==
        std::vector<LabelRule>{{"team-a/.*", {{"team", "key"}, {"tier", "1"}}},
                               {".*", {{"_o", "x y"}}}});

  const RegistryConfig& keys = config->registries.at(0);
  CHECK(keys.endpoint == "http://127.0.0.1:8080");
  CHECK(keys.key_endpoints.sts == "https://sts.example.com");
  CHECK(keys.key_endpoints.metadata == "http://[::1]:81");
  CHECK(keys.repositories == RepositoryFilters{{"a/.*", "b/.*"}, {".*/tmp"}});
  CHECK(keys.collect == std::vector<Collected>{Collected::builds, Collected::syncs});
  CHECK(keys.page_size == 30);
  CHECK(keys.requests_per_second == 0.25);
  CHECK(keys.concurrency == 2);
  CHECK(keys.request_timeout == Millis{1min});
  CHECK(keys.proxy_url == "http://user:password@proxy:3128");
  CHECK(keys.tls == TlsConfig{"/ca", "/cert", "/key", "name"});
  CHECK_FALSE(keys.static_repositories);
  CHECK_FALSE(config->registries.at(1).collects(Collected::syncs));
  CHECK(config->registries.at(1).collects(Collected::builds));
  CHECK(config->registries.at(5).collect == std::vector<Collected>{Collected::deletions});
  CHECK(config->registries.at(6).collects(Collected::deletions));
  CHECK(config->registries.at(1).static_repositories ==
        std::vector<StaticRepository>{{"a", "b", ""}, {"a", "b/c", "crr-1"}});

  const RegistryConfig& by_id = *(config->registries.end() - 2);
  CHECK(by_id.type() == "swr_ee");
  CHECK(by_id.identity() == "enterprise\nswr_ee\n01234567-89ab");
  CHECK(by_id.collects(Collected::replications));
  CHECK_FALSE(by_id.collects(Collected::retentions));
  CHECK(by_id.page_size == 50);
  const RegistryConfig& by_name = config->registries.back();
  CHECK(by_name.identity() == "enterprise by name\nswr_ee\n");
  CHECK(std::get<SwrConfig>(by_name.cloud).instance_name == "prod");
  CHECK(std::get<SwrConfig>(by_name.cloud).project_id == "p");
  CHECK(by_name.collects(Collected::retentions));
  CHECK(by_name.collects(Collected::replications));
  CHECK_FALSE(by_name.collects(Collected::deletions));

  const RegistryConfig& swr = config->registries.at(5);
  CHECK(swr.endpoint == "https://swr.example.com");
  CHECK(swr.page_size == 1000);
  CHECK(swr.identity() == "swr keys\nswr\neu-west-101\np");
  CHECK(swr.static_repositories == std::vector<StaticRepository>{{"a", "b", ""}, {"a", "b/c", ""}});
  const auto& cloud = std::get<SwrConfig>(swr.cloud);
  CHECK(cloud.iam_endpoint == "https://iam.example.com:8443");
  CHECK(cloud.iam_endpoint_given);
  CHECK(cloud.paging == SwrConfig::Paging::filter);
  CHECK(cloud.collect_rules);
}

TEST_CASE("parse: every form of credentials reaches its place") {
  const auto config = parse(read_file(TEST_DATA "/config/good/everything.yml"));
  REQUIRE(config);
  const auto acr = [&](std::size_t i) -> const AcrCredentials& {
    return std::get<AcrConfig>(config->registries.at(i).cloud).credentials;
  };
  const auto swr = [&](std::size_t i) -> const SwrCredentials& {
    return std::get<SwrConfig>(config->registries.at(i).cloud).credentials;
  };
  CHECK(acr(0).access_key_id.file == "/id");
  CHECK(acr(0).access_key_secret.value == Secret("secret"));
  CHECK(acr(0).security_token.file == "/token");
  CHECK(acr(0).assume_role == AcrCredentials::AssumeRole{"arn", "session", "external", ""});
  CHECK(acr(1).assume_role == AcrCredentials::AssumeRole{"other", "", "", ""});
  CHECK(acr(1).oidc == AcrCredentials::Oidc{"arn", "provider", "/t", "s"});
  CHECK(acr(2).ecs_ram_role == "role");
  CHECK(acr(3).ecs_ram_role == "");
  CHECK_FALSE(acr(4).ecs_ram_role);
  CHECK(acr(4).credentials_uri == "http://127.0.0.1/keys?a=b");
  CHECK(swr(5).access_key.value == Secret("key"));
  CHECK(swr(5).secret_key.file == "/secret");
  CHECK(swr(5).security_token.value == Secret("token"));
  CHECK(swr(6).iam_user == SwrCredentials::IamUser{"domain", "user", "project", {Secret(), "/p"}});
  CHECK(swr(7).iam_user->project_name == "cn-north-4");
  CHECK(swr(7).iam_user->password.value == Secret("password"));
  CHECK(swr(8).ecs_agency);
  CHECK(swr(8).assume_agency == SwrCredentials::AssumeAgency{"d", "a"});
  CHECK(swr(9).oidc == SwrCredentials::Oidc{"idp", "/t"});
  CHECK(config->registries.at(10).key_endpoints.sts == "https://sts.example.com");
  CHECK(swr(10).assume_agency == SwrCredentials::AssumeAgency{"", "", "iam::1:agency:a", "s", "e"});
  CHECK(swr(11).oidc ==
        SwrCredentials::Oidc{"", "/t", "iam::1:oidc-provider:p", "iam::1:agency:a", "s"});
  for (const RegistryConfig& registry : config->registries) CHECK(registry.credentials_given);
}

TEST_CASE("parse: lists and sections without a line are as good as none") {
  const auto config = parse(read_file(TEST_DATA "/config/good/nulls.yml"));
  REQUIRE(config);
  CHECK(*config == *parse(read_file(TEST_DATA "/config/good/smallest.yml")));
}

TEST_CASE("parse: an identity is the name, the type, and the instance or region and project") {
  const auto identity = [](const std::string& registry) {
    const auto config = parse("registries: [{name: x, region: r, " + registry + "}]");
    REQUIRE(config);
    return config->registries.at(0).identity();
  };
  const std::string acr = identity("type: acr, instance_id: i");
  CHECK(acr == identity("type: acr, instance_id: i, endpoint: 'http://other', page_size: 5"));
  CHECK(acr != identity("type: acr, instance_id: j"));
  CHECK(acr != identity("type: swr, project_id: i"));
  CHECK(identity("type: swr, project_id: p") != identity("type: swr, project_id: q"));
  CHECK(identity("type: swr, project_id: p") == identity("type: swr") + "p");
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
      {"type: swr, region: eu-west-102, project_id: p",
       "https://swr-api.eu-west-102.myhuaweicloud.eu"},
      {"type: swr, region: eu-west-0, project_id: p",
       "https://swr-api.eu-west-0.myhuaweicloud.com"},
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

TEST_CASE("parse: the official clients' variable names an endpoint that is not configured") {
  struct Row {
    const char* variable;
    const char* keys;
    const char* told;  ///< The endpoint, or a piece of the problem.
  };
  const Row rows[] = {
      {"https://swr.private", "", "https://swr.private"},
      {"swr.private:8443/", "", "https://swr.private:8443"},
      {"http://a,http://b", "", "http://a"},
      {"https://swr.private", ", endpoint: 'http://mine'", "http://mine"},
      {"ftp://x", ", endpoint: 'http://mine'", "http://mine"},
      {"", "", "https://swr-api.cn-north-4.myhuaweicloud.com"},
      {"ftp://x", "", "HUAWEICLOUD_SDK_REGION_SWR_CN_NORTH_4 must begin with https://"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.variable);
    const auto variables = [&](const std::string& name) -> std::optional<std::string> {
      if (name != "HUAWEICLOUD_SDK_REGION_SWR_CN_NORTH_4") return std::nullopt;
      return row.variable;
    };
    const auto config = parse_config(
        "registries: [{name: x, type: swr, region: cn-north-4" + std::string(row.keys) + "}]",
        variables, known_family);
    const std::string told = config ? config->registries[0].endpoint : in_lines(config.error());
    CHECK(told.find(row.told) != std::string::npos);
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

TEST_CASE("parse: what a variable holds is taken as it is") {
  const Environment holds = [](const std::string& name) -> std::optional<std::string> {
    if (name == "NESTED") return "${KEY}";
    if (name == "EMPTY") return "";
    if (name == "YAML") return "a: [b";
    return std::nullopt;
  };
  const auto name_of = [&](const std::string& name) {
    const auto config =
        parse_config("registries: [{name: '" + name + "', type: acr, region: r, instance_id: i}]",
                     holds, known_family);
    return config ? config->registries.at(0).name : in_lines(config.error());
  };
  CHECK(name_of("${NESTED}") == "${KEY}");
  CHECK(name_of("a${EMPTY}b") == "ab");
  CHECK(name_of("${YAML}${YAML}") == "a: [ba: [b");
  CHECK(name_of("$NESTED {}$ $}") == "$NESTED {}$ $}");
  CHECK(name_of("${EMPTY}") == "1: registries[0].name must not be empty\n");
}

TEST_CASE("parse: numbers are read whole, in decimal, whatever the locale") {
  const auto rate_of = [](const std::string& text) {
    const auto config = parse(std::string(kAcr) + ", requests_per_second: " + text + "}]");
    return config ? config->registries.at(0).requests_per_second : -1;
  };
  CHECK(rate_of("0.5") == 0.5);
  CHECK(rate_of("2e1") == 20);
  CHECK(rate_of("'7'") == 7);
  for (const char* bad :
       {"''", "' 5'", "'5 '", "0x5", "inf", "-inf", ".inf", ".nan", "5,5", "1e-400"}) {
    CAPTURE(bad);
    CHECK(rate_of(bad) == -1);
  }
}

TEST_CASE("parse: hostile files end in problems, not in harm") {
  const std::string deep(100'000, '[');
  CHECK_FALSE(parse(deep));
  CHECK_FALSE(parse("registries: " + deep));
  CHECK_FALSE(parse(std::string("registries: [\0", 14)));
  CHECK_FALSE(parse("a: &a [*a]\nregistries: [*a]"));
  CHECK_FALSE(parse("registries: &r [*r, *r]"));
  const auto long_key = parse(std::string(kAcr) + ", " + std::string(500, 'k') + ": 1}]");
  REQUIRE_FALSE(long_key);
  CHECK(long_key.error().at(0).message.size() < 150);
}
