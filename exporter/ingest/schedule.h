#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include "exporter/base/clock.h"

/// Which repository is read next, and which need not be read yet. Pure.
namespace registry_exporter::ingest {

/// How often something happens in a repository, learned from when things happened, in any order.
/// The mean of a short and a long memory: half of what comes is more of the same burst, the other
/// half comes at the usual rate.
class Activity {
 public:
  void happened(UnixMillis at);
  /// Events a second to be expected now; never 0: what has been silent may still speak.
  double per_second(UnixMillis now) const;

 private:
  double burst_ = 0;  ///< Events, as far as remembered at `as_of_`.
  double usual_ = 0;
  UnixMillis as_of_{};
};

/// How long builds of a repository take: a mean and a mean deviation that follow the newest
/// builds, as TCP follows its round trips.
class BuildSpans {
 public:
  void took(Millis span);
  bool known() const { return mean_ > Millis{0}; }
  Millis mean() const { return mean_; }
  Millis deviation() const { return deviation_; }

 private:
  Millis mean_{0};
  Millis deviation_{0};
};

/// How long a build that has been open for `age` is left alone before it is looked at again: a
/// while until it may be over, then often, then ever more rarely the more it overruns.
Millis follow_interval(Millis age, const BuildSpans& spans);

/// What hints of a sort are worth, learned from what was found where there was one, and where there
/// was none.
class HintTrust {
 public:
  /// A repository was read because of a hint: was there news?
  void followed(bool news) { precision_ += kLearning * ((news ? 1 : 0) - precision_); }
  /// News that should have had a hint was found: was there one?
  void judged(bool hinted) { recall_ += kLearning * ((hinted ? 1 : 0) - recall_); }

  double precision() const { return precision_; }  ///< Of hints: chance that there is news.
  double recall() const { return recall_; }        ///< Of news: chance that there is a hint.
  /// Hinted repositories go before everything that is only expected.
  bool worth_following() const { return precision_ >= kWorthFollowing; }

 private:
  static constexpr double kLearning = 1.0 / 64;
  static constexpr double kWorthFollowing = 0.1;
  double precision_ = 0.5;
  double recall_ = 0.5;
};

/// The hints that a registry gives.
struct Hints {
  HintTrust listing;  ///< Change times of its repositories.
  HintTrust notices;  ///< What it tells by itself.
};

/// What the schedule knows of one repository.
struct RepositoryPace {
  std::optional<Millis> since_read;  ///< nullopt: never read.
  std::optional<Millis> retry_in;    ///< It failed: not before this.
  bool failed = false;               ///< Its newest reading did.
  bool unfinished = false;           ///< Its last visit left a walk to go on with.
  bool sweep_due = false;
  std::optional<Millis> follow_every;  ///< Builds are open.
  double events_per_second = 0;        ///< To be expected.
  bool hinted = false;                 ///< Its listing changed since it was read.
  bool noticed = false;                ///< The cloud says that something happened since.
  std::optional<Millis> since_listed;  ///< Unchanged, after it was read.
};

/// Most urgent first.
enum class Urgency { following, hinted, first, overdue, active, unfinished, sweep };

struct Due {
  Urgency urgency = Urgency::sweep;
  double weight = 0;  ///< Among equally urgent ones, the heaviest goes first.
};

/// News to be expected in a repository that was read, by its activity and its listing.
double expected_news(const RepositoryPace& pace, const Hints& hints);

/// nullopt: not due. A repository is due when `max_staleness` has passed since its last reading,
/// and sooner while builds are open, when a hint says so, or by its usual activity.
///
/// Among those that are overdue the weight is expected news × waiting: with λ events a second that
/// is λ·t², by which each is read as often as the root of its activity, the least waiting for all
/// events together; and whatever the activity, it grows until it is the heaviest.
std::optional<Due> due(const RepositoryPace& pace, const Hints& hints, Millis max_staleness);

bool more_urgent(const Due& a, const Due& b);

/// How long a repository that failed `failures` times in a row is left alone; `lasting`: a refusal
/// that trying again soon won't change.
Millis retry_delay(int failures, bool lasting, Millis max_staleness);

/// The longest cycle of late: of the period under way and of the one before. Pure.
class LongestCycle {
 public:
  explicit LongestCycle(Millis period) : period_(period) {}
  void took(Millis span, SteadyTime now);
  Millis longest() const { return std::max(now_, before_); }

 private:
  Millis period_;
  SteadyTime begun_{};
  Millis now_{0};
  Millis before_{0};
};

}  // namespace registry_exporter::ingest
