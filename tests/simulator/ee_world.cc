#include "tests/simulator/ee_world.h"

#include <algorithm>
#include <utility>

namespace registry_exporter::simulator {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr double kDayUs = 86'400e6;
constexpr double kMinuteUs = 60e6;
/// How long a list is refused, in the mean.
constexpr double kAwayUs = 1200e6;
constexpr Millis kSpanMin = seconds{4};
constexpr Millis kRetentionSpanMax = minutes{4};
constexpr Millis kReplicationSpanMax = minutes{9};
/// What a long run takes besides.
constexpr Millis kLongSpan = minutes{100};
/// Larger worlds have no larger instance: each execution has a task for each repository.
constexpr int kRepositoriesMax = 60;
/// Of executions, but for what a script says.
constexpr double kSuccessShare = 0.86;
/// Runs of each policy before life began.
constexpr double kHistory = 15;
/// Older executions are swept away when a new one begins.
constexpr std::size_t kExecutionsKept = 50;
/// The last namespace gets its policy only now.
constexpr Life kLatePolicy = minutes{50};

constexpr std::array<const char*, 4> kNamespaces = {"apps", "base", "tools", "labs"};
constexpr std::array<const char*, 8> kNames = {"api",   "web/shop",  "worker",   "web/admin",
                                               "proxy", "jobs/mail", "frontend", "auth"};
constexpr std::array<const char*, 3> kTargets = {"to-paris", "to-singapore", "backup"};

Life micros(double count) { return Life{static_cast<Life::rep>(count)}; }
UnixMillis to_millis(UnixMicros time) { return std::chrono::floor<Millis>(time); }

std::vector<std::string> templates_of(std::size_t index) {
  switch (index % 4) {
    case 0:
      return {"nDaysSinceLastPush"};
    case 1:
      return {"latestPushedK", "latestPulledN"};
    case 2:
      return {"latestPushedK", "nDaysSinceLastPull"};
    default:
      return {"nDaysSinceLastPull"};
  }
}

/// Half of those that do not succeed fail; most others are stopped.
RunEnd draw_end(Dice& dice, double success_share) {
  const double roll = dice.uniform();
  if (roll < success_share) return RunEnd::success;
  const double rest = (roll - success_share) / (1 - success_share);
  if (rest < 0.5) return RunEnd::failed;
  return rest < 6.0 / 7 ? RunEnd::stopped : RunEnd::other;
}

/// A task that did not succeed deleted nothing, whatever its numbers say.
void spoil(EeTask& task, RunEnd end, Dice& dice) {
  task.end = end;
  task.retained = 0;
  if (dice.chance(0.5)) task.total = 0;
}

std::vector<EeTask> draw_tasks(const EeNamespace& repo_namespace, RunEnd end, Dice& dice) {
  std::vector<EeTask> tasks;
  for (std::uint32_t i = 0; i < repo_namespace.repositories.size(); ++i) {
    const std::uint32_t versions = repo_namespace.repositories[i].versions();
    if (versions == 0) continue;
    tasks.push_back({.id = 0,
                     .repository = i,
                     .total = versions,
                     .retained = std::min(versions, repo_namespace.keep),
                     .end = RunEnd::success});
  }
  const bool spoiled = end == RunEnd::failed || end == RunEnd::stopped;
  if (spoiled && !tasks.empty()) {
    spoil(tasks.back(), end, dice);
    for (EeTask& task : tasks) {
      if (dice.chance(0.2)) spoil(task, end, dice);
    }
  }
  return tasks;
}

std::array<std::uint32_t, 3> draw_artifacts(RunEnd end, Dice& dice) {
  const auto few = [&dice](std::uint64_t most) {
    return static_cast<std::uint32_t>(dice.below(most + 1));
  };
  std::array<std::uint32_t, 3> artifacts{few(6), 0, 0};
  if (end == RunEnd::failed) artifacts[1] = 1 + few(2);
  if (end == RunEnd::stopped) artifacts[2] = 1 + few(4);
  return artifacts;
}

/// A chance per run, for what happens so many times a day of life.
bool befalls(EeSchedule& schedule, double per_day) {
  return schedule.dice.chance(per_day * schedule.interval_us / kDayUs);
}

/// Where times are true the end is, too, however early the start is said to be.
void end_run(EeRun& run, const EeSchedule& schedule, Life at, const EeWorld::Clock& clock) {
  run.over_at = to_millis(clock.wall_of(at));
  const bool true_times = schedule.true_times || clock.lag == Millis{0};
  run.ended_at = true_times ? run.over_at : std::min(run.started_at + run.span, run.over_at);
}

}  // namespace

