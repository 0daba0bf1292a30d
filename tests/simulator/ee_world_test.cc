#include "tests/simulator/ee_world.h"

#include <doctest/doctest.h>

#include <set>

namespace registry_exporter::simulator {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const UnixMillis kNow{seconds{1'800'000'000}};

/// Life as fast as the wall clock, or `speed` times faster.
EeWorld::Clock clock_of(double speed = 1) {
  return {[speed](Life life) {
            const double wall = static_cast<double>(life.count()) / (life > Life{0} ? speed : 1);
            return UnixMicros(kNow) + Life{static_cast<Life::rep>(wall)};
          },
          speed > 1 ? Millis{minutes{40}} : Millis{0}};
}

struct Instance {
  WorldOptions options{.seed = 7, .repositories = 20};
  EeWorld::Clock clock = clock_of();
  EeWorld world{options, clock};
};

/// What tells one history from another.
std::string summary(const EeWorld& world) {
  std::string text;
  for (const EeNamespace& space : world.namespaces()) {
    text += space.name + " " + std::to_string(space.policy_id);
    for (const EeRetention& each : space.executions) {
      text += " " + std::to_string(each.run.id) + (each.run.ended_at ? "+" : "-");
    }
    for (const EeRepository& each : space.repositories) {
      text += " " + each.name + " " + std::to_string(each.deleted);
    }
  }
  for (const EeReplication* each : world.listed_replications()) {
    text += " " + std::to_string(each->run.id) + (each->run.ended_at ? "+" : "-");
  }
  return text;
}

/// The first of each kind fails; retention of the second runs every three hours, and keeps more.
struct Changes final : Script {
  double retention_success_share(std::size_t index, Life, double own) const override {
    return index == 0 ? 0 : own;
  }
  Life next_retention(std::size_t index, Life at, Life own) const override {
    return index == 1 ? at + hours{3} : own;
  }
  std::uint32_t kept_versions(std::size_t index, std::uint32_t own) const override {
    return index == 1 ? 90 : own;
  }
  double replication_success_share(std::size_t index, Life, double own) const override {
    return index == 0 ? 0 : own;
  }
};

}  // namespace

TEST_CASE("ee world: a script changes those that it is about, and no others") {
  const Changes script;
  const EeWorld::Clock clock = clock_of();
  EeWorld world({.seed = 7, .repositories = 20, .script = &script}, clock);
  world.advance_to(hours{24}, clock);
  const auto successes = [](const auto& each) { return each.ended.at(0); };
  CHECK(successes(world.namespaces()[0]) == 0);
  CHECK(world.namespaces()[0].ended.at(1) > 5);
  CHECK(successes(world.namespaces()[2]) > 3);
  CHECK(successes(world.replication_policies()[0]) == 0);
  CHECK(successes(world.replication_policies()[1]) > 3);
  const EeNamespace& scheduled = world.namespaces()[1];
  CHECK(scheduled.keep == 90);
  for (std::size_t i = 1; i < scheduled.executions.size(); ++i) {
    CHECK(scheduled.executions[i].run.born - scheduled.executions[i - 1].run.born == hours{3});
  }
  CHECK(scheduled.executions.size() >= 8);
}

TEST_CASE("ee world: the same seed gives the same history, however often it is advanced") {
  Instance once;
  Instance often;
  once.world.advance_to(hours{12}, once.clock);
  for (int minute = 0; minute <= 12 * 60; ++minute) {
    often.world.advance_to(minutes{minute}, often.clock);
  }
  CHECK(summary(once.world) == summary(often.world));
}

TEST_CASE("ee world: there is a history when life begins, and a policy that comes later") {
  Instance instance;
  instance.world.advance_to(Life{0}, instance.clock);
  const auto& spaces = instance.world.namespaces();
  for (std::size_t i = 0; i + 1 < spaces.size(); ++i) {
    CAPTURE(spaces[i].name);
    CHECK(spaces[i].executions.size() > 5);
    CHECK(spaces[i].policy_id != 0);
  }
  CHECK(spaces.back().policy_id == 0);
  CHECK(instance.world.listed_replications().size() > 20);
  instance.world.advance_to(hours{8}, instance.clock);
  CHECK(instance.world.namespaces().back().policy_id != 0);
  CHECK_FALSE(instance.world.namespaces().back().executions.empty());
}

TEST_CASE("ee world: the truth is what finished executions did that were no dry runs") {
  Instance instance;
  instance.world.advance_to(hours{3}, instance.clock);
  bool any_dry = false;
  bool any_spoiled = false;
  for (const EeNamespace& space : instance.world.namespaces()) {
    CAPTURE(space.name);
    REQUIRE(space.executions.size() < 50);  // None was swept away.
    std::vector<std::uint64_t> deleted(space.repositories.size());
    std::array<std::uint64_t, kRunEnds> ended{};
    for (const EeRetention& each : space.executions) {
      if (!each.run.ended_at) continue;
      ++ended[static_cast<std::size_t>(each.run.end)];
      any_dry |= each.dry_run && !each.tasks.empty();
      for (const EeTask& task : each.tasks) {
        any_spoiled |= task.end != RunEnd::success && task.total > task.retained;
        if (each.dry_run || task.end != RunEnd::success) continue;
        deleted[task.repository] += task.total - task.retained;
      }
    }
    CHECK(ended == space.ended);
    for (std::size_t i = 0; i < deleted.size(); ++i) {
      const auto& by = space.repositories[i].deleted_by;
      CHECK(by[0] + by[1] + by[2] == deleted[i]);
    }
  }
  CHECK(any_dry);
  CHECK(any_spoiled);
}

TEST_CASE("ee world: fifty executions of each policy are kept, in the order of their starts") {
  Instance instance;
  instance.world.advance_to(hours{24 * 20}, instance.clock);
  for (const EeNamespace& space : instance.world.namespaces()) {
    CHECK(space.executions.size() == 50);
    for (std::size_t i = 1; i < space.executions.size(); ++i) {
      CHECK(space.executions[i].run.started_at > space.executions[i - 1].run.started_at);
    }
  }
  CHECK(instance.world.listed_replications().size() == 150);
}

TEST_CASE("ee world: spans are lifelike at any speed, and nothing ends in the future") {
  for (const double speed : {1.0, 600.0}) {
    CAPTURE(speed);
    WorldOptions options{.seed = 3, .repositories = 10, .speed = speed};
    const EeWorld::Clock clock = clock_of(speed);
    EeWorld world(options, clock);
    const Life life = hours{10};
    world.advance_to(life, clock);
    const UnixMillis now = std::chrono::floor<Millis>(clock.wall_of(life));
    std::set<std::int64_t> ids;
    for (const EeReplication* each : world.listed_replications()) {
      CHECK(ids.insert(each->run.id).second);
      CHECK(each->run.started_at <= now);
      if (!each->run.ended_at) continue;
      CHECK(*each->run.ended_at <= now);
      CHECK(*each->run.ended_at - each->run.started_at >= Millis{4'000});
    }
  }
}

TEST_CASE("ee world: a policy made anew has another id and none of the old executions") {
  Instance instance;
  instance.world.set_tricks({.rebirths_per_day = 20});
  instance.world.advance_to(hours{24}, instance.clock);
  const EeNamespace& space = instance.world.namespaces()[0];
  REQUIRE_FALSE(space.former_policies.empty());
  for (const std::int64_t former : space.former_policies) CHECK(former != space.policy_id);
  for (const EeRetention& each : space.executions) CHECK(each.run.id > space.policy_id);
  std::uint64_t ended = 0;
  for (const std::uint64_t each : space.ended) ended += each;
  CHECK(ended > space.executions.size());
}

}  // namespace registry_exporter::simulator
