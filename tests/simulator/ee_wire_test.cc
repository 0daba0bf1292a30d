#include "tests/simulator/ee_wire.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "exporter/swr_ee/codec.h"

namespace registry_exporter::simulator {
namespace {

using Json = nlohmann::json;
using std::chrono::hours;
using std::chrono::seconds;

const UnixMillis kNow{seconds{1'800'000'000}};
const std::string kProject = "0123456789abcdef0123456789abcdef";
constexpr std::size_t kDialects = 24;  ///< More than there are combinations of odd spellings.

struct Still {
  WorldOptions options{.seed = 7, .repositories = 20};
  EeWorld::Clock clock{[](Life life) { return UnixMicros(kNow) - hours{5} + life; }, Millis{0}};
  EeWorld world{options, clock};
  Still() { world.advance_to(hours{5}, clock); }

  net::HttpResponse get(const std::string& target, const Lies& lies = {}) const {
    const WireRequest request{.method = "GET", .target = target, .headers = {}, .body = {}};
    EeCall call{request, kNow, lies, {}, {}, kProject};
    std::string_view rest = request.raw_path();
    while (!rest.empty()) {
      rest.remove_prefix(1);
      call.path.emplace_back(rest.substr(0, rest.find('/')));
      rest.remove_prefix(call.path.back().size());
    }
    call.query = parse_query(request.raw_query()).value();
    REQUIRE(is_ee_path(call.path));
    return answer_ee(world, options, call);
  }
  std::string below() const { return "/v2/" + kProject + "/instances/" + world.instance_id(); }
  std::string executions(const EeNamespace& space) const {
    return below() + "/namespaces/" + space.name + "/retention/policies/" +
           std::to_string(space.policy_id) + "/executions";
  }
  const EeNamespace& apps() const { return world.namespaces()[0]; }
};

std::string verdict(const net::HttpResponse& response) {
  const Json body = Json::parse(response.body, nullptr, false);
  const std::string code = body.is_object() ? body.value("error_code", "") : "";
  return std::to_string(response.status) + (code.empty() ? "" : " " + code);
}

}  // namespace

TEST_CASE("ee wire: refuses what the cloud refuses") {
  Still still;
  const std::string below = still.below();
  const std::string executions = still.executions(still.apps());
  const std::string policies = below + "/retention/policies";
  struct Row {
    const char* name;
    std::string target;
    const char* verdict;
  };
  const Row rows[] = {
      {"a page", policies + "?limit=100&offset=0", "200"},
      {"no page", policies, "200"},
      {"another project", "/v2/p/instances", "404 SWR.404001"},
      {"another instance", "/v2/" + kProject + "/instances/i/repositories", "404 SWR.404001"},
      {"no such namespace", below + "/namespaces/x/retention/policies/1/executions",
       "404 SWR.404001"},
      {"no such policy", below + "/namespaces/apps/retention/policies/1/executions",
       "404 SWR.404001"},
      {"no such execution", executions + "/1/tasks", "404 SWR.404001"},
      {"no such list", below + "/builds", "404 APIGW.0101"},
      {"limit alone", policies + "?limit=10", "400 SWR.400001"},
      {"offset alone", policies + "?offset=10", "400 SWR.400001"},
      {"limit 0", policies + "?limit=0&offset=0", "400 SWR.400001"},
      {"limit beyond the largest", policies + "?limit=101&offset=0", "400 SWR.400001"},
      {"a crooked offset", policies + "?limit=10&offset=5", "400 SWR.400001"},
      {"no number", policies + "?limit=ten&offset=0", "400 SWR.400001"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    for (std::uint64_t dice = 0; dice < 2; ++dice) {  // Both forms of errors.
      CHECK(verdict(still.get(row.target, {.dice = dice})) == row.verdict);
    }
  }
}

TEST_CASE("ee wire: a policy that is gone is a bad request, as the cloud has it") {
  Still still;
  still.world.set_tricks({.rebirths_per_day = 100});
  still.world.advance_to(hours{30}, still.clock);
  const EeNamespace& apps = still.apps();
  REQUIRE_FALSE(apps.former_policies.empty());
  const std::string gone = still.below() + "/namespaces/apps/retention/policies/" +
                           std::to_string(apps.former_policies[0]) + "/executions";
  CHECK(verdict(still.get(gone)) == "400 SWR.400003");
}

TEST_CASE("ee wire: lists come in pages of ten where none is asked for, to their end") {
  Still still;
  const std::string list = still.below() + "/replication/executions";
  const std::size_t all = still.world.listed_replications().size();
  CHECK(Json::parse(still.get(list).body)["executions"].size() == 10);
  std::set<std::int64_t> ids;
  for (std::size_t offset = 0;; offset += 20) {
    const Json page =
        Json::parse(still.get(list + "?limit=20&offset=" + std::to_string(offset)).body);
    CHECK(page["total"] == all);
    if (page["executions"].empty()) break;
    for (const Json& row : page["executions"]) ids.insert(row["id"].get<std::int64_t>());
  }
  CHECK(ids.size() == all);
}

TEST_CASE("ee wire: in whatever words an answer is, the exporter understands the same") {
  Still still;
  const EeNamespace& apps = still.apps();
  const PageRequest first{0, 100};
  const auto parse = [&](const Lies& lies) {
    return swr_ee::parse_retention_executions(
        still.get(still.executions(apps) + "?limit=100&offset=0", lies).body,
        std::to_string(apps.policy_id), first);
  };
  const auto plain = parse({});
  REQUIRE(plain);
  REQUIRE(plain->items.size() == apps.executions.size());
  for (std::uint64_t dice = 0; dice < kDialects; ++dice) {
    CAPTURE(dice);
    const auto odd = parse({.loose = true, .dice = dice});
    REQUIRE(odd);
    CHECK(odd->items == plain->items);
    CHECK(odd->total == plain->total);
  }
}

TEST_CASE("ee wire: an instance tells the times of replications under one of two names, or never") {
  for (const bool tells : {true, false}) {
    CAPTURE(tells);
    Still still;
    still.options.replications_tell_times = tells;
    const std::string list = still.below() + "/replication/executions?limit=100&offset=0";
    for (std::uint64_t dice = 0; dice < kDialects; ++dice) {
      const Lies lies{.loose = true, .dice = dice};
      const auto page = swr_ee::parse_replication_executions(still.get(list, lies).body, {0, 100});
      REQUIRE(page);
      for (const auto& each : page->items) {
        CHECK(each.succeeded);
        CHECK(each.run.started_at.has_value() == tells);
        CHECK(each.run.ended_at.has_value() == (tells && each.run.end.has_value()));
      }
    }
  }
}

TEST_CASE("ee wire: a status in nobody's documents does not end a replication") {
  Still still;
  bool any_unknown = false;
  for (std::uint64_t dice = 0; dice < kDialects; ++dice) {
    const Lies lies{.regressed = true, .loose = true, .dice = dice};
    const std::string list = still.below() + "/replication/executions?limit=100&offset=0";
    const auto page = swr_ee::parse_replication_executions(still.get(list, lies).body, {0, 100});
    REQUIRE(page);
    any_unknown |= !page->unknown_statuses.empty();
    for (const auto& each : page->items) CHECK(each.run.end != swr_ee::RunEnd::other);
  }
  CHECK(any_unknown);
}

TEST_CASE("ee wire: the tasks of an execution tell what it did in each repository") {
  Still still;
  const EeNamespace& apps = still.apps();
  const EeRetention& execution = apps.executions.front();
  const auto page = swr_ee::parse_retention_tasks(
      still
          .get(still.executions(apps) + "/" + std::to_string(execution.run.id) +
               "/tasks?limit=100&offset=0")
          .body,
      std::to_string(execution.run.id), {0, 100});
  REQUIRE(page);
  REQUIRE(page->items.size() == execution.tasks.size());
  for (std::size_t i = 0; i < page->items.size(); ++i) {
    const EeTask& task = execution.tasks[i];
    CHECK(page->items[i].repository == apps.repositories[task.repository].name);
    CHECK(page->items[i].removed == task.total - task.retained);
  }
}

TEST_CASE("ee wire: policies and repositories are listed for all namespaces at once") {
  Still still;
  const auto policies = swr_ee::parse_retention_policies(
      still.get(still.below() + "/retention/policies?limit=100&offset=0").body, {0, 100});
  REQUIRE(policies);
  CHECK(policies->items.size() == 4);
  const auto repositories = swr_ee::parse_repositories(
      still.get(still.below() + "/repositories?limit=100&offset=0").body, {0, 100});
  REQUIRE(repositories);
  CHECK(repositories->items.size() >= 20);
  const auto instances = swr_ee::parse_instances(
      still.get("/v2/" + kProject + "/instances?limit=100&offset=0").body, {0, 100});
  REQUIRE(instances);
  CHECK(instances->items.at(1) == swr_ee::Instance{still.world.instance_id(), "demo-enterprise"});
}

TEST_CASE("ee wire: lies are told when they are asked for") {
  Still still;
  const EeNamespace& apps = still.apps();
  const std::string list = still.executions(apps) + "?limit=100&offset=0";
  const auto rows = [&](const Lies& lies) {
    return Json::parse(still.get(list, lies).body)["executions"];
  };
  const std::size_t all = apps.executions.size();
  CHECK(rows({.rows_hidden = 2}).size() == all - 2);
  CHECK(rows({.empty = true}).empty());
  CHECK(rows({.other_repository = true})[0]["policy_id"] != apps.policy_id);
  CHECK(Json::parse(still.get(list, {.total_off = 3}).body)["total"] == all + 3);
  std::size_t open = 0;
  for (std::uint64_t dice = 0; dice < 3; ++dice) {  // A third of the rows each.
    for (const Json& row : rows({.regressed = true, .dice = dice})) {
      open += row["status"] == "InProgress" ? 1U : 0U;
    }
  }
  CHECK(open > all / 2);
  const std::string second = still.executions(apps) + "?limit=5&offset=5";
  const Json stuck = Json::parse(still.get(second, {.first_page = true}).body)["executions"];
  CHECK(stuck[0]["id"] == rows({})[0]["id"]);
}

TEST_CASE("ee wire: an operation is known by its path") {
  CHECK(ee_operation("/v2/p/instances") == "ListInstance");
  CHECK(ee_operation("/v2/p/instances/i/replication/executions") ==
        "ListInstanceReplicationPolicyExecutions");
  CHECK(ee_operation("/v2/p/instances/i/namespaces/n/retention/policies/7/executions") ==
        "ListInstanceRetentionPolicyExecutions");
  CHECK(ee_operation("/v2/p/instances/i/namespaces/n/retention/policies/7/executions/9/tasks") ==
        "ListInstanceRetentionPolicyExecTasks");
}

}  // namespace registry_exporter::simulator
