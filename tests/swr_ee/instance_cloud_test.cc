// What ingestion hears of an instance, from the simulator.
#include "exporter/swr_ee/instance_cloud.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/simulator/simulator.h"
#include "tests/simulator/transport.h"
#include "tests/support/fake_runtime.h"

using namespace registry_exporter;

namespace {

struct Nobody final : CallObserver {
  void call_finished(std::string_view, std::string_view, std::string_view, Millis) override {}
};

config::RegistryConfig config_of(const std::vector<config::Collected>& collect) {
  config::RegistryConfig config;
  config.name = "ee";
  config.region = "demo-region";
  config.endpoint = "http://127.0.0.1:10068";
  config.requests_per_second = 1000;
  config.credentials_given = true;
  config.collect = collect;
  config::SwrConfig swr;
  swr.iam_endpoint = "http://127.0.0.1:10068";
  swr.iam_endpoint_given = true;
  swr.credentials.access_key.value = Secret("demo-access-key");
  swr.credentials.secret_key.value = Secret("demo-secret-key");
  swr.is_enterprise = true;
  swr.instance_name = "demo-enterprise";
  config.cloud = swr;
  return config;
}

struct Instance {
  explicit Instance(std::vector<config::Collected> collect = {}, std::set<std::string> denied = {})
      : config(config_of(collect)),
        simulator({.seed = 5, .repositories = 20, .speed = 0}, {}, fake.wall(), account(denied)),
        transport(simulator, fake.runtime().clock),
        cloud(fake.runtime(), transport, nobody, config) {}

  static simulator::AccountOptions account(const std::set<std::string>& denied) {
    simulator::AccountOptions options;
    options.denied.assign(denied.begin(), denied.end());
    return options;
  }
  std::vector<Record> all(const ListRef& list) {
    std::vector<Record> records;
    for (int index = 0;; ++index) {
      const auto page = cloud.list_records(list, {index, 10});
      REQUIRE(page);
      if (page->rows == 0) return records;
      records.insert(records.end(), page->records.begin(), page->records.end());
    }
  }
  nlohmann::json truth() { return nlohmann::json::parse(simulator.truth(fake.wall()))["swr_ee"]; }

  FakeRuntime fake;
  config::RegistryConfig config;
  simulator::Simulator simulator;
  simulator::SimulatedTransport transport;
  Nobody nobody;
  swr_ee::InstanceCloud cloud;
};

/// One policy with one execution and its tasks, as a test writes them.
struct Scripted final : net::HttpTransport {
  std::string execution, tasks;
  std::string policy = R"({"id":7,"namespace_name":"team"})";
  int calls = 0;
  Result<net::HttpResponse> send(const net::HttpRequest& request) override {
    ++calls;
    const auto is = [&](const char* part) {
      return request.target.find(part) != std::string::npos;
    };
    const std::string list = is("/tasks")        ? R"("tasks":[)" + tasks
                             : is("/executions") ? R"("executions":[)" + execution
                                                 : R"("retentions":[)" + policy;
    return net::HttpResponse{200, {}, "{" + list + R"(],"total":1})"};
  }
  void abort() override {}
};

/// An instance with that alone. Its id and its project's are known.
struct ScriptedInstance {
  static config::RegistryConfig config() {
    config::RegistryConfig config = config_of({});
    auto& swr = std::get<config::SwrConfig>(config.cloud);
    swr.project_id = "p1";
    swr.instance_id = "i1";
    swr.instance_name.clear();
    return config;
  }

  FakeRuntime fake;
  Scripted transport;
  Nobody nobody;
  swr_ee::InstanceCloud cloud{fake.runtime(), transport, nobody, config()};
};

std::size_t count_of(const Discovery& discovery, OwnerType owner) {
  return static_cast<std::size_t>(
      std::count_if(discovery.repositories.begin(), discovery.repositories.end(),
                    [&](const auto& each) { return owner_type(each.ref) == owner; }));
}

}  // namespace

TEST_CASE("instance: discovery finds what is collected, policies before their repositories") {
  Instance both;
  const auto found = both.cloud.discover({});
  REQUIRE(found);
  CHECK(found->complete);
  CHECK_FALSE(found->project_id.empty());
  CHECK(count_of(*found, OwnerType::repo_namespace) == 3);
  CHECK(count_of(*found, OwnerType::repository) == 20);
  CHECK(count_of(*found, OwnerType::policy) == both.truth()["replications"].size());
  CHECK(owner_type(found->repositories.front().ref) == OwnerType::repo_namespace);
  Instance replications({config::Collected::replications});
  const auto policies = replications.cloud.discover({});
  REQUIRE(policies);
  CHECK(policies->repositories.size() == count_of(*found, OwnerType::policy));
}