/// A mixture is other.
std::size_t rule_index(const EeNamespace& repo_namespace) {
  const auto& templates = repo_namespace.templates;
  const auto is_date = [](const std::string& name) { return name.starts_with("nDays"); };
  const auto dates = std::count_if(templates.begin(), templates.end(), is_date);
  if (std::cmp_equal(dates, templates.size())) return 0;
  return dates == 0 ? 1 : 2;
}

EeWorld::EeWorld(const WorldOptions& options, const Clock& clock)
    : options_(options),
      life_(Life::min()),
      ids_(options.seed, 0xee00ULL),
      instance_id_("5a1f0c9e-7d2b-4c3e-9f10-6b1d2f3a4c5e") {
  make_namespaces(clock);
  make_replication_policies();
}

void EeWorld::make_namespaces(const Clock& clock) {
  const int asked = options_.ee_repositories > 0 ? options_.ee_repositories : options_.repositories;
  const auto count = static_cast<std::size_t>(std::min(asked, kRepositoriesMax));
  for (std::size_t i = 0; i < kNamespaces.size(); ++i) {
    EeNamespace& made = namespaces_.emplace_back();
    made.name = kNamespaces[i];
    made.order = options_.order;
    EeSchedule& schedule = made.schedule;
    schedule.dice = Dice(options_.seed, 0xee10ULL + i);
    schedule.interval_us = kMinuteUs * (20 + 40 * static_cast<double>(i));
    const bool late = i + 1 == kNamespaces.size();
    schedule.true_times = late;
    const Life born = late ? kLatePolicy : micros(-kHistory * schedule.interval_us);
    schedule.next_run = born + micros(schedule.interval_us * schedule.dice.uniform());
    for (std::size_t each = i; each < count; each += kNamespaces.size()) {
      make_repository(made, late ? Life{0} : born, clock);
    }
    if (late) continue;
    make_policy(made);
    made.policy_since = to_millis(clock.wall_of(born));
  }
}

