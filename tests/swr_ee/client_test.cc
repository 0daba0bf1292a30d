#include "exporter/swr_ee/client.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "exporter/base/time_text.h"
#include "tests/support/fake_runtime.h"
#include "tests/support/scripted_transport.h"

using namespace registry_exporter;
using namespace std::chrono_literals;

namespace {

constexpr const char* kDate = "Fri, 02 Jan 2026 03:04:05 GMT";  // FakeRuntime's start.
const swr_ee::RetentionPolicy kPolicy{"7", "team-a", Outcome::date_rule, true};

net::HttpResponse answer(int status, const std::string& body) {
  return {status, {{"date", kDate}}, body};
}

class Operations final : public CallObserver {
 public:
  std::vector<std::string> seen;
  void call_finished(std::string_view, std::string_view operation, std::string_view outcome,
                     Millis) override {
    seen.push_back(std::string(operation) + " " + std::string(outcome));
  }
};

config::RegistryConfig config_of(const std::string& project_id) {
  config::RegistryConfig config;
  config.name = "swr-ee-test";
  config.region = "cn-north-4";
  config.endpoint = "http://127.0.0.1:10068";
  config.credentials_given = true;
  config::SwrConfig swr;
  swr.project_id = project_id;
  swr.iam_endpoint = "http://iam";
  swr.iam_endpoint_given = true;
  swr.credentials.access_key.value = Secret("key");
  swr.credentials.secret_key.value = Secret("secret");
  config.cloud = swr;
  return config;
}

struct World {
  explicit World(ScriptedTransport::Rule rule, const swr_ee::InstanceOptions& instance = {"i1", ""},
                 const std::string& project_id = "p1")
      : config(config_of(project_id)),
        client(fake.runtime(), transport, operations, config, instance) {
    transport.rule = std::move(rule);
  }

  FakeRuntime fake;
  ScriptedTransport transport;
  Operations operations;
  config::RegistryConfig config;
  swr_ee::Client client;
};

net::HttpResponse instances(const std::string& rows) {
  return answer(200, R"({"instances":[)" + rows + R"(],"total":null})");
}

/// IAM, and a project with two instances.
net::HttpResponse two_instances(const std::string& target) {
  if (target.starts_with("/v3/projects")) {
    return answer(200, R"({"projects":[{"id":"p9","name":"cn-north-4"}]})");
  }
  if (target.starts_with("/v2/p9/instances?") || target.starts_with("/v2/p1/instances?")) {
    const bool first = target.ends_with("offset=0");
    return instances(first ? R"({"id":"i1","name":"one"},{"id":"i2","name":"two"})" : "");
  }
  return answer(200, R"({"executions":[],"total":0})");
}

}  // namespace

TEST_CASE("swr_ee client: project and instance are looked up once, by their names") {
  World world(two_instances, {"", "two"}, "");
  REQUIRE(world.client.replication_executions({0, 100}));
  REQUIRE(world.client.replication_executions({1, 100}));
  CHECK(world.client.instance() == std::string("i2"));
  CHECK(world.operations.seen ==
        std::vector<std::string>{"KeystoneListProjects ok", "ListInstance ok", "ListInstance ok",
                                 "ListInstanceReplicationPolicyExecutions ok",
                                 "ListInstanceReplicationPolicyExecutions ok"});
  CHECK(world.transport.sent.back().target ==
        "/v2/p9/instances/i2/replication/executions?limit=100&offset=100");
}

TEST_CASE("swr_ee client: a configured instance is not looked up") {
  World world(two_instances);
  REQUIRE(world.client.retention_executions(kPolicy, {0, 50}));
  REQUIRE(world.transport.sent.size() == 1);
  const net::HttpRequest& sent = world.transport.sent[0];
  CHECK(sent.target ==
        "/v2/p1/instances/i1/namespaces/team-a/retention/policies/7/executions?limit=50&offset=0");
  bool signed_for_project = false;
  for (const auto& [name, value] : sent.headers) {
    signed_for_project |= name == "x-project-id" && value == "p1";
  }
  CHECK(signed_for_project);
}

