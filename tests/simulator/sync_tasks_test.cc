#include "tests/simulator/sync_tasks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/simulator/acr_wire.h"
#include "tests/simulator/naive_client.h"
#include "tests/simulator/world.h"

namespace registry_exporter::simulator {
namespace {

using Json = nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const UnixMillis kStart{seconds{1'800'000'000}};

std::string trace(const World& world) {
  std::string text;
  for (const SyncTask& task : world.syncs().all()) {
    text += task.id + " " + task.batch_id + " " + task.repo_namespace + "/" + task.repo + " " +
            std::string(world.syncs().status_of(task)) + " " +
            std::to_string(task.created_at.time_since_epoch().count()) + "\n";
  }
  return text;
}

Json ask(AcrWire& wire, const std::string& operation, QueryPairs query, const Lies& lies = {}) {
  static int nonce = 0;
  query.insert(query.begin(), {"InstanceId", "cri-demo"});
  const WireRequest request =
      acr_request(operation, query, kStart, "sync" + std::to_string(++nonce));
  return Json::parse(wire.answer(request, kStart, lies).body);
}

/// The first repository of ACR fails and is slow from the beginning of life on.
struct Breaks final : Script {
  double sync_success_share(SyncCloud cloud, std::size_t index, Life at,
                            double own) const override {
    return concerns(cloud, index, at) ? 0 : own;
  }
  double sync_slowness(SyncCloud cloud, std::size_t index, Life at) const override {
    return concerns(cloud, index, at) ? 100 : 1;
  }
  static bool concerns(SyncCloud cloud, std::size_t index, Life at) {
    return cloud == SyncCloud::acr && index == 0 && at >= Life{0};
  }
};

}  // namespace

TEST_CASE("sync tasks: a script breaks those that it is about, and no others") {
  const Breaks script;
  const auto count = [](const World& world, std::size_t owner, auto matches) {
    const auto& all = world.syncs().all();
    return std::count_if(all.begin(), all.end(), [&](const SyncTask& task) {
      return task.owner == owner && task.born >= Life{0} && matches(task);
    });
  };
  const auto succeeds = [](const SyncTask& task) { return task.end == 0; };
  const auto is_long = [](const SyncTask& task) { return task.span > minutes{30}; };
  const auto any = [](const SyncTask&) { return true; };
  World world({.seed = 3, .repositories = 12, .script = &script}, kStart);
  world.advance_to(kStart + hours{12});
  REQUIRE(count(world, 0, any) > 10);
  CHECK(count(world, 0, succeeds) == 0);
  CHECK(count(world, 0, is_long) > 5);
  CHECK(count(world, 1, succeeds) > 5);
  CHECK(count(world, 1, is_long) == 0);
  for (const SyncTask& task : world.swr_syncs().all()) CHECK(task.span <= minutes{30});
}

TEST_CASE("sync tasks: the same seed gives the same tasks, however often the world is asked") {
  const WorldOptions options{.seed = 3, .repositories = 12, .speed = 60};
  World once(options, kStart);
  once.advance_to(kStart + minutes{5});
  World often(options, kStart);
  for (int i = 0; i < 300; ++i) often.advance_to(kStart + seconds{i});
  often.advance_to(kStart + minutes{5});
  CHECK(trace(once) == trace(often));
  CHECK(once.syncs().all().size() > 150);
}

TEST_CASE("sync tasks: a task waits, runs and ends") {
  World world({.seed = 3, .repositories = 12, .speed = 60}, kStart);
  std::set<std::string> statuses;
  for (int i = 0; i < 600; ++i) {
    world.advance_to(kStart + seconds{i});
    statuses.emplace(world.syncs().status_of(world.syncs().all().back()));
  }
  CHECK(statuses.contains("PENDING"));
  CHECK(statuses.contains("SYNCHRONIZING"));
  CHECK(statuses.contains("SUCCESS"));
}

TEST_CASE("sync tasks: the counts are those of the listed tasks, and no id comes twice") {
  World world({.seed = 4, .repositories = 12, .speed = 60}, kStart);
  world.advance_to(kStart + minutes{10});
  std::map<std::string, SyncCounts> expected;
  std::set<std::string> ids, batches;
  for (const SyncTask* task : world.listed_syncs()) {
    CHECK(ids.insert(task->id).second);
    batches.insert(task->batch_id);
    SyncCounts& counts = expected[task->repo_namespace + "/" + task->repo];
    if (task->ended_at) {
      ++counts.finished[task->end];
      CHECK(*task->ended_at >= task->created_at);
    } else {
      ++counts.open;
    }
  }
  CHECK(batches.size() < ids.size());
  for (const AcrRepository& repository : world.acr()) {
    const SyncCounts told = world.syncs().counts_of(repository.repo_namespace, repository.name);
    const SyncCounts& listed = expected[repository.repo_namespace + "/" + repository.name];
    CHECK(told.finished == listed.finished);
    CHECK(told.open == listed.open);
  }
}

TEST_CASE("sync tasks: the list of the wire has pages, totals as texts, and both ends of a task") {
  const World world({.seed = 1, .repositories = 12, .speed = 0}, kStart);
  AcrWire wire(world);
  const Json first = ask(wire, "ListRepoSyncTask", {{"PageNo", "1"}, {"PageSize", "30"}});
  CHECK(first["IsSuccess"] == true);
  CHECK(first["TotalCount"] == std::to_string(world.syncs().all().size()));
  REQUIRE(first["SyncTasks"].size() == 30);
  const Json& row = first["SyncTasks"][0];
  const bool ours =
      row["ImageFrom"]["InstanceId"] == "cri-demo" || row["ImageTo"]["InstanceId"] == "cri-demo";
  CHECK(ours);
  CHECK(row.contains("ModifiedTime"));
  CHECK_FALSE(row.contains("ModifedTime"));  // Another world has that one, or both.
  const Json second = ask(wire, "ListRepoSyncTask", {{"PageNo", "2"}, {"PageSize", "30"}});
  CHECK(second["SyncTasks"][0]["SyncTaskId"] != row["SyncTaskId"]);
  const Json batch = ask(wire, "ListRepoSyncTask", {{"SyncRecordId", row["SyncBatchTaskId"]}});
  CHECK(batch["SyncTasks"].size() >= 1);
  const Json one = ask(wire, "GetRepoSyncTask", {{"SyncTaskId", row["SyncTaskId"]}});
  CHECK(one["TaskStatus"] == row["TaskStatus"]);
  CHECK_FALSE(one.contains("CreateTime"));
  CHECK(ask(wire, "GetRepoSyncTask", {{"SyncTaskId", "rst-no"}})["Code"] == "SYNC_TASK_NOT_EXIST");
  CHECK(ask(wire, "ListRepoSyncTask", {{"PageNo", "0"}})["Code"] == "InvalidParameter");
}

TEST_CASE("sync tasks: a list that lies is the list with something else in it") {
  const World world({.seed = 1, .repositories = 12, .speed = 0}, kStart);
  AcrWire wire(world);
  const QueryPairs page = {{"PageNo", "1"}, {"PageSize", "100"}};
  Lies loose;
  loose.loose = true;
  const Json odd = ask(wire, "ListRepoSyncTask", page, loose)["SyncTasks"][0];
  CHECK(odd["CreateTime"].is_string());
  CHECK(odd["TaskTrigger"] == "null");
  Lies hidden;
  hidden.rows_hidden = 1;
  const Json all = ask(wire, "ListRepoSyncTask", page);
  CHECK(ask(wire, "ListRepoSyncTask", page, hidden)["SyncTasks"][0] == all["SyncTasks"][1]);
  Lies regressed;
  regressed.regressed = true;
  int running = 0;
  const Json behind = ask(wire, "ListRepoSyncTask", page, regressed);
  for (const Json& row : behind["SyncTasks"]) {
    running += row["TaskStatus"] == "SYNCHRONIZING" ? 1 : 0;
  }
  CHECK(running > 10);
  Lies empty;
  empty.empty = true;
  CHECK(ask(wire, "ListRepoSyncTask", page, empty)["SyncTasks"].empty());
}

}  // namespace registry_exporter::simulator