TEST_CASE("instance: where one half is forbidden the other is found, and nothing is complete") {
  Instance denied({}, {"ListInstanceRetentionPolicies"});
  const auto found = denied.cloud.discover({});
  REQUIRE(found);
  CHECK_FALSE(found->complete);
  REQUIRE(found->part_failed);
  CHECK(found->part_failed->kind == ErrorKind::forbidden);
  CHECK(count_of(*found, OwnerType::policy) > 0);
  Instance alone({config::Collected::retentions}, {"ListInstanceRetentionPolicies"});
  CHECK_FALSE(alone.cloud.discover({}));
}

TEST_CASE("instance: an execution that is read by its id tells what it deleted") {
  Instance instance;
  const auto found = instance.cloud.discover({});
  REQUIRE(found);
  std::map<std::string, std::uint64_t> deleted;
  for (const ListedRepository& each : found->repositories) {
    if (owner_type(each.ref) != OwnerType::repo_namespace) continue;
    const ListRef list{&kRetentions, each.ref};
    for (const Record& record : instance.all(list)) {
      CHECK(record.parts.empty());
      if (!record.needs_details) continue;
      const auto whole = instance.cloud.read_record(list, record.id);
      REQUIRE(whole);
      const auto details = instance.cloud.read_details(list, record);
      REQUIRE(details);
      CHECK(*details == *whole);
      CHECK(whole->key == record.key);
      CHECK_FALSE(whole->needs_details);
      for (const Part& part : whole->parts) {
        deleted[full_name(part.owner) + " " + std::string(name(part.outcome))] += part.amount;
      }
    }
    const auto gone = instance.cloud.read_record(list, "1");
    REQUIRE_FALSE(gone);
    CHECK(gone.error().kind == ErrorKind::not_found);
  }
  const nlohmann::json truth = instance.truth();
  for (const auto& each : truth["repositories"]) {
    for (const auto& [rule, count] : each["deletions"].items()) {
      const std::string key = each["repo_namespace"].get<std::string>() + "/" +
                              each["repo"].get<std::string>() + " " + rule;
      CAPTURE(key);
      CHECK(deleted[key] == count.get<std::uint64_t>());
    }
  }
}

TEST_CASE("instance: a task that never ends does not keep its execution from counting for ever") {
  struct Row {
    const char* end;
    int waits_hours;
  };
  const Row rows[] = {{R"("end_time":"2026-01-02T03:04:05Z",)", 1},
                      {R"("end_time":"2026-01-01T00:00:00Z",)", 1},
                      {R"("end_time":"2099-01-01T00:00:00Z",)", 1},
                      {R"("end_time":null,)", 1},
                      {"", 1}};
  for (const Row& row : rows) {
    CAPTURE(row.end);
    ScriptedInstance instance;
    instance.transport.execution = std::string(R"({"id":1,"policy_id":7,"dry_run":false,)") +
                                   row.end + R"("status":"Succeed"})";
    instance.transport.tasks =
        R"({"id":1,"execution_id":1,"repository":"a","status":"InProgress"},)"
        R"({"id":2,"execution_id":1,"repository":"b","status":"Succeed","total":3,"retained":1})";
    const ListRef list{&kRetentions, {"team", "", "7"}};
    for (int hours = 0; hours <= 1; ++hours) {
      CAPTURE(hours);
      const auto record = instance.cloud.read_record(list, "1");
      REQUIRE(record);
      CHECK(record->needs_details == (hours < row.waits_hours));
      CHECK(record->parts.size() == (hours < row.waits_hours ? 0U : 1U));
      instance.fake.advance(std::chrono::hours(1));
    }
  }
}