TEST_CASE("swr_ee client: an instance that can't be told says what there is, and rests a while") {
  struct Row {
    const char* name;
    const char* rows;
    const char* words;
  };
  const Row rows[] = {
      {"none at all", "", "no instance called two, and no other"},
      {"others", R"({"id":"i1","name":"one"})", "no instance called two; it has one (i1)"},
      {"several", R"({"id":"i1","name":"two"},{"id":"i2","name":"two"})",
       "several instances called two: set instance_id"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world(
        [&](const std::string& target) {
          return instances(target.ends_with("offset=0") ? row.rows : "");
        },
        {"", "two"});
    const auto page = world.client.replication_executions({0, 100});
    REQUIRE_FALSE(page);
    CHECK(page.error().kind == ErrorKind::invalid_config);
    CHECK(page.error().detail.find(row.words) != std::string::npos);
    CHECK_FALSE(world.client.health().up);
    const std::size_t calls = world.transport.sent.size();
    CHECK_FALSE(world.client.replication_executions({0, 100}));
    CHECK(world.transport.sent.size() == calls);
    world.transport.rule = two_instances;
    world.fake.advance(2min);
    CHECK(world.client.replication_executions({0, 100}));
    CHECK(world.client.health().up);
  }
}

TEST_CASE("swr_ee client: the tasks of an execution are all of them, or an error") {
  const auto page_of = [](int first, int count, int total) {
    std::string rows;
    for (int id = first; id < first + count; ++id) {
      rows += (id == first ? "" : ",") + std::string(R"({"id":)") + std::to_string(id) +
              R"(,"execution_id":912,"repository":"r","status":"Succeed","total":3,"retained":1})";
    }
    return answer(200, R"({"tasks":[)" + rows + R"(],"total":)" + std::to_string(total) + "}");
  };
  struct Row {
    const char* name;
    ScriptedTransport::Rule cloud;
    std::size_t tasks;  ///< 0: an error.
  };
  const Row rows[] = {
      {"two pages",
       [&](const std::string& target) {
         return target.ends_with("offset=0") ? page_of(1, 100, 130) : page_of(101, 30, 130);
       },
       130},
      {"a server with a smaller page, whose total is wrong",
       [&](const std::string& target) {
         if (target.ends_with("offset=0")) return page_of(1, 20, 20);
         return target.ends_with("limit=20&offset=20") ? page_of(21, 5, 5) : page_of(0, 0, 0);
       },
       25},
      {"the second page is refused",
       [&](const std::string& target) {
         return target.ends_with("offset=0") ? page_of(1, 100, 130)
                                             : answer(403, R"({"error_code":"SWR.4030170"})");
       },
       0},
      {"the same page for ever", [&](const std::string&) { return page_of(1, 100, 130); }, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world(row.cloud);
    const auto tasks = world.client.retention_tasks(kPolicy, "912");
    CHECK(tasks.has_value() == (row.tasks > 0));
    if (tasks) CHECK(tasks->size() == row.tasks);
  }
}

TEST_CASE("swr_ee client: an answer about another policy shows as a malformed call") {
  World world([](const std::string&) {
    return answer(200, R"({"executions":[{"id":1,"policy_id":8}],"total":1})");
  });
  const auto page = world.client.retention_executions(kPolicy, {0, 100});
  REQUIRE_FALSE(page);
  CHECK(page.error().kind == ErrorKind::malformed);
  CHECK(world.operations.seen[0] == "ListInstanceRetentionPolicyExecutions malformed");
}

TEST_CASE("swr_ee client: policies and repositories are read for the whole instance") {
  World world([](const std::string& target) {
    if (!target.ends_with("offset=0")) return answer(200, R"({"total":0})");
    if (target.find("/retention/policies") != std::string::npos) {
      return answer(200, R"({"retentions":[{"id":7,"namespace_name":"team-a"}],"total":1})");
    }
    if (target.find("/replication/policies") != std::string::npos) {
      return answer(200, R"({"policies":[{"id":12,"name":"to-paris"}],"total":1})");
    }
    return answer(200, R"({"repositories":[{"name":"api","namespace_name":"team-a"}],"total":1})");
  });
  const auto retentions = world.client.retention_policies();
  REQUIRE(retentions);
  CHECK(retentions->at(0).repo_namespace == "team-a");
  const auto replications = world.client.replication_policies();
  REQUIRE(replications);
  CHECK(replications->at(0).name == "to-paris");
  const auto repositories = world.client.repositories();
  REQUIRE(repositories);
  CHECK(full_name(repositories->at(0).ref) == "team-a/api");
}

TEST_CASE("swr_ee client: a policy that is gone is not found, though the cloud says bad request") {
  World world([](const std::string&) {
    return answer(400, R"({"error_code":"SWR.400003","error_msg":"no such retention policy"})");
  });
  const auto page = world.client.retention_executions(kPolicy, {0, 100});
  REQUIRE_FALSE(page);
  CHECK(page.error().kind == ErrorKind::not_found);
}

namespace {

std::string task_rows(const std::vector<int>& ids) {
  std::string rows;
  for (const int id : ids) {
    rows += (rows.empty() ? "" : ",") +
            std::string(R"({"execution_id":1,"status":"Succeed","id":)") + std::to_string(id) +
            R"(,"repository":"a"})";
  }
  return rows;
}

}  // namespace

TEST_CASE("swr_ee client: tasks are read again until their total confirms them or two agree") {
  struct Row {
    const char* name;
    std::vector<std::vector<int>> readings;  ///< Each in one page; the last one for ever.
    const char* total;
    std::size_t tasks;  ///< 0: they can't be told.
    std::size_t calls_max;
  };
  const Row rows[] = {
      {"the total confirms them", {{1, 2}}, "2", 2, 2},
      {"none, as the total says twice", {{}}, "0", 0, 2},
      {"a list that was empty once, and so its total", {{}, {1, 2}}, "0", 2, 6},
      {"a total of nothing, and rows were left out once", {{1}, {1, 2, 3}}, "null", 3, 6},
      {"a wrong total", {{1, 2}}, "9", 2, 20},
      {"others each time", {{1}, {2}, {3}, {4}, {5}}, "null", 0, 12},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    std::size_t reading = 0;
    World world([&](const std::string& target) {
      const bool first = target.ends_with("offset=0");
      if (first) ++reading;
      const auto& shown = row.readings[std::min(reading, row.readings.size()) - 1];
      return answer(200, R"({"tasks":[)" + task_rows(first ? shown : std::vector<int>{}) +
                             R"(],"total":)" + row.total + "}");
    });
    const auto tasks = world.client.retention_tasks(kPolicy, "1");
    CHECK(tasks.has_value() == (row.tasks > 0 || row.readings.size() == 1));
    if (tasks) CHECK(tasks->size() == row.tasks);
    CHECK(world.transport.sent.size() <= row.calls_max);
  }
}
