#include "exporter/swr/credentials.h"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/fake_runtime.h"

using namespace registry_exporter;
using namespace std::chrono_literals;

namespace {

RegistryConfig config_of(const SwrCredentials& credentials, bool given = true) {
  RegistryConfig config;
  config.credentials_given = given;
  SwrConfig swr;
  swr.credentials = credentials;
  config.cloud = swr;
  return config;
}

SwrCredentials user() {
  SwrCredentials credentials;
  credentials.iam_user = {"acme", "alice", "cn-north-4", {Secret("pw"), ""}};
  return credentials;
}

const Environment kNoEnvironment = [](const std::string&) { return std::nullopt; };

Result<Secret> in_place(const SecretSource& source) { return source.value; }

Result<swr::IamToken> no_token(const swr::TokenQuestion&) {
  return fail(ErrorKind::server_error, "no IAM here");
}

}  // namespace

TEST_CASE("credentials: a changed file gives new keys, a missing one leaves the old") {
  std::map<std::string, std::string> files{{"ak", "A1"}, {"sk", "S1"}};
  const auto reader = [&](const SecretSource& source) -> Result<Secret> {
    const auto file = files.find(source.file);
    if (file == files.end()) return fail(ErrorKind::invalid_config, "no file " + source.file);
    return Secret(file->second);
  };
  SwrCredentials from;
  from.access_key.file = "ak";
  from.secret_key.file = "sk";
  FakeRuntime fake;
  const auto credentials =
      swr::make_credentials(config_of(from), fake.runtime(), no_token, kNoEnvironment, reader);
  const auto first = credentials->get();
  REQUIRE(first);
  CHECK(credentials->get()->generation == first->generation);
  files["sk"] = "S2";
  const auto second = credentials->get();
  CHECK(second->secret_key == Secret("S2"));
  CHECK(second->generation > first->generation);
  files.clear();
  CHECK(credentials->get()->secret_key == Secret("S2"));
  CHECK_FALSE(credentials->expires_at());
}

TEST_CASE("credentials: what is missing or not supported is said, with what to set") {
  struct Row {
    const char* name;
    bool given;
    SwrCredentials from;
    const char* word;
  };
  SwrCredentials oidc;
  oidc.oidc = {"idp", "/token"};
  SwrCredentials agency;
  agency.ecs_agency = true;
  SwrCredentials half;
  half.access_key.value = Secret("A");
  const Row rows[] = {{"no environment", false, {}, "HUAWEICLOUD_SDK_AK"},
                      {"oidc", true, oidc, "oidc"},
                      {"agency", true, agency, "ecs_agency"},
                      {"half a pair", true, half, "secret_key"}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    FakeRuntime fake;
    const auto credentials = swr::make_credentials(config_of(row.from, row.given), fake.runtime(),
                                                   no_token, kNoEnvironment, in_place);
    const auto keys = credentials->get();
    REQUIRE_FALSE(keys);
    CHECK(keys.error().kind == ErrorKind::invalid_config);
    CHECK(keys.error().detail.find(row.word) != std::string::npos);
  }
}

TEST_CASE("credentials: left out, the environment has them") {
  const Environment environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "HUAWEICLOUD_SDK_AK") return "A";
    if (name == "HUAWEICLOUD_SDK_SK") return "S";
    if (name == "HUAWEICLOUD_SDK_SECURITY_TOKEN") return "T";
    return std::nullopt;
  };
  FakeRuntime fake;
  const auto keys =
      swr::make_credentials(config_of({}, false), fake.runtime(), no_token, environment, in_place)
          ->get();
  REQUIRE(keys);
  CHECK(keys->access_key == "A");
  CHECK(keys->secret_key == Secret("S"));
  CHECK(keys->security_token == Secret("T"));
}

TEST_CASE("iam_user: however many threads want a token, one asks for it") {
  constexpr int kThreads = 8;
  std::atomic<int> asked = 0;
  std::atomic<int> got = 0;
  const auto ask = [&](const swr::TokenQuestion&) -> Result<swr::IamToken> {
    ++asked;
    return swr::IamToken{"T", {}, {}};
  };
  const auto credentials =
      swr::make_credentials(config_of(user()), system_runtime(), ask, kNoEnvironment, in_place);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const auto keys = credentials->get();
      if (keys && keys->iam_token == Secret("T")) ++got;
    });
  }
  threads.clear();
  CHECK(got == kThreads);
  CHECK(asked == 1);
}

TEST_CASE("iam_user: lives are told by IAM's own clock, whatever ours says") {
  const UnixMillis long_ago{Millis{1'500'000'000'000}};  // 2017: far behind the fake clock.
  struct Row {
    const char* name;
    swr::IamToken token;
    Millis renewed_after;
  };
  const Row rows[] = {
      {"ours is years ahead", {"T", long_ago, long_ago + 10h}, 8h},
      {"no life told", {"T", {}, {}}, 19h + 12min},
      {"a life that is over", {"T", {}, long_ago}, 19h + 12min},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    int asked = 0;
    const auto ask = [&](const swr::TokenQuestion& question) -> Result<swr::IamToken> {
      CHECK(question.in_good_time == (asked > 0));
      ++asked;
      return row.token;
    };
    FakeRuntime fake;
    const auto credentials =
        swr::make_credentials(config_of(user()), fake.runtime(), ask, kNoEnvironment, in_place);
    REQUIRE(credentials->get());
    fake.advance(row.renewed_after - 1ms);
    REQUIRE(credentials->get());
    CHECK(asked == 1);
    fake.advance(1ms);
    REQUIRE(credentials->get());
    CHECK(asked == 2);
  }
}

TEST_CASE("iam_user: only the generation that was refused is thrown away") {
  int asked = 0;
  const auto ask = [&](const swr::TokenQuestion&) -> Result<swr::IamToken> {
    return swr::IamToken{"T" + std::to_string(++asked), {}, {}};
  };
  FakeRuntime fake;
  const auto credentials =
      swr::make_credentials(config_of(user()), fake.runtime(), ask, kNoEnvironment, in_place);
  const auto first = credentials->get();
  REQUIRE(first);
  credentials->expired(first->generation);
  credentials->expired(first->generation);
  const auto second = credentials->get();
  REQUIRE(second);
  credentials->expired(first->generation);  // A slow answer to the old token.
  CHECK(credentials->get()->iam_token == second->iam_token);
  CHECK(asked == 2);
}

TEST_CASE("iam_user: another password is tried at once") {
  Secret password("old");
  std::vector<std::string> tried;
  const auto ask = [&](const swr::TokenQuestion& question) -> Result<swr::IamToken> {
    tried.push_back(question.password.reveal());
    return swr::IamToken{"T", {}, {}};
  };
  FakeRuntime fake;
  const auto credentials =
      swr::make_credentials(config_of(user()), fake.runtime(), ask, kNoEnvironment,
                            [&](const SecretSource&) -> Result<Secret> { return password; });
  REQUIRE(credentials->get());
  password = Secret("new");
  REQUIRE(credentials->get());
  REQUIRE(credentials->get());
  CHECK(tried == std::vector<std::string>{"old", "new"});
}
