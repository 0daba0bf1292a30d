#include "tests/simulator/sync_tasks.h"

#include <algorithm>
#include <cstdio>

namespace registry_exporter::simulator {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// Of one repository that is synchronised, in the mean.
constexpr double kIntervalUs = 2400e6;
constexpr double kIntervalMinUs = 20e6;
constexpr int kHistoryBatches = 150;
constexpr double kSuccessShare = 0.85;
constexpr Millis kSpanMin = seconds{5};
constexpr Millis kSpanMax = minutes{10};

Life micros(double count) { return Life{static_cast<Life::rep>(count)}; }

std::string make_id(const char* prefix, std::uint64_t seed, std::uint64_t number) {
  Dice dice(seed, 0x5c00'0000'0000ULL + number);
  char text[40];
  std::snprintf(text, sizeof text, "%s-%016llx", prefix,
                static_cast<unsigned long long>(dice.next()));
  return text;
}

std::string make_batch_id(std::uint64_t seed, std::uint64_t number) {
  const std::string digits = make_id("", seed, ~number).substr(1);
  return digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-4" + digits.substr(12, 3) + "-8" +
         digits.substr(0, 3) + "-" + digits.substr(4);
}

struct Ending {
  std::size_t end;
  std::string_view status;
};

Ending draw_swr_ending(Dice& dice, double success_share) {
  if (dice.chance(success_share)) return {0, "success"};
  if (dice.chance(0.7)) return {1, dice.chance(0.25) ? "timeout" : "failed"};
  return dice.chance(0.5) ? Ending{2, "cancel"} : Ending{3, "existed"};
}

Ending draw_acr_ending(Dice& dice, double success_share) {
  if (dice.chance(success_share)) return {0, dice.chance(0.02) ? "success" : "SUCCESS"};
  if (dice.chance(0.7)) return {1, "ERROR"};
  return {2, dice.chance(0.25) ? "CANCELLED" : "CANCELED"};
}

}  // namespace

SyncTasks::SyncTasks(Options options)
    : options_(std::move(options)), dice_(options_.seed, 0x5c5c'0000ULL) {
  const auto owners = static_cast<double>(std::max<std::size_t>(1, options_.owners.size()));
  interval_us_ = std::max(kIntervalMinUs, kIntervalUs / owners);
  next_start_ = -micros(kHistoryBatches * interval_us_);
}

Life SyncTasks::advance(Life life, const Surroundings& around) {
  life_ = std::max(life_, life);
  while (!options_.owners.empty() && next_start_ <= life_) {
    start_batch(next_start_, around);
    next_start_ += micros(1000 + dice_.exponential(interval_us_));
  }
  return std::min(finish(around), next_start_);
}

/// One image that matches one rule, or two.
void SyncTasks::start_batch(Life at, const Surroundings& around) {
  const std::string batch_id = make_batch_id(options_.seed, started_);
  const std::size_t owner = dice_.below(options_.owners.size());
  const std::size_t rules = dice_.chance(0.3) ? 2 : 1;
  for (std::size_t rule = 0; rule < rules; ++rule) start_task(batch_id, owner, rule, at, around);
}

void SyncTasks::start_task(const std::string& batch_id, std::size_t owner, std::size_t rule,
                           Life at, const Surroundings& around) {
  const std::uint64_t number = started_++;
  SyncTask task;
  task.id = make_id("rst", options_.seed, number);
  task.batch_id = batch_id;
  task.rule_id = "crsr-" + std::to_string(owner * 2 + rule);
  task.repo_namespace = options_.owners[owner].first;
  task.repo = options_.owners[owner].second;
  task.incoming = owner % 7 == 3;
  task.born = at;
  task.tag = static_cast<std::uint32_t>(number) + 1;
  const bool swr = options_.cloud == SyncCloud::swr;
  const Script& script = script_or_none(options_.script);
  const double share = script.sync_success_share(options_.cloud, owner, at, kSuccessShare);
  const Ending ending = swr ? draw_swr_ending(dice_, share) : draw_acr_ending(dice_, share);
  task.owner = owner;
  task.end = ending.end;
  task.final_status = ending.status;
  const double shape =
      dice_.uniform() * dice_.uniform() * script.sync_slowness(options_.cloud, owner, at);
  task.span =
      kSpanMin +
      Millis{static_cast<Millis::rep>(shape * static_cast<double>((kSpanMax - kSpanMin).count()))};
  task.absence = around.draw_absence(0x5c00'0000'0000'0000ULL + number, at, at + Life{task.span});
  task.created_at = std::chrono::floor<Millis>(around.wall_of(at)) - around.lag;
  if (!tasks_.empty()) task.created_at = std::max(task.created_at, tasks_.back().created_at);
  open_.push_back(number);
  ++counts_[task.repo_namespace + "/" + task.repo].open;
  tasks_.push_back(std::move(task));
}

Life SyncTasks::finish(const Surroundings& around) {
  Life next = Life::max();
  std::erase_if(open_, [&](std::uint64_t number) {
    SyncTask& task = tasks_[number - trimmed_];
    const Life ends = task.born + task.span;
    if (ends > life_) {
      next = std::min(next, ends);
      return false;
    }
    task.over_at = std::chrono::floor<Millis>(around.wall_of(ends));
    task.ended_at = std::min(task.created_at + task.span, task.over_at);
    SyncCounts& counts = counts_[task.repo_namespace + "/" + task.repo];
    ++counts.finished[task.end];
    --counts.open;
    return true;
  });
  return next;
}

void SyncTasks::trim(std::size_t most) {
  while (most > 0 && tasks_.size() > most && tasks_.front().ended_at) {
    tasks_.pop_front();
    ++trimmed_;
  }
}

std::string_view SyncTasks::status_of(const SyncTask& task) const {
  if (task.ended_at) return task.final_status;
  const bool waits = life_ - task.born < Life{task.span} / 5;
  if (options_.cloud == SyncCloud::swr) return waits ? "waiting" : "running";
  return waits ? "PENDING" : "SYNCHRONIZING";
}

SyncCounts SyncTasks::counts_of(const std::string& repo_namespace, const std::string& repo) const {
  const auto found = counts_.find(repo_namespace + "/" + repo);
  return found == counts_.end() ? SyncCounts{} : found->second;
}

}  // namespace registry_exporter::simulator
