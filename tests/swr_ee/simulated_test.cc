// The client and the simulator: both ends of the wire at once.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "exporter/swr_ee/client.h"
#include "tests/simulator/simulator.h"
#include "tests/simulator/transport.h"
#include "tests/support/fake_runtime.h"

using namespace registry_exporter;
using namespace std::chrono_literals;

namespace {

struct Nobody final : CallObserver {
  void call_finished(std::string_view, std::string_view, std::string_view, Millis) override {}
};

config::RegistryConfig demo_config() {
  config::RegistryConfig config;
  config.name = "swr-ee-demo";
  config.region = "demo-region";
  config.endpoint = "http://127.0.0.1:10068";
  config.requests_per_second = 1000;
  config.credentials_given = true;
  config::SwrConfig swr;
  swr.iam_endpoint = "http://127.0.0.1:10068";
  swr.iam_endpoint_given = true;
  swr.credentials.access_key.value = Secret("demo-access-key");
  swr.credentials.secret_key.value = Secret("demo-secret-key");
  config.cloud = swr;
  return config;
}

/// A world that stands still, and a client that knows the instance by its name alone.
struct Demo {
  explicit Demo(simulator::AccountOptions account = {},
                const simulator::WorldOptions& options = {.seed = 5,
                                                          .repositories = 20,
                                                          .speed = 0})
      : simulator(options, {}, fake.wall(), std::move(account)),
        transport(simulator, fake.runtime().clock),
        client(fake.runtime(), transport, nobody, config, {"", "demo-enterprise"}) {}

  FakeRuntime fake;
  simulator::Simulator simulator;
  simulator::SimulatedTransport transport;
  Nobody nobody;
  config::RegistryConfig config = demo_config();
  swr_ee::Client client;
};

template <class Execution, class Ask>
std::vector<Execution> all_executions(const Ask& ask) {
  std::vector<Execution> all;
  for (int index = 0;; ++index) {
    const auto page = ask(PageRequest{index, 10});
    REQUIRE(page);
    if (page->value.items.empty()) return all;
    for (const Execution& each : page->value.items) all.push_back(each);
  }
}

}  // namespace

TEST_CASE("swr_ee simulated: what all executions deleted is the truth") {
  Demo demo;
  const auto policies = demo.client.retention_policies();
  REQUIRE(policies);
  CHECK(policies->size() == 3);
  std::map<std::string, std::uint64_t> deleted;
  std::map<std::string, std::size_t> ended;
  for (const swr_ee::RetentionPolicy& policy : *policies) {
    const auto executions = all_executions<swr_ee::RetentionExecution>(
        [&](const PageRequest& page) { return demo.client.retention_executions(policy, page); });
    for (const swr_ee::RetentionExecution& each : executions) {
      if (!each.run.end) continue;
      ++ended[policy.repo_namespace];
      if (each.dry_run != false) continue;
      const auto tasks = demo.client.retention_tasks(policy, each.run.id);
      REQUIRE(tasks);
      for (const swr_ee::RetentionTask& task : *tasks) {
        if (task.run.end != swr_ee::RunEnd::success) continue;
        deleted[policy.repo_namespace + "/" + task.repository + "/" +
                std::string(name(policy.rule))] += task.removed.value();
      }
    }
  }
  const auto truth = nlohmann::json::parse(demo.simulator.truth(demo.fake.wall()))["swr_ee"];
  for (const auto& each : truth["retentions"]) {
    std::size_t all = 0;
    for (const auto& [status, count] : each["executions"].items()) all += count.get<std::size_t>();
    CHECK(ended[each["repo_namespace"]] == all);
  }
  for (const auto& each : truth["repositories"]) {
    for (const auto& [rule, count] : each["deletions"].items()) {
      const std::string key = each["repo_namespace"].get<std::string>() + "/" +
                              each["repo"].get<std::string>() + "/" + rule;
      CAPTURE(key);
      CHECK(deleted[key] == count.get<std::uint64_t>());
    }
  }
}

TEST_CASE("swr_ee simulated: what all replications moved is the truth") {
  Demo demo;
  const auto policies = demo.client.replication_policies();
  REQUIRE(policies);
  const auto executions = all_executions<swr_ee::ReplicationExecution>(
      [&](const PageRequest& page) { return demo.client.replication_executions(page); });
  const auto truth = nlohmann::json::parse(demo.simulator.truth(demo.fake.wall()))["swr_ee"];
  for (const auto& each : truth["replications"]) {
    std::uint64_t moved = 0;
    for (const swr_ee::ReplicationPolicy& policy : *policies) {
      if (policy.name != each["policy"]) continue;
      for (const auto& execution : executions) {
        if (execution.policy_id == policy.id) moved += execution.succeeded.value();
      }
    }
    CHECK(moved == each["artifacts"]["success"]);
  }
}

TEST_CASE("swr_ee simulated: replications may be forbidden while retentions are not") {
  simulator::AccountOptions account;
  account.denied = {"ListInstanceReplicationPolicyExecutions"};
  Demo demo(account);
  const auto refused = demo.client.replication_executions({0, 100});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::forbidden);
  CHECK(demo.client.retention_policies());
  CHECK(demo.client.repositories());
  CHECK(demo.client.health().up);
}

TEST_CASE("swr_ee simulated: a server with smaller pages and totals that lie hides nothing") {
  for (const auto totals : {simulator::Totals::right, simulator::Totals::missing,
                            simulator::Totals::zero, simulator::Totals::page_rows}) {
    CAPTURE(static_cast<int>(totals));
    simulator::WorldOptions options{.seed = 5, .repositories = 40, .speed = 0, .page_size_max = 7};
    options.lasting.totals = totals;
    Demo demo({}, options);
    const auto repositories = demo.client.repositories();
    REQUIRE(repositories);
    CHECK(repositories->size() == 40);
  }
}
