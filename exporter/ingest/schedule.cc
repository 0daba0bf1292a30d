#include "exporter/ingest/schedule.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace registry_exporter::ingest {
namespace {

constexpr std::chrono::minutes kBurstMemory{15};
constexpr std::chrono::hours kUsualMemory{4 * 24};
/// Minimum event rate, for repositories without observed events.
constexpr double kLeastPerSecond = 1.0 / (30 * 86'400);

constexpr Millis kFollowMin{5'000};
constexpr Millis kFollowDefault{10'000};
/// Looks at a build in the time it usually takes: while it is young, and when it may be over.
constexpr int kEarlyLooks = 4;
constexpr int kLateLooks = 8;
constexpr Millis kActiveMin{15'000};
/// An active repository is read when so much news is expected.
constexpr double kActiveNews = 0.25;
constexpr Millis kRetryFirst{5'000};

double seconds(Millis span) { return std::chrono::duration<double>(span).count(); }

double faded(double count, Millis by, Millis memory) {
  return count * std::exp(-seconds(by) / seconds(memory));
}

}  // namespace

void Activity::happened(UnixMillis at) {
  const UnixMillis newest = std::max(as_of_, at);
  const auto add = [&](double& count, Millis memory) {
    count = faded(count, newest - as_of_, memory) + faded(1, newest - at, memory);
  };
  add(burst_, kBurstMemory);
  add(usual_, kUsualMemory);
  as_of_ = newest;
}

double Activity::per_second(UnixMillis now) const {
  const Millis age = std::max(now - as_of_, Millis{0});
  const auto rate = [&](double count, Millis memory) {
    return faded(count, age, memory) / seconds(memory);
  };
  return kLeastPerSecond + (rate(burst_, kBurstMemory) + rate(usual_, kUsualMemory)) / 2;
}

void BuildSpans::took(Millis span) {
  if (span <= Millis{0}) return;
  if (!known()) {
    mean_ = span;
    deviation_ = span / 2;
    return;
  }
  deviation_ += (std::chrono::abs(span - mean_) - deviation_) / 4;
  mean_ = std::max(mean_ + (span - mean_) / 8, Millis{1});
}

Millis follow_interval(Millis age, const BuildSpans& spans) {
  if (!spans.known()) return std::max(kFollowDefault, age / kLateLooks);
  const bool young = age < spans.mean() - 2 * spans.deviation();
  const Millis interval = young ? spans.mean() / kEarlyLooks : spans.mean() / kLateLooks;
  return std::max({kFollowMin, interval, (age - spans.mean()) / kEarlyLooks});
}

double expected_news(const RepositoryPace& pace, const Hints& hints) {
  const Millis waiting = pace.since_read.value_or(Millis{0});
  const double usual = pace.events_per_second * seconds(waiting);
  if (pace.noticed) return hints.notices.precision() + usual;
  if (pace.hinted) return hints.listing.precision() + usual;
  const Millis covered = waiting - std::min(pace.since_listed.value_or(waiting), waiting);
  return pace.events_per_second * (seconds(waiting) - hints.listing.recall() * seconds(covered));
}

std::optional<Due> due(const RepositoryPace& pace, const Hints& hints, Millis max_staleness) {
  if (pace.retry_in && *pace.retry_in > Millis{0}) return std::nullopt;
  if (!pace.since_read) return Due{Urgency::first, 0};
  const Millis waiting = *pace.since_read;
  if (pace.follow_every) {
    const Millis every =
        std::clamp(*pace.follow_every, std::min(kFollowMin, max_staleness), max_staleness);
    if (waiting >= every) return Due{Urgency::following, seconds(waiting) / seconds(every)};
  }
  const double news = expected_news(pace, hints);
  const double weight = news * seconds(waiting);
  const bool worth_following = (pace.hinted && hints.listing.worth_following()) ||
                               (pace.noticed && hints.notices.worth_following());
  if (worth_following) return Due{Urgency::hinted, weight};
  if (waiting >= max_staleness || pace.failed) return Due{Urgency::overdue, weight};
  if (pace.hinted || (news >= kActiveNews && waiting >= kActiveMin)) {
    return Due{Urgency::active, weight};
  }
  if (pace.unfinished) return Due{Urgency::unfinished, weight};
  if (pace.sweep_due) return Due{Urgency::sweep, weight};
  return std::nullopt;
}

bool more_urgent(const Due& a, const Due& b) {
  if (a.urgency != b.urgency) return a.urgency < b.urgency;
  return a.weight > b.weight;
}

Millis retry_delay(int failures, bool lasting, Millis max_staleness) {
  const int doublings = std::clamp(failures - 1, 0, 10);
  const Millis delay = kRetryFirst * (1 << doublings);
  return lasting ? max_staleness : std::min(delay, max_staleness);
}

void LongestCycle::took(Millis span, SteadyTime now) {
  if (now - begun_ > period_) {
    before_ = std::exchange(now_, Millis{0});
    begun_ = now;
  }
  now_ = std::max(now_, span);
}

}  // namespace registry_exporter::ingest