void EeWorld::make_repository(EeNamespace& repo_namespace, Life born, const Clock& clock) {
  EeRepository& made = repo_namespace.repositories.emplace_back();
  const std::size_t within = repo_namespace.repositories.size() - 1;
  made.name = kNames[within % kNames.size()];
  if (within >= kNames.size()) made.name += "-" + std::to_string(within / kNames.size() + 1);
  made.id = next_id();
  made.dice = Dice(options_.seed, 0xee00'0000ULL + static_cast<std::uint64_t>(made.id));
  made.created_at = to_millis(clock.wall_of(born)) - (born < Life{0} ? clock.lag : Millis{0});
  made.interval_us = repo_namespace.schedule.interval_us * (0.1 + made.dice.uniform());
  made.pushed = 1;
  made.next_push = born + micros(made.dice.exponential(made.interval_us));
}

void EeWorld::remove_policy(EeNamespace& repo_namespace) {
  if (repo_namespace.policy_id == 0) return;
  repo_namespace.former_policies.push_back(repo_namespace.policy_id);
  repo_namespace.policy_id = 0;
  repo_namespace.executions.clear();
}

void EeWorld::make_policy(EeNamespace& repo_namespace) {
  remove_policy(repo_namespace);
  repo_namespace.policy_id = next_id();
  if (life_ > Life{0}) repo_namespace.schedule.true_times = true;
  Dice& dice = repo_namespace.schedule.dice;
  const auto index = static_cast<std::size_t>(&repo_namespace - namespaces_.data());
  repo_namespace.templates = templates_of(index + repo_namespace.former_policies.size());
  const std::uint32_t keep = 2 + static_cast<std::uint32_t>(dice.below(6));
  repo_namespace.keep = script_or_none(options_.script).kept_versions(index, keep);
}

void EeWorld::make_replication_policies() {
  for (std::size_t i = 0; i < kTargets.size(); ++i) {
    EeReplicationPolicy& made = policies_.emplace_back();
    made.id = next_id();
    made.name = kTargets[i];
    EeSchedule& schedule = made.schedule;
    schedule.dice = Dice(options_.seed, 0xee20ULL + i);
    schedule.interval_us = kMinuteUs * (12 + 15 * static_cast<double>(i));
    const Life born = micros(-kHistory * schedule.interval_us);
    schedule.next_run = born + micros(schedule.dice.exponential(schedule.interval_us));
  }
}

std::int64_t EeWorld::next_id() {
  last_id_ += 1 + static_cast<std::int64_t>(ids_.below(3));
  return last_id_;
}

void EeWorld::advance_to(Life life, const Clock& clock) {
  const auto earlier = [](const auto& a, const auto& b) {
    return a.schedule.next() < b.schedule.next();
  };
  for (;;) {
    EeNamespace& space = *std::min_element(namespaces_.begin(), namespaces_.end(), earlier);
    EeReplicationPolicy& policy = *std::min_element(policies_.begin(), policies_.end(), earlier);
    const Life next = std::min(space.schedule.next(), policy.schedule.next());
    if (next > life) break;
    life_ = next;
    if (space.schedule.next() == next) {
      space.schedule.ends ? end(space, clock) : begin(space, clock);
    } else {
      policy.schedule.ends ? end(policy, clock) : begin(policy, clock);
    }
  }
  life_ = std::max(life_, life);
}

/// Begins at `life_`. `newest`: the start of the one before.
EeRun EeWorld::begin_run(EeSchedule& schedule, Millis span_max, double success_share,
                         UnixMillis newest, const Clock& clock) {
  EeRun run;
  run.id = next_id();
  const double most = static_cast<double>((span_max - kSpanMin).count());
  run.span = kSpanMin + Millis{static_cast<Millis::rep>(most * schedule.dice.uniform())};
  run.born = life_;
  const Millis lag = schedule.true_times ? Millis{0} : clock.lag;
  run.started_at = std::max(to_millis(clock.wall_of(life_)) - lag, newest + Millis{1});
  run.end = draw_end(schedule.dice, success_share);
  if (!is_calm()) draw_fate(run, newest);
  schedule.ends = life_ + run.span;
  return run;
}

/// Which of the tricks befalls a run; the same one in each history of the same seed.
void EeWorld::draw_fate(EeRun& run, UnixMillis newest) {
  const Tricks& tricks = options_.tricks;
  Dice dice(options_.seed, 0xee40'0000ULL + static_cast<std::uint64_t>(run.id));
  if (dice.chance(tricks.same_start) && newest != UnixMillis::min()) {
    run.started_at = newest;
    ++played_.same_start;
  }
  if (dice.chance(tricks.long_builds)) {
    run.span += kLongSpan;
    ++played_.long_runs;
  }
  const double roll = dice.uniform();
  const Life away = micros(dice.exponential(kAwayUs));
  const Life after = micros(dice.exponential(kAwayUs));
  const double flickers = tricks.late + tricks.flickering;
  if (roll < tricks.late) {
    run.absence = {run.born, run.born + away};
    ++played_.late;
  } else if (roll < flickers) {
    run.absence = {run.born + after, run.born + after + away};
    ++played_.flickering;
  } else if (roll < flickers + tricks.removed) {
    run.absence = {run.born + run.span + after, Life::max()};
    ++played_.removed;
  }
}

bool EeWorld::is_removed(const EeRun& run) const {
  return run.absence.until == Life::max() && run.absence.from <= life_;
}

bool EeWorld::is_away(const EeRun& run) const {
  if (life_ < run.absence.from || life_ >= run.absence.until) return false;
  return !is_calm() || is_removed(run);
}

std::size_t EeWorld::kept_max() const {
  const std::size_t most = options_.tricks.history_max;
  return most > 0 ? std::min(most, kExecutionsKept) : kExecutionsKept;
}

/// What else happens to a namespace, when a run is due.
void EeWorld::befall(EeNamespace& repo_namespace, const Clock& clock) {
  EeSchedule& schedule = repo_namespace.schedule;
  const Tricks& tricks = options_.tricks;
  const bool had_one = repo_namespace.policy_id != 0;
  if (had_one && tricks.deaths_per_day > 0 && befalls(schedule, tricks.deaths_per_day)) {
    remove_policy(repo_namespace);
    repo_namespace.had_no_policy = true;
    ++played_.policies_removed;
  } else if (!had_one || befalls(schedule, tricks.rebirths_per_day)) {
    make_policy(repo_namespace);
    if (had_one) ++played_.policies_made;
    if (repo_namespace.former_policies.empty()) {
      repo_namespace.policy_since = to_millis(clock.wall_of(life_));
    }
  }
  if (life_ > Life{0} && befalls(schedule, options_.births_per_day / 2)) {
    make_repository(repo_namespace, life_, clock);
  }
  if (befalls(schedule, tricks.denials_per_day)) {
    repo_namespace.denied_until = life_ + micros(schedule.dice.exponential(kAwayUs));
    ++played_.denials;
  }
  if (befalls(schedule, tricks.flips_per_day)) {
    repo_namespace.order = static_cast<Order>(schedule.dice.below(3));
    ++played_.flips;
  }
  for (EeRepository& repository : repo_namespace.repositories) {
    while (repository.next_push <= life_) {
      ++repository.pushed;
      repository.next_push += micros(1000 + repository.dice.exponential(repository.interval_us));
    }
  }
}

void EeWorld::begin(EeNamespace& repo_namespace, const Clock& clock) {
  befall(repo_namespace, clock);
  EeSchedule& schedule = repo_namespace.schedule;
  if (repo_namespace.policy_id == 0) {
    schedule.next_run = life_ + micros(schedule.interval_us * (0.5 + schedule.dice.uniform()));
    return;
  }
  auto& executions = repo_namespace.executions;
  while (executions.size() >= kept_max()) {
    executions.pop_front();
    ++played_.swept;
  }
  const UnixMillis newest =
      executions.empty() ? UnixMillis::min() : executions.back().run.started_at;
  EeRetention& retention = executions.emplace_back();
  const auto index = static_cast<std::size_t>(&repo_namespace - namespaces_.data());
  const Script& script = script_or_none(options_.script);
  const double share = script.retention_success_share(index, life_, kSuccessShare);
  retention.run = begin_run(schedule, kRetentionSpanMax, share, newest, clock);
  retention.scheduled = !schedule.dice.chance(0.25);
  retention.dry_run = !retention.scheduled && schedule.dice.chance(0.6);
  if (retention.dry_run) ++played_.dry_runs;
  retention.tasks = draw_tasks(repo_namespace, retention.run.end, schedule.dice);
  for (EeTask& task : retention.tasks) task.id = next_id();
  const Life own =
      life_ + retention.run.span + micros(schedule.interval_us * (0.5 + schedule.dice.uniform()));
  schedule.next_run = script.next_retention(index, life_, own);
}

void EeWorld::end(EeNamespace& repo_namespace, const Clock& clock) {
  EeRetention& retention = repo_namespace.executions.back();
  end_run(retention.run, repo_namespace.schedule, life_, clock);
  ++repo_namespace.ended[static_cast<std::size_t>(retention.run.end)];
  repo_namespace.schedule.ends.reset();
  if (retention.dry_run) return;
  for (const EeTask& task : retention.tasks) {
    if (task.end != RunEnd::success) continue;
    EeRepository& repository = repo_namespace.repositories[task.repository];
    const std::uint32_t removed = task.total - task.retained;
    repository.deleted += removed;
    repository.deleted_by[rule_index(repo_namespace)] += removed;
  }
}

void EeWorld::begin(EeReplicationPolicy& policy, const Clock& clock) {
  EeSchedule& schedule = policy.schedule;
  const auto of_policy = [&](const EeReplication& each) { return each.policy_id == policy.id; };
  auto listed = std::count_if(replications_.begin(), replications_.end(), of_policy);
  for (auto most = kept_max(); std::cmp_greater_equal(listed, most); --listed) {
    replications_.erase(std::find_if(replications_.begin(), replications_.end(), of_policy));
    ++played_.swept;
  }
  const UnixMillis newest =
      replications_.empty() ? UnixMillis::min() : replications_.back().run.started_at;
  EeReplication replication;
  const double share =
      script_or_none(options_.script)
          .replication_success_share(static_cast<std::size_t>(&policy - policies_.data()), life_,
                                     kSuccessShare);
  replication.run = begin_run(schedule, kReplicationSpanMax, share, newest, clock);
  // Only its end could tell that an unknown status is final, and the list need not tell it.
  if (replication.run.end == RunEnd::other) replication.run.end = RunEnd::stopped;
  replication.policy_id = policy.id;
  replication.artifacts = draw_artifacts(replication.run.end, schedule.dice);
  replications_.push_back(replication);
  schedule.next_run =
      life_ + replication.run.span + micros(schedule.dice.exponential(schedule.interval_us));
}

void EeWorld::end(EeReplicationPolicy& policy, const Clock& clock) {
  const auto under_way =
      std::find_if(replications_.rbegin(), replications_.rend(),
                   [&](auto& each) { return each.policy_id == policy.id && !each.run.ended_at; });
  end_run(under_way->run, policy.schedule, life_, clock);
  ++policy.ended[static_cast<std::size_t>(under_way->run.end)];
  for (std::size_t i = 0; i < policy.artifacts.size(); ++i) {
    policy.artifacts[i] += under_way->artifacts[i];
  }
  policy.schedule.ends.reset();
}

const EeNamespace* EeWorld::find(std::string_view repo_namespace) const {
  const auto found =
      std::find_if(namespaces_.begin(), namespaces_.end(),
                   [&](const EeNamespace& each) { return each.name == repo_namespace; });
  return found == namespaces_.end() ? nullptr : &*found;
}

template <class Execution>
std::vector<const Execution*> EeWorld::in_order(const std::deque<Execution>& oldest_first,
                                                Order order, std::size_t newest_hidden) const {
  std::vector<const Execution*> rows;
  for (const Execution& each : oldest_first) {
    if (!is_away(each.run)) rows.push_back(&each);
  }
  rows.resize(rows.size() - std::min(rows.size(), newest_hidden));
  if (order == Order::newest_first) std::reverse(rows.begin(), rows.end());
  if (order == Order::shuffled) {
    std::sort(rows.begin(), rows.end(), [](const Execution* a, const Execution* b) {
      const std::uint64_t spread = 0x9e3779b97f4a7c15ULL;
      return static_cast<std::uint64_t>(a->run.id) * spread <
             static_cast<std::uint64_t>(b->run.id) * spread;
    });
  }
  return rows;
}

std::vector<const EeRetention*> EeWorld::listed(const EeNamespace& repo_namespace,
                                                std::size_t newest_hidden) const {
  return in_order(repo_namespace.executions, repo_namespace.order, newest_hidden);
}

std::vector<const EeReplication*> EeWorld::listed_replications(std::size_t newest_hidden) const {
  return in_order(replications_, options_.order, newest_hidden);
}

std::vector<std::pair<std::string_view, std::uint64_t>> EeWorld::tricks_played() const {
  return {{"ee_sweep", played_.swept},
          {"ee_policy_gone", played_.policies_removed},
          {"ee_policy_again", played_.policies_made},
          {"ee_deny", played_.denials},
          {"ee_flip", played_.flips},
          {"ee_late", played_.late},
          {"ee_flicker", played_.flickering},
          {"ee_remove", played_.removed},
          {"ee_same_start", played_.same_start},
          {"ee_long", played_.long_runs},
          {"ee_dry_run", played_.dry_runs}};
}

}  // namespace registry_exporter::simulator
