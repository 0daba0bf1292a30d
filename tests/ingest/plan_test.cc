#include "exporter/ingest/plan.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "exporter/ingest/tracked_list.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr Millis kMaxStaleness = minutes(2);

SteadyTime after(Millis span) { return SteadyTime{std::chrono::hours(1)} + span; }

Plan::Item item(TrackedList& repository, Urgency urgency, double weight, Millis visited,
                std::uint64_t demand = 1) {
  return {&repository, demand, {urgency, weight}, after(visited)};
}

std::vector<const TrackedList*> take_all(Plan& plan) {
  std::vector<const TrackedList*> taken;
  while (const auto next = plan.take()) taken.push_back(next->list);
  return taken;
}

}  // namespace

TEST_CASE("plan: the most urgent first, every third time the one unvisited for longest") {
  std::vector<TrackedList> r(5);
  Plan plan;
  plan.renew({item(r[0], Urgency::overdue, 9, seconds(1)),
              item(r[1], Urgency::hinted, 1, seconds(2)),
              item(r[2], Urgency::hinted, 2, seconds(3)), item(r[3], Urgency::sweep, 0, seconds(0)),
              item(r[4], Urgency::active, 0, seconds(4))});
  const std::vector<const TrackedList*> expected{&r[2], &r[1], &r[3], &r[0], &r[4]};
  CHECK(take_all(plan) == expected);
  CHECK(plan.empty());
}

TEST_CASE("plan: what is put last waits for all others, and is not forgotten") {
  std::vector<TrackedList> r(3);
  Plan plan;
  plan.renew(
      {item(r[0], Urgency::sweep, 0, seconds(9)), item(r[1], Urgency::sweep, 0, seconds(8))});
  plan.put_last(item(r[2], Urgency::following, 99, seconds(0)));
  const auto taken = take_all(plan);
  REQUIRE(taken.size() == 3);
  CHECK(taken.back() == &r[2]);
}

TEST_CASE("plan: a demand is done when nothing is left that it or an earlier one asked for") {
  std::vector<TrackedList> r(2);
  Plan plan;
  CHECK(plan.done_for(1));
  plan.renew({item(r[0], Urgency::hinted, 0, seconds(0), 1),
              item(r[1], Urgency::sweep, 0, seconds(0), 2)});
  CHECK_FALSE(plan.done_for(1));
  plan.take();
  CHECK(plan.done_for(1));
  CHECK_FALSE(plan.done_for(2));
  plan.renew({});
  CHECK(plan.done_for(2));
}

/// Law: whatever is active, hinted or building, and however low the rate, nobody who is due waits
/// for longer than three rounds of all.
TEST_CASE("plan: nobody starves, whatever the activity") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 dice(seed);
    const std::size_t count = 5 + dice() % 200;
    std::vector<TrackedList> repositories(count);
    std::vector<double> per_second;
    std::vector<std::uint64_t> waited(count);
    for (std::size_t i = 0; i < count; ++i) {
      per_second.push_back(std::pow(10.0, -static_cast<double>(dice() % 9)));
      repositories[i].schedule.read_at = after(seconds(0));
    }
    const Millis a_call = seconds(dice() % 30) + Millis{20};
    Plan plan;
    std::uint64_t most = 0;
    for (int pick = 0; pick < 5000; ++pick) {
      const SteadyTime now = after(pick * a_call);
      if (pick % 7 == 0 || plan.empty()) {
        std::vector<Plan::Item> items;
        for (std::size_t i = 0; i < count; ++i) {
          RepositoryPace pace;
          pace.since_read =
              std::chrono::duration_cast<Millis>(now - *repositories[i].schedule.read_at);
          pace.events_per_second = per_second[i];
          pace.hinted = i % 3 == 0 && dice() % 2 == 0;
          if (i % 5 == 0) pace.follow_every = seconds(1);
          const auto urgency = due(pace, {}, kMaxStaleness);
          if (!urgency) waited[i] = 0;
          if (urgency)
            items.push_back({&repositories[i], 1, *urgency, repositories[i].schedule.read_at});
        }
        plan.renew(std::move(items));
      }
      const auto next = plan.take();
      if (!next) continue;
      const auto taken = static_cast<std::size_t>(next->list - repositories.data());
      repositories[taken].schedule.read_at = now;
      waited[taken] = 0;
      for (std::uint64_t& each : waited) most = std::max(most, ++each);
    }
    CHECK(most <= 3 * count + 10);
  }
}
