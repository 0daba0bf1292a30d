#include "tests/simulator/world.h"

#include <doctest/doctest.h>

#include "exporter/base/time_text.h"
#include "tests/simulator/naive_client.h"

namespace registry_exporter::simulator {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const UnixMillis kStart{seconds{1'800'000'000}};

/// Everything that can be seen of a world, as a text.
std::string trace(const World& world) {
  std::string text;
  for (const AcrRepository& repository : world.acr()) {
    text += repository.id + " " + format_rfc3339_millis(repository.modified_at) + "\n";
    for (const Build& build : repository.builds) {
      text += build.id + " " + std::string(world.status_of(build)) + " " +
              format_rfc3339_millis(build.started_at) + " " +
              (build.ended_at ? format_rfc3339_millis(*build.ended_at) : "") + "\n";
    }
  }
  for (const SwrRepository& repository : world.swr()) {
    text += repository.name + " " + std::to_string(repository.tags()) + " " +
            std::to_string(repository.downloads) + "\n";
    for (const Deletion& deletion : repository.deletions) {
      text += std::to_string(deletion.id) + " " +
              std::to_string(deletion.created_at.time_since_epoch().count()) + "\n";
    }
  }
  return text;
}

World world_after(const WorldOptions& options, Millis time, Millis step) {
  World world(options, kStart);
  for (UnixMillis now = kStart; now < kStart + time; now += step) world.advance_to(now);
  world.advance_to(kStart + time);
  return world;
}

std::uint64_t sum(const World& world) {
  std::uint64_t total = 0;
  for (const AcrRepository& repository : world.acr()) {
    for (const std::uint64_t count : repository.finished) total += count;
  }
  for (const SwrRepository& repository : world.swr()) {
    for (const std::uint64_t count : repository.deleted_by) total += count;
  }
  return total;
}

/// The id of the first build that no cloud would list at `now`, or "".
std::string strange_build(const AcrRepository& repository, UnixMillis now) {
  UnixMillis newest{};
  for (const Build& build : repository.builds) {
    const Millis span = build.ended_at ? *build.ended_at - build.started_at : minutes{1};
    const bool good = build.started_at > newest && build.started_at <= now &&
                      build.ended_at.value_or(now) <= now && span >= seconds{20} &&
                      span <= minutes{40};
    if (!good) return build.id;
    newest = build.started_at;
  }
  return {};
}

}  // namespace

TEST_CASE("world: the same seed gives the same world, however often it is looked at") {
  const WorldOptions options{.seed = 7, .repositories = 6, .speed = 60};
  const std::string once = trace(world_after(options, minutes{30}, minutes{30}));
  CHECK(once == trace(world_after(options, minutes{30}, seconds{7})));
  CHECK(once !=
        trace(world_after({.seed = 8, .repositories = 6, .speed = 60}, minutes{30}, minutes{30})));
}

TEST_CASE("world: no stamp runs ahead, spans stay lifelike and the newest build is the last one") {
  for (const double speed : {0.5, 1.0, 60.0, 3600.0}) {
    CAPTURE(speed);
    World world({.repositories = 3, .speed = speed}, kStart);
    for (UnixMillis now = kStart; now < kStart + minutes{10}; now += seconds{29}) {
      world.advance_to(now);
      for (const AcrRepository& repository : world.acr())
        CHECK(strange_build(repository, now) == "");
      for (const SwrRepository& repository : world.swr()) {
        const bool empty = repository.deletions.empty();
        CHECK((empty || repository.deletions.back().created_at <= now));
      }
    }
  }
}

TEST_CASE("world: with the times of the wall, a build is listed as ended when it was over") {
  WorldOptions options{.repositories = 3, .speed = 60, .lifelike_spans = false};
  options.tricks.same_start = 0.2;
  const World world = world_after(options, minutes{10}, seconds{29});
  std::size_t ended = 0;
  for (const AcrRepository& repository : world.acr()) {
    for (const Build& build : repository.builds) {
      if (!build.ended_at) continue;
      ++ended;
      CHECK(*build.ended_at == build.over_at);
      CHECK(build.started_at <= *build.ended_at);
    }
  }
  CHECK(ended > 10);
}

TEST_CASE("world: a frozen world stands still, and goes on when it is let go") {
  World world({.repositories = 5, .speed = 0}, kStart);
  const std::string before = trace(world);
  world.advance_to(kStart + hours{5});
  CHECK(trace(world) == before);
  world.set_speed(100, kStart + hours{5});
  CHECK(trace(world) == before);
  world.advance_to(kStart + hours{6});
  CHECK(sum(world) > 100);
  CHECK(trace(world) != before);
}

TEST_CASE("world: lists begin with several pages and some builds are under way") {
  const World world({.repositories = 20}, kStart);
  std::size_t open = 0;
  std::size_t longest = 0;
  for (const AcrRepository& repository : world.acr()) {
    CHECK(repository.builds.size() >= 20);
    longest = std::max(longest, repository.builds.size());
    open += repository.open.size();
  }
  CHECK(longest > 200);
  CHECK(open > 0);
}

TEST_CASE("world: builds finish out of order and under every kind of end") {
  const World world({.repositories = 40}, kStart);
  std::array<std::uint64_t, 4> ends{};
  std::size_t overtakings = 0;
  for (const AcrRepository& repository : world.acr()) {
    for (std::size_t i = 0; i < 4; ++i) ends[i] += repository.finished[i];
    for (std::size_t i = 1; i < repository.builds.size(); ++i) {
      const auto& earlier = repository.builds[i - 1].ended_at;
      const auto& later = repository.builds[i].ended_at;
      if (later && (!earlier || *earlier > *later)) ++overtakings;
    }
  }
  for (const std::uint64_t count : ends) CHECK(count > 0);
  CHECK(overtakings > 10);
}

TEST_CASE("world: trimmed lists keep their truth, and nothing is trimmed or dies unless told") {
  const WorldOptions calm{.repositories = 5, .speed = 600, .births_per_day = 0};
  const World whole = world_after(calm, hours{1}, hours{1});
  WorldOptions trimmed = calm;
  trimmed.tricks.history_max = 20;
  const World cut = world_after(trimmed, hours{1}, minutes{1});
  CHECK(sum(cut) == sum(whole));
  CHECK(whole.acr().size() == 5);
  CHECK(whole.acr()[0].trimmed == 0);
  for (const AcrRepository& repository : cut.acr()) {
    CHECK(repository.builds.size() <= 20 + repository.open.size() + 40);
  }
  for (const SwrRepository& repository : cut.swr()) CHECK(repository.deletions.size() <= 20);
  WorldOptions deadly = calm;
  deadly.tricks.deaths_per_day = 1;
  CHECK(world_after(deadly, hours{1}, minutes{1}).acr().size() < 5);
}

TEST_CASE("truth: equals a full walk of both clouds, in both orders and at any page size") {
  for (const Order order : {Order::newest_first, Order::oldest_first, Order::shuffled}) {
    for (const std::size_t page_size : {30U, 100U}) {
      CAPTURE(static_cast<int>(order));
      CAPTURE(page_size);
      Simulator simulator({.repositories = 4, .speed = 10, .order = order}, {}, kStart);
      const UnixMillis now = kStart + minutes{45};
      const Walked walked = walk_everything(simulator, now, page_size);
      CHECK(walked.rows > 500);
      CHECK(walked.truth == simulator.truth(now));
    }
  }
}

}  // namespace registry_exporter::simulator
