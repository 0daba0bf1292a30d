#include "exporter/swr/project.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/fake_runtime.h"

namespace registry_exporter::swr {
namespace {

using namespace std::chrono_literals;

net::HttpResponse projects(const std::string& rows) {
  return {200, {}, R"({"links":{},"projects":[)" + rows + "]}"};
}

net::HttpResponse one_project() { return projects(R"({"id":"abc","name":"cn-north-4"})"); }

class Iam final : public net::HttpTransport {
 public:
  net::HttpResponse answer = one_project();
  std::vector<net::HttpRequest> sent;
  Result<net::HttpResponse> send(const net::HttpRequest& request) override {
    sent.push_back(request);
    return answer;
  }
  void abort() override {}
};

struct Nobody final : CallObserver {
  void call_finished(std::string_view, std::string_view, std::string_view, Millis) override {}
};

struct World {
  explicit World(const std::string& configured = "") {
    config::SwrConfig swr;
    swr.project_id = configured;
    swr.iam_endpoint = "http://iam";
    config.region = "cn-north-4";
    config.cloud = swr;
    keys.access_key = "A";
    keys.secret_key = Secret("s");
  }
  cloud::Source source() {
    return [this]() -> Result<cloud::CredentialCandidate> {
      cloud::CredentialCandidate candidate;
      candidate.source = "test";
      candidate.keys = keys;
      return candidate;
    };
  }

  FakeRuntime fake;
  config::RegistryConfig config;
  cloud::Keys keys;
  Iam iam;
  Nobody nobody;
  cloud::SignedClient client{fake.runtime(),
                             iam,
                             nobody,
                             config,
                             Millis{60'000},
                             [this](const cloud::KeyServices&) { return std::vector<cloud::Source>{source()}; }};
};

Project project_of(World& world) {
  const auto& swr = std::get<config::SwrConfig>(world.config.cloud);
  return {world.fake.runtime(), world.config, std::make_shared<const IamHosts>(swr.iam_endpoint),
          world.client};
}

TEST_CASE("project: as configured, nobody is asked") {
  World world("mine");
  Project project = project_of(world);
  CHECK(project.get() == std::string("mine"));
  CHECK(world.iam.sent.empty());
}

TEST_CASE("project: asked of IAM once, signed, by the region's name") {
  World world;
  Project project = project_of(world);
  CHECK(project.get() == std::string("abc"));
  CHECK(project.get() == std::string("abc"));
  world.keys.access_key = "B";
  CHECK(project.get() == std::string("abc"));
  REQUIRE(world.iam.sent.size() == 1);
  const net::HttpRequest& asked = world.iam.sent[0];
  CHECK(asked.method == "GET");
  CHECK(asked.origin == "http://iam");
  CHECK(asked.target == "/v3/projects?name=cn-north-4");
  bool is_signed = false;
  for (const auto& [name, value] : asked.headers) {
    is_signed |= name == "authorization" && value.find("Access=A,") != std::string::npos;
    CHECK(name != "x-project-id");
  }
  CHECK(is_signed);
}

TEST_CASE("project: what comes with the keys is not asked for, and IAM is asked where they say") {
  World world;
  world.keys.project_id = "with-keys";
  Project told = project_of(world);
  CHECK(told.get() == std::string("with-keys"));
  CHECK(world.iam.sent.empty());
  world.keys.project_id = "no\nheader";
  world.keys.iam_origin = "http://private";
  Project asked = project_of(world);
  CHECK(asked.get() == std::string("abc"));
  CHECK(world.iam.sent.at(0).origin == "http://private");
}

TEST_CASE("project: exactly one is right, everything else shows as what it is") {
  struct Row {
    const char* name;
    net::HttpResponse answer;
    ErrorKind kind;
    const char* words;
  };
  const char* const row = R"({"id":"abc","name":"cn-north-4"})";
  const Row rows[] = {
      {"none", projects(""), ErrorKind::invalid_config, "no project called cn-north-4"},
      {"of another name", projects(R"({"id":"x","name":"cn-north-4_dev"})"),
       ErrorKind::invalid_config, "set project_id"},
      {"two", projects(std::string(row) + "," + row), ErrorKind::invalid_config, "2 projects"},
      {"null", {200, {}, R"({"projects":null})"}, ErrorKind::malformed, "no projects"},
      {"no id", projects(R"({"name":"cn-north-4"})"), ErrorKind::malformed, "no id"},
      {"an id that is none", projects(R"({"id":"a b","name":"cn-north-4"})"), ErrorKind::malformed,
       "no id"},
      {"no JSON", {200, {}, "<html>"}, ErrorKind::malformed, "KeystoneListProjects"},
      {"not allowed",
       {403,
        {},
        R"({"error":{"code":403,"message":"You are not authorized","title":"Forbidden"}})"},
       ErrorKind::forbidden,
       "KeystoneListProjects"},
      {"gone", {500, {}, "{}"}, ErrorKind::server_error, "HTTP 500"},
  };
  for (const Row& each : rows) {
    CAPTURE(each.name);
    World world;
    world.iam.answer = each.answer;
    Project project = project_of(world);
    const Result<std::string> got = project.get();
    REQUIRE_FALSE(got);
    CHECK(got.error().kind == each.kind);
    CHECK(got.error().detail.find(each.words) != std::string::npos);
  }
  World nameless;
  nameless.iam.answer = projects(R"({"id":"abc"})");
  CHECK(project_of(nameless).get() == std::string("abc"));
}

TEST_CASE("project: after a failure IAM has its rest, unless the keys change") {
  World world;
  world.iam.answer = projects("");
  Project project = project_of(world);
  CHECK_FALSE(project.get());
  const auto told = project.get();
  CHECK(world.iam.sent.size() == 1);
  CHECK(told.error().detail.find("set project_id") != std::string::npos);
  world.fake.advance(1s);
  CHECK_FALSE(project.get());
  CHECK(world.iam.sent.size() == 2);
  world.fake.advance(1s);
  CHECK_FALSE(project.get());
  CHECK(world.iam.sent.size() == 2);  // The pause doubles.
  for (int hours = 0; hours < 24 * 60; ++hours) {
    world.fake.advance(1min);
    CHECK_FALSE(project.get());
  }
  CHECK(world.iam.sent.size() <= 24 * 60 + 2);
  const std::size_t before = world.iam.sent.size();
  world.iam.answer = one_project();
  CHECK_FALSE(project.get());
  world.keys.secret_key = Secret("new");
  CHECK(project.get() == std::string("abc"));
  CHECK(world.iam.sent.size() == before + 1);
}

TEST_CASE("project: no other than the one to keep to") {
  World world;
  Project project = project_of(world);
  project.keep_to("known");
  const auto got = project.get();
  REQUIRE_FALSE(got);
  CHECK(got.error().kind == ErrorKind::invalid_config);
  CHECK(got.error().detail.find("known") != std::string::npos);
  CHECK(got.error().detail.find("abc") != std::string::npos);
  project.keep_to("abc");
  world.fake.advance(1s);
  CHECK(project.get() == std::string("abc"));
}

}  // namespace
}  // namespace registry_exporter::swr
