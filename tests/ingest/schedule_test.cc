#include "exporter/ingest/schedule.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::ingest;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr Millis kMaxStaleness = minutes(2);
constexpr UnixMillis kNow{std::chrono::hours(480'000)};

RepositoryPace read_ago(Millis ago) {
  RepositoryPace pace;
  pace.since_read = ago;
  return pace;
}

RepositoryPace read_ago(Millis ago, Millis gap_between_events) {
  RepositoryPace pace = read_ago(ago);
  pace.events_per_second = 1 / std::chrono::duration<double>(gap_between_events).count();
  return pace;
}

Hints learned(double precision, double recall) {
  Hints hints;
  for (int i = 0; i < 2000; ++i) {
    hints.listing.followed(i % 100 < 100 * precision);
    hints.listing.judged(i % 100 < 100 * recall);
  }
  return hints;
}

BuildSpans spans_of(std::initializer_list<Millis> each, int times = 20) {
  BuildSpans spans;
  for (int i = 0; i < times; ++i) {
    for (const Millis span : each) spans.took(span);
  }
  return spans;
}

double weight_of(const RepositoryPace& pace, const Hints& hints = {}) {
  return due(pace, hints, kMaxStaleness).value().weight;
}

}  // namespace

TEST_CASE("schedule: what is due, and how urgently") {
  struct Row {
    const char* name;
    RepositoryPace pace;
    std::optional<Urgency> urgency;
  };
  RepositoryPace building = read_ago(seconds(30));
  building.follow_every = seconds(10);
  RepositoryPace building_just_read = read_ago(seconds(4));
  building_just_read.follow_every = seconds(1);
  RepositoryPace building_for_long = read_ago(minutes(2));
  building_for_long.follow_every = hours(2);
  RepositoryPace hinted = read_ago(seconds(1));
  hinted.hinted = true;
  RepositoryPace failed = read_ago(minutes(9));
  failed.failed = true;
  failed.retry_in = seconds(3);
  RepositoryPace to_retry = failed;
  to_retry.since_read = seconds(5);
  to_retry.retry_in = seconds(0);
  RepositoryPace sweeping = read_ago(seconds(1));
  sweeping.sweep_due = true;
  RepositoryPace unfinished = read_ago(seconds(1));
  unfinished.unfinished = true;
  const Row rows[] = {
      {"never read", {}, Urgency::first},
      {"just read", read_ago(seconds(1)), std::nullopt},
      {"read within max_staleness", read_ago(seconds(119)), std::nullopt},
      {"at max_staleness", read_ago(minutes(2)), Urgency::overdue},
      {"with open builds", building, Urgency::following},
      {"with open builds, just read", building_just_read, std::nullopt},
      {"with a build that takes hours, at max_staleness", building_for_long, Urgency::following},
      {"its listing changed", hinted, Urgency::hinted},
      {"usually active", read_ago(seconds(40), minutes(2)), Urgency::active},
      {"usually active, just read", read_ago(seconds(14), seconds(1)), std::nullopt},
      {"rarely active", read_ago(seconds(40), minutes(60)), std::nullopt},
      {"failed just now", failed, std::nullopt},
      {"failed, and it is time to try again", to_retry, Urgency::overdue},
      {"a walk goes on", unfinished, Urgency::unfinished},
      {"a sweep is due", sweeping, Urgency::sweep},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto found = due(row.pace, {}, kMaxStaleness);
    CHECK(found.has_value() == row.urgency.has_value());
    if (found && row.urgency) CHECK(found->urgency == *row.urgency);
  }
}

TEST_CASE("schedule: the more urgent goes first, then the heavier") {
  CHECK(more_urgent({Urgency::following, 5}, {Urgency::hinted, 500}));
  CHECK(more_urgent({Urgency::overdue, 5}, {Urgency::active, 500}));
  CHECK(more_urgent({Urgency::overdue, 500}, {Urgency::overdue, 5}));
  CHECK_FALSE(more_urgent({Urgency::overdue, 5}, {Urgency::overdue, 500}));
}

TEST_CASE("schedule: of overdue repositories, activity times the square of waiting decides") {
  CHECK(weight_of(read_ago(minutes(10), hours(1))) > weight_of(read_ago(minutes(10), hours(2))));
  // A hundredth of the activity waits ten times as long.
  CHECK(weight_of(read_ago(minutes(99), hours(100))) < weight_of(read_ago(minutes(10), hours(1))));
  CHECK(weight_of(read_ago(minutes(101), hours(100))) > weight_of(read_ago(minutes(10), hours(1))));
}

TEST_CASE("schedule: a listing that did not change tells as much as its hints have proved") {
  RepositoryPace listed = read_ago(minutes(10), hours(1));
  listed.since_listed = minutes(1);
  const double unlisted = expected_news(read_ago(minutes(10), hours(1)), learned(1, 1));
  CHECK(expected_news(listed, learned(1, 1)) == doctest::Approx(unlisted / 10));
  CHECK(expected_news(listed, learned(1, 0)) == doctest::Approx(unlisted));
  listed.since_listed = minutes(20);  // Before it was read: no news about the news.
  CHECK(expected_news(listed, learned(1, 1)) == doctest::Approx(unlisted));
}

TEST_CASE("schedule: a listing that changes without news is not followed for long") {
  RepositoryPace hinted = read_ago(seconds(1));
  hinted.hinted = true;
  CHECK(due(hinted, learned(0.5, 1), kMaxStaleness)->urgency == Urgency::hinted);
  CHECK(due(hinted, learned(0, 1), kMaxStaleness)->urgency == Urgency::active);
  CHECK(expected_news(hinted, learned(1, 1)) > 0.9);
  CHECK(expected_news(hinted, learned(0, 1)) < 0.1);

  RepositoryPace noticed = read_ago(seconds(1));
  noticed.noticed = true;
  CHECK(due(noticed, {}, kMaxStaleness)->urgency == Urgency::hinted);
  Hints wrong;
  for (int i = 0; i < 500; ++i) wrong.notices.followed(false);
  CHECK_FALSE(due(noticed, wrong, kMaxStaleness));
}

TEST_CASE("activity: what happens often is expected often, whatever order it was told in") {
  Activity told_forwards;
  Activity told_backwards;
  for (int i = 0; i < 24 * 30; ++i) {
    told_forwards.happened(kNow - hours(24 * 30 - i));
    told_backwards.happened(kNow - hours(i + 1));
  }
  const double per_hour = told_forwards.per_second(kNow) * 3600;
  CHECK(per_hour > 0.5);
  CHECK(per_hour < 1.5);
  CHECK(told_backwards.per_second(kNow) == doctest::Approx(told_forwards.per_second(kNow)));
}

TEST_CASE("activity: a burst is expected to go on, for a while") {
  Activity activity;
  CHECK(activity.per_second(kNow) > 0);
  for (int i = 0; i < 4; ++i) activity.happened(kNow - minutes(i));
  const double now = activity.per_second(kNow);
  const double later = activity.per_second(kNow + hours(3));
  CHECK(now > 20 * later);
  CHECK(later > 10 * Activity().per_second(kNow));
  CHECK(activity.per_second(kNow + hours(24 * 60)) ==
        doctest::Approx(Activity().per_second(kNow)).epsilon(0.01));
}

TEST_CASE("follow_interval: looks come at the pace of the repository's builds") {
  const BuildSpans unknown;
  const BuildSpans quick = spans_of({seconds(40)});
  const BuildSpans slow = spans_of({minutes(39), minutes(41)});
  struct Row {
    const char* name;
    Millis age;
    BuildSpans spans;
    Millis least;
    Millis most;
  };
  const Row rows[] = {
      {"nothing known", seconds(5), unknown, seconds(10), seconds(10)},
      {"nothing known, open for long", hours(8), unknown, minutes(30), hours(2)},
      {"quick builds", seconds(10), quick, seconds(5), seconds(12)},
      {"a slow one, just begun", minutes(1), slow, minutes(9), minutes(11)},
      {"a slow one, about to end", minutes(39), slow, minutes(4), minutes(6)},
      {"a quick one that overruns", minutes(41), quick, minutes(9), minutes(11)},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Millis interval = follow_interval(row.age, row.spans);
    CHECK(interval >= row.least);
    CHECK(interval <= row.most);
  }
}

TEST_CASE("spans: the newest builds weigh most, and nonsense weighs nothing") {
  BuildSpans spans = spans_of({minutes(30)});
  spans.took(Millis{0});
  spans.took(seconds(-5));
  CHECK(spans.mean() == minutes(30));
  for (int i = 0; i < 40; ++i) spans.took(minutes(3));
  CHECK(spans.mean() < minutes(4));
  CHECK(spans.deviation() < minutes(1));
}

TEST_CASE("schedule: a repository that fails is asked ever more rarely, up to max_staleness") {
  CHECK(retry_delay(1, false, kMaxStaleness) == seconds(5));
  CHECK(retry_delay(3, false, kMaxStaleness) == seconds(20));
  CHECK(retry_delay(99, false, kMaxStaleness) == kMaxStaleness);
  CHECK(retry_delay(1, true, kMaxStaleness) == kMaxStaleness);
}

TEST_CASE("schedule: the longest cycle of late is not forgotten for a short one") {
  LongestCycle cycle(minutes(4));
  const SteadyTime start{hours(5)};
  cycle.took(seconds(20), start);
  CHECK(cycle.longest() == seconds(20));
  cycle.took(seconds(0), start + minutes(5));
  CHECK(cycle.longest() == seconds(20));
  cycle.took(seconds(3), start + minutes(8));
  CHECK(cycle.longest() == seconds(20));
  cycle.took(seconds(1), start + minutes(10));
  CHECK(cycle.longest() == seconds(3));
}