TEST_CASE("instance: one answer that calls old tasks open again does not cost their deletions") {
  ScriptedInstance instance;
  instance.transport.execution =
      R"({"id":1,"policy_id":7,"dry_run":false,"end_time":"2026-01-01T00:00:00Z",)"
      R"("status":"Succeed"})";
  instance.transport.tasks =
      R"({"id":2,"execution_id":1,"repository":"b","status":"InProgress","total":0,"retained":0})";
  const ListRef list{&kRetentions, {"team", "", "7"}};
  const auto waits = instance.cloud.read_record(list, "1");
  REQUIRE(waits);
  CHECK(waits->needs_details);
  instance.fake.advance(std::chrono::minutes(9));
  CHECK(instance.cloud.read_record(list, "1")->needs_details);
  SUBCASE("they have ended after all") {
    instance.transport.tasks =
        R"({"id":2,"execution_id":1,"repository":"b","status":"Succeed","total":3,"retained":1})";
    CHECK(instance.cloud.read_record(list, "1")->parts.size() == 1);
  }
  SUBCASE("they stay open: it is not waited for ever") {
    instance.fake.advance(std::chrono::minutes(1));
    CHECK_FALSE(instance.cloud.read_record(list, "1")->needs_details);
  }
}

TEST_CASE("instance: deletions wait for their policy where a list lacks it, and not for ever") {
  ScriptedInstance instance;
  instance.transport.execution =
      R"({"id":1,"policy_id":7,"dry_run":false,"end_time":"2026-01-02T03:04:05Z",)"
      R"("status":"Succeed"})";
  instance.transport.tasks =
      R"({"id":2,"execution_id":1,"repository":"b","status":"Succeed","total":3,"retained":1})";
  const std::string policy =
      R"({"id":7,"namespace_name":"team","rules":[{"template":"latestPushedK"}]})";
  instance.transport.policy = R"({"id":8,"namespace_name":"other"})";
  const ListRef list{&kRetentions, {"team", "", "7"}};
  const auto waits = instance.cloud.read_record(list, "1");
  REQUIRE(waits);
  CHECK(waits->needs_details);
  SUBCASE("it is listed again: its rule is the one") {
    instance.transport.policy = policy;
    const auto record = instance.cloud.read_record(list, "1");
    REQUIRE(record);
    REQUIRE(record->parts.size() == 1);
    CHECK(record->parts[0].outcome == Outcome::tag_rule);
  }
  SUBCASE("it never is") {
    instance.fake.advance(std::chrono::hours(1));
    const auto record = instance.cloud.read_record(list, "1");
    REQUIRE(record);
    REQUIRE(record->parts.size() == 1);
    CHECK(record->parts[0].outcome == Outcome::other);
  }
}

TEST_CASE("instance: details of a listed execution cost the reading of its tasks alone") {
  ScriptedInstance instance;
  instance.transport.tasks =
      R"({"id":2,"execution_id":1,"repository":"b","status":"Succeed","total":3,"retained":1})";
  Record listed;
  listed.id = "1";
  listed.key = 1;
  listed.outcome = Outcome::success;
  listed.needs_details = true;
  (void)instance.cloud.discover({});
  instance.transport.calls = 0;
  const auto whole = instance.cloud.read_details({&kRetentions, {"team", "", "7"}}, listed);
  REQUIRE(whole);
  CHECK_FALSE(whole->needs_details);
  CHECK(whole->parts == std::vector<Part>{{{"team", "b", ""}, Outcome::other, 2}});
  CHECK(instance.transport.calls == 2);  // Another page may follow the first.
}

TEST_CASE("instance: replications are their policies', by name, also before any discovery") {
  Instance instance;
  std::map<std::string, std::uint64_t> copied;
  for (const Record& record : instance.all({&kReplications, {}})) {
    REQUIRE(record.owner);
    CHECK_FALSE(record.needs_details);
    for (const Part& part : record.parts) {
      if (part.outcome == Outcome::success) copied[record.owner->name] += part.amount;
    }
  }
  const nlohmann::json truth = instance.truth();
  for (const auto& each : truth["replications"]) {
    CHECK(copied[each["policy"]] == each["artifacts"]["success"].get<std::uint64_t>());
  }
}

TEST_CASE("instance: what was counted of another instance is not gone on with") {
  Instance instance;
  instance.cloud.keep_to_project("another");
  const auto found = instance.cloud.discover({});
  REQUIRE_FALSE(found);
  CHECK(found.error().kind == ErrorKind::invalid_config);
  CHECK(found.error().detail.find("another") != std::string::npos);
  CHECK_FALSE(instance.cloud.list_records({&kReplications, {}}, {0, 10}));
}
