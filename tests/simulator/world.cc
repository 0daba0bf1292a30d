#include "tests/simulator/world.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>
#include <utility>

#include "tests/simulator/ee_world.h"

namespace registry_exporter::simulator {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Millis kSpanMin = seconds{20};
constexpr Millis kSpanMax = minutes{40};
constexpr Life kNever = Life::max();
constexpr double kDayUs = 86'400e6;
/// How long what comes back is away, in the mean.
constexpr double kAwayUs = 1200e6;
/// The list of a whole instance keeps so many times what a repository's list keeps.
constexpr std::size_t kSyncHistories = 8;

constexpr std::array<const char*, 8> kAcrNamespaces = {"shop", "payments", "platform", "data",
                                                       "web",  "ml",       "mobile",   "infra"};
constexpr std::array<const char*, 6> kSwrNamespaces = {"team-a", "team-b", "core",
                                                       "edge",   "games",  "iot"};
constexpr std::array<const char*, 16> kNames = {
    "api",     "worker", "frontend", "gateway", "scheduler", "ingest", "reports",   "auth",
    "billing", "search", "notify",   "admin",   "catalog",   "cart",   "inventory", "metrics"};

Life micros(double count) { return Life{static_cast<Life::rep>(count)}; }

std::vector<std::string> make_namespaces(std::span<const char* const> names, int repositories) {
  std::vector<std::string> all(names.begin(), names.end());
  for (int more = 0; more < repositories / 500; ++more) {
    all.push_back(std::string(names[0]) + "-" + std::to_string(more + 2));
  }
  return all;
}

/// "api", …, then "api-2": unique within the namespace that number `index` falls into.
std::string make_name(std::uint32_t index, std::size_t namespaces) {
  const std::size_t within = index / namespaces;
  std::string name = kNames[within % kNames.size()];
  if (within >= kNames.size()) name += "-" + std::to_string(within / kNames.size() + 1);
  return name;
}

/// There, names may have slashes.
std::string make_swr_name(std::uint32_t index, std::size_t namespaces) {
  std::string name = make_name(index, namespaces);
  if (index % 3 == 0) name = "web/" + name;
  if (index % 11 == 7) name = "jobs/nightly/" + name;
  return name;
}

/// How busy the repository is: few build every few minutes, most a few times a day.
double interval_of(std::uint32_t rank) {
  const double mean = 300e6 * std::pow(static_cast<double>(rank) + 1, 0.9);
  return std::min(mean, 8 * 3600e6);
}

/// Busy repositories have long lists; every list has some dozens.
double history_of(std::uint32_t rank) {
  return 30 + 400 / std::pow(static_cast<double>(rank) + 1, 0.8);
}

std::uint32_t rank_of(std::uint32_t index, int repositories) {
  const auto count = static_cast<std::uint32_t>(std::max(repositories, 1));
  return (index * 7 + 3) % count;
}

/// A UUID that tells its repository and number back: finding a build by id alone needs no index.
std::string make_build_id(std::uint64_t seed, std::uint32_t index, std::uint64_t number) {
  Dice dice(seed, (std::uint64_t{index} << 32) ^ number);
  const std::uint64_t noise = dice.next();
  const auto first = static_cast<unsigned>(index * 0x9e3779b1U + 0x7f4a7c15U);
  const std::uint64_t last = (number * 0x5deece66dULL + 0xbULL) & 0xffff'ffff'ffffULL;
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%08x-%04x-4%03x-8%03x-%012llx", first,
                static_cast<unsigned>(noise & 0xffff), static_cast<unsigned>((noise >> 16) & 0xfff),
                static_cast<unsigned>((noise >> 28) & 0xfff),
                static_cast<unsigned long long>(last));
  return text.data();
}

std::string make_repo_id(std::uint64_t seed, std::uint32_t index) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  Dice dice(seed, 0xacc0ULL + index);
  std::string id = "crr-";
  for (int i = 0; i < 12; ++i) id += kLetters[dice.below(kLetters.size())];
  return id + std::to_string(index);
}

struct Ending {
  BuildEnd end;
  std::string_view status;
};

/// How a build will end; a few statuses are not in anybody's documents.
Ending draw_ending(Dice& dice, double success_share) {
  if (dice.chance(success_share)) {
    return {BuildEnd::success, dice.chance(0.02) ? "success" : "SUCCESS"};
  }
  if (dice.chance(0.03)) return {BuildEnd::other, dice.chance(0.5) ? "TIMEOUT" : "SYSTEM_ERROR"};
  if (dice.chance(0.15)) {
    return {BuildEnd::canceled, dice.chance(0.25) ? "CANCELLED" : "CANCELED"};
  }
  return {BuildEnd::failed, "FAILED"};
}

Millis draw_span(AcrRepository& repository, BuildEnd end) {
  const double shape = repository.dice.uniform() + repository.dice.uniform() - 1;  // -1 … 1
  double span = repository.base_span_ms * std::exp2(shape * 1.6);
  if (end != BuildEnd::success) span *= 0.6;
  return std::clamp(Millis{static_cast<Millis::rep>(span)}, kSpanMin, kSpanMax);
}

RetentionRuleText draw_rule(SwrRepository& repository) {
  Dice& dice = repository.dice;
  RetentionRuleText rule;
  rule.id =
      std::int64_t{repository.index} * 100 + static_cast<std::int64_t>(repository.rules.size()) + 1;
  const double kind = dice.uniform();
  rule.rule_template = kind < 0.5 ? "date_rule" : kind < 0.96 ? "tag_rule" : "size_rule";
  rule.keep = rule.rule_template == "date_rule" ? 7 + static_cast<int>(dice.below(84))
                                                : static_cast<int>(repository.keep);
  rule.selectors = static_cast<int>(dice.below(3));
  return rule;
}

std::size_t template_index(const std::string& rule_template) {
  if (rule_template == "date_rule") return 0;
  return rule_template == "tag_rule" ? 1 : 2;
}

bool is_over(const Build& build) { return build.ended_at.has_value(); }
bool is_over(const Deletion&) { return true; }

UnixMillis to_millis(UnixMicros time) { return std::chrono::floor<Millis>(time); }

}  // namespace

World::World(const WorldOptions& options, UnixMillis now)
    : options_(options),
      anchor_wall_(now),
      fate_(options.seed, 0xfa7eULL),
      acr_namespaces_(make_namespaces(kAcrNamespaces, options.repositories)),
      swr_namespaces_(make_namespaces(kSwrNamespaces, options.repositories)),
      syncs_(make_syncs(SyncCloud::acr)),
      swr_syncs_(make_syncs(SyncCloud::swr)) {
  lag_ = start_lag();
  for (int i = 0; i < options_.repositories; ++i) {
    const std::uint32_t rank = rank_of(static_cast<std::uint32_t>(i), options_.repositories);
    const Life history = micros(history_of(rank) * interval_of(rank) * options_.history);
    acr_.push_back(make_acr(-history, history));
    swr_.push_back(make_swr(-history, history));
  }
  next_turn_[0] = wait_for(Turn::birth);
  advance_syncs();
  set_tricks(options_.tricks);
  index_repositories();
  advance_ee();
}

World::World(World&& other) noexcept = default;
World::~World() = default;

void World::advance_ee() {
  const EeWorld::Clock clock{[this](Life life) { return wall_of(life); }, lag_};
  if (!ee_) ee_ = std::make_unique<EeWorld>(options_, clock);
  ee_->advance_to(life_, clock);
}

/// Spans stay lifelike at any speed because builds are listed as having started earlier, all by the
/// same lag, so that the newest in the list is always the one that came last.
Millis World::start_lag() const {
  if (!options_.lifelike_spans) return Millis{0};
  if (options_.speed == 0) return kSpanMax;
  const double share = std::max(0.0, 1 - 1 / options_.speed);
  return Millis{static_cast<Millis::rep>(static_cast<double>(kSpanMax.count()) * share)};
}

UnixMicros World::wall_of(Life life) const {
  const Life since = life - anchor_life_;
  if (since <= Life{0} || options_.speed == 0) return anchor_wall_ + since;
  return anchor_wall_ + micros(static_cast<double>(since.count()) / options_.speed);
}

Life World::life_at(UnixMillis now) const {
  const Life passed = UnixMicros(now) - anchor_wall_;
  if (passed <= Life{0}) return anchor_life_;
  return anchor_life_ + micros(static_cast<double>(passed.count()) * options_.speed);
}

void World::set_speed(double speed, UnixMillis now) {
  advance_to(now);
  anchor_wall_ = std::max(anchor_wall_, UnixMicros(now));
  anchor_life_ = life_;
  options_.speed = speed;
  lag_ = std::max(lag_, start_lag());
}

/// Two of three repositories are synchronised, and some that are made later.
SyncTasks World::make_syncs(SyncCloud cloud) const {
  constexpr int kMadeLater = 4;
  const auto& namespaces = cloud == SyncCloud::acr ? acr_namespaces_ : swr_namespaces_;
  SyncTasks::Options syncs;
  syncs.cloud = cloud;
  syncs.seed = cloud == SyncCloud::acr ? options_.seed : ~options_.seed;
  syncs.order = options_.order;
  syncs.script = options_.script;
  for (int i = 0; i < options_.repositories + kMadeLater; ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    if (index % 3 == 2) continue;
    const auto make = cloud == SyncCloud::acr ? make_name : make_swr_name;
    syncs.owners.emplace_back(namespaces[index % namespaces.size()],
                              make(index, namespaces.size()));
  }
  return SyncTasks(std::move(syncs));
}

Life World::advance_syncs() {
  SyncTasks::Surroundings around;
  around.wall_of = [this](Life life) { return wall_of(life); };
  around.lag = lag_;
  around.draw_absence = [this](std::uint64_t stream, Life born, Life over) {
    return draw_absence(stream, born, over);
  };
  Life next = Life::max();
  for (SyncTasks* const syncs : {&syncs_, &swr_syncs_}) {
    next = std::min(next, syncs->advance(life_, around));
    syncs->trim(options_.tricks.history_max * kSyncHistories);
  }
  return next;
}

void World::set_tricks(const Tricks& tricks) {
  options_.tricks = tricks;
  if (ee_) ee_->set_tricks(tricks);
  next_event_ = life_;
  for (std::size_t i = 1; i < kTurns; ++i) next_turn_[i] = wait_for(static_cast<Turn>(i));
}

double World::rate(Turn turn) const {
  switch (turn) {
    case Turn::birth:
      return options_.births_per_day;
    case Turn::death:
      return options_.tricks.deaths_per_day;
    case Turn::rebirth:
      return options_.tricks.rebirths_per_day;
    case Turn::rename:
      return options_.tricks.renames_per_day;
    case Turn::denial:
      return options_.tricks.denials_per_day;
    case Turn::flip:
      return options_.tricks.flips_per_day;
  }
  return 0;
}

Life World::wait_for(Turn turn) {
  if (rate(turn) <= 0) return kNever;
  return life_ + micros(fate_.exponential(kDayUs / rate(turn)));
}

void World::advance_to(UnixMillis now) {
  const Life life = life_at(now);
  if (life <= life_) return;
  life_ = life;
  advance_ee();
  if (life_ < next_event_) return;
  if (take_turns()) index_repositories();
  next_event_ = *std::min_element(next_turn_.begin(), next_turn_.end());
  for (AcrRepository& repository : acr_) next_event_ = std::min(next_event_, advance(repository));
  for (SwrRepository& repository : swr_) next_event_ = std::min(next_event_, advance(repository));
  next_event_ = std::min(next_event_, advance_syncs());
}

void World::index_repositories() {
  acr_at_.clear();
  swr_at_.clear();
  for (std::size_t i = 0; i < acr_.size(); ++i) acr_at_[acr_[i].id] = i;
  for (std::size_t i = 0; i < swr_.size(); ++i) {
    swr_at_[swr_[i].repo_namespace + "/" + swr_[i].name] = i;
  }
}

/// True if anything befell anybody.
bool World::take_turns() {
  bool any = false;
  for (std::size_t i = 0; i < kTurns; ++i) {
    const auto turn = static_cast<Turn>(i);
    while (next_turn_[i] <= life_) {
      take(turn, next_turn_[i]);
      next_turn_[i] += micros(fate_.exponential(kDayUs / rate(turn)));
      ++turns_[i];
      any = true;
    }
  }
  return any;
}

void World::take(Turn turn, Life at) {
  if (turn == Turn::birth) {
    acr_.push_back(make_acr(at, Life{0}));
    swr_.push_back(make_swr(at, Life{0}));
    return;
  }
  if (turn == Turn::rebirth) {
    AcrRepository& acr = acr_[fate_.below(acr_.size())];
    AcrRepository fresh_acr = make_acr(at, Life{0});
    fresh_acr.repo_namespace = acr.repo_namespace;
    fresh_acr.name = acr.name;
    gone_acr_.push_back(std::exchange(acr, std::move(fresh_acr)));
    SwrRepository& swr = swr_[fate_.below(swr_.size())];
    SwrRepository fresh_swr = make_swr(at, Life{0});
    fresh_swr.repo_namespace = swr.repo_namespace;
    fresh_swr.name = swr.name;
    gone_swr_.push_back(std::exchange(swr, std::move(fresh_swr)));
    return;
  }
  if (turn == Turn::rename) return rename(acr_[fate_.below(acr_.size())]);
  take(turn, acr_, gone_acr_);
  take(turn, swr_, gone_swr_);
}

template <class Repositories, class Gone>
void World::take(Turn turn, Repositories& repositories, Gone& gone) {
  const std::uint64_t victim = fate_.below(repositories.size());
  auto& repository = repositories[victim];
  if (turn == Turn::denial) {
    repository.denied_until = life_ + micros(fate_.exponential(kAwayUs));
  } else if (turn == Turn::flip) {
    repository.order = static_cast<Order>(fate_.below(3));
  } else if (repositories.size() > 1) {
    gone.push_back(std::move(repository));
    repositories.erase(repositories.begin() + static_cast<std::ptrdiff_t>(victim));
  }
}

void World::rename(AcrRepository& repository) {
  repository.former_names.push_back(repository.name);
  repository.name += "-r" + std::to_string(repository.former_names.size());
}

bool World::is_removed(const Absence& absence) const {
  return absence.until == kNever && absence.from <= life_;
}

bool World::is_away(const Absence& absence) const {
  if (life_ < absence.from || life_ >= absence.until) return false;
  return !is_calm() || is_removed(absence);
}

/// Which of the tricks befalls a record; the same one in each history of the same seed.
Absence World::draw_absence(std::uint64_t stream, Life born, Life over) {
  const Tricks& tricks = options_.tricks;
  if (tricks.late + tricks.flickering + tricks.removed <= 0) return {};
  Dice dice(options_.seed, stream);
  const double roll = dice.uniform();
  const Life away = micros(dice.exponential(kAwayUs));
  const Life after = micros(dice.exponential(kAwayUs));
  if (roll < tricks.late) {
    ++played_.late;
    return {born, born + away};
  }
  if (roll < tricks.late + tricks.flickering) {
    ++played_.flickering;
    return {born + after, born + after + away};
  }
  if (roll < tricks.late + tricks.flickering + tricks.removed) {
    ++played_.removed;
    return {over + after, kNever};
  }
  return {};
}

namespace {

template <class Record>
void put_in_order(std::vector<const Record*>& records, Order order) {
  if (order == Order::newest_first) std::reverse(records.begin(), records.end());
  if (order != Order::shuffled) return;
  std::sort(records.begin(), records.end(), [](const Record* a, const Record* b) {
    const std::uint64_t spread = 0x9e3779b97f4a7c15ULL;
    return (a->tag + 1) * spread < (b->tag + 1) * spread;
  });
}

}  // namespace

std::vector<const Build*> World::listed(const AcrRepository& repository,
                                        std::size_t newest_hidden) const {
  std::vector<const Build*> rows;
  rows.reserve(repository.builds.size());
  for (const Build& build : repository.builds) {
    if (!is_away(build.absence)) rows.push_back(&build);
  }
  rows.resize(rows.size() - std::min(rows.size(), newest_hidden));
  put_in_order(rows, repository.order);
  return rows;
}

std::vector<const Deletion*> World::listed(const SwrRepository& repository,
                                           std::size_t newest_hidden) const {
  std::vector<const Deletion*> rows;
  rows.reserve(repository.deletions.size());
  for (const Deletion& deletion : repository.deletions) {
    if (!is_away(deletion.absence)) rows.push_back(&deletion);
  }
  rows.resize(rows.size() - std::min(rows.size(), newest_hidden));
  put_in_order(rows, repository.order);
  return rows;
}

std::vector<const SyncTask*> World::listed_syncs(std::size_t newest_hidden) const {
  std::vector<const SyncTask*> rows;
  rows.reserve(syncs_.all().size());
  for (const SyncTask& task : syncs_.all()) {
    if (!is_away(task.absence)) rows.push_back(&task);
  }
  rows.resize(rows.size() - std::min(rows.size(), newest_hidden));
  put_in_order(rows, syncs_.order());
  return rows;
}

std::vector<const SyncTask*> World::listed_syncs(const SwrRepository& repository,
                                                 std::size_t newest_hidden) const {
  std::vector<const SyncTask*> rows;
  for (const SyncTask& task : swr_syncs_.all()) {
    const bool is_its =
        task.repo_namespace == repository.repo_namespace && task.repo == repository.name;
    if (is_its && !is_away(task.absence)) rows.push_back(&task);
  }
  rows.resize(rows.size() - std::min(rows.size(), newest_hidden));
  put_in_order(rows, swr_syncs_.order());
  return rows;
}

std::vector<std::pair<std::string_view, std::uint64_t>> World::tricks_played() const {
  return {{"birth", turns_[0]},
          {"death", turns_[1]},
          {"rebirth", turns_[2]},
          {"rename", turns_[3]},
          {"deny", turns_[4]},
          {"flip", turns_[5]},
          {"trim", played_.trimmed},
          {"late", played_.late},
          {"flicker", played_.flickering},
          {"remove", played_.removed},
          {"same_start", played_.same_start},
          {"long", played_.long_builds}};
}

AcrRepository World::make_acr(Life born, Life history) {
  AcrRepository repository;
  repository.index = acr_count_++;
  repository.dice = Dice(options_.seed, 0xac00'0000'0000ULL + repository.index);
  repository.id = make_repo_id(options_.seed, repository.index);
  repository.repo_namespace = acr_namespaces_[repository.index % acr_namespaces_.size()];
  repository.name = make_name(repository.index, acr_namespaces_.size());
  const bool old = history > Life{0};
  repository.created_at = to_millis(wall_of(born)) - (old ? lag_ + hours{24} : Millis{0});
  repository.modified_at = repository.created_at;
  repository.interval_us = interval_of(old ? rank_of(repository.index, options_.repositories) : 3);
  repository.base_span_ms = 60e3 * std::exp2(repository.dice.uniform() * 3.5);
  repository.success_share = 0.6 + 0.38 * std::sqrt(repository.dice.uniform());
  repository.next_start = born + micros(repository.dice.exponential(repository.interval_us));
  repository.order = options_.order;
  advance(repository);
  return repository;
}

SwrRepository World::make_swr(Life born, Life history) {
  SwrRepository repository;
  repository.index = swr_count_++;
  repository.dice = Dice(options_.seed, 0x5300'0000'0000ULL + repository.index);
  repository.repo_namespace = swr_namespaces_[repository.index % swr_namespaces_.size()];
  repository.name = make_swr_name(repository.index, swr_namespaces_.size());
  const bool old = history > Life{0};
  repository.created_at = to_millis(wall_of(born)) - (old ? Millis{hours{24}} : Millis{0});
  repository.updated_at = repository.created_at;
  repository.interval_us = interval_of(old ? rank_of(repository.index, options_.repositories) : 2);
  repository.keep = 3 + static_cast<std::uint32_t>(repository.dice.below(18));
  repository.pushed = old ? script().keep(repository.index, born, repository.keep) : 1;
  repository.downloads = repository.dice.below(5000);
  const bool has_rule = repository.index % 10 != 9;
  if (has_rule) repository.rules.push_back(draw_rule(repository));
  repository.next_push = born + micros(repository.dice.exponential(repository.interval_us));
  repository.next_run = born + micros(repository.interval_us * (2 + 8 * repository.dice.uniform()));
  repository.order = options_.order;
  advance(repository);
  return repository;
}

Life World::advance(AcrRepository& repository) {
  while (repository.next_start <= life_) {
    const double pace = script().pace(repository.index, repository.next_start);
    if (pace >= 1 || repository.dice.chance(pace)) start_build(repository, repository.next_start);
    repository.next_start += micros(1000 + repository.dice.exponential(repository.interval_us));
  }
  finish_builds(repository);
  trim(repository, repository.builds);
  Life next = repository.next_start;
  for (const std::uint64_t number : repository.open) {
    const Build& build = repository.builds[number - repository.trimmed];
    next = std::min<Life>(next, build.born + build.span);
  }
  return next;
}

void World::start_build(AcrRepository& repository, Life at) {
  Build build;
  const std::uint64_t number = repository.trimmed + repository.builds.size();
  build.id = make_build_id(options_.seed, repository.index, number);
  build.born = at;
  build.tag = static_cast<std::uint32_t>(number) + 1;
  const Ending ending = draw_ending(
      repository.dice, script().success_share(repository.index, at, repository.success_share));
  build.end = ending.end;
  build.final_status = ending.status;
  build.span = draw_span(repository, ending.end);
  const double slowness = script().slowness(repository.index, at);
  if (slowness > 1) {
    build.span =
        Millis{static_cast<Millis::rep>(static_cast<double>(build.span.count()) * slowness)};
  }
  const std::uint64_t stream = (std::uint64_t{repository.index} << 32) + number * 2;
  Dice dice(options_.seed, ~stream);
  if (dice.chance(options_.tricks.long_builds)) {
    build.span *= 10;
    ++played_.long_builds;
  }
  build.absence = draw_absence(stream, at, at + build.span);
  build.started_at = to_millis(wall_of(at)) - lag_;
  if (!repository.builds.empty()) {
    const UnixMillis newest = repository.builds.back().started_at;
    const bool same = dice.chance(options_.tricks.same_start);
    played_.same_start += same ? 1 : 0;
    build.started_at = same ? newest : std::max(build.started_at, newest + Millis{1});
  }
  repository.modified_at = std::max(repository.modified_at, to_millis(wall_of(at)));
  repository.open.push_back(number);
  repository.builds.push_back(std::move(build));
}

void World::finish_builds(AcrRepository& repository) {
  std::erase_if(repository.open, [&](std::uint64_t number) {
    Build& build = repository.builds[number - repository.trimmed];
    const Life ends = build.born + build.span;
    if (ends > life_) return false;
    const UnixMillis ended = to_millis(wall_of(ends));
    build.ended_at =
        options_.lifelike_spans ? std::min(build.started_at + build.span, ended) : ended;
    build.over_at = ended;
    repository.modified_at = std::max(repository.modified_at, ended);
    ++repository.finished[static_cast<std::size_t>(build.end)];
    return true;
  });
}

template <class AnyRepository, class Records>
void World::trim(AnyRepository& repository, Records& records) {
  const std::size_t most = options_.tricks.history_max;
  if (most == 0) return;
  while (records.size() > most && is_over(records.front())) {
    records.pop_front();
    ++repository.trimmed;
    ++played_.trimmed;
  }
}

Life World::advance(SwrRepository& repository) {
  Life next{0};
  for (;;) {
    const Life due = repository.due.empty() ? kNever : repository.due.front();
    next = std::min({due, repository.next_push, repository.next_run});
    if (next > life_) break;
    if (next == due) {
      repository.due.pop_front();
      delete_tag(repository, next);
    } else if (next == repository.next_push) {
      const double pace = script().pace(repository.index, next);
      if (pace >= 1 || repository.dice.chance(pace)) {
        ++repository.pushed;
        repository.downloads += repository.dice.below(40);
        repository.updated_at = to_millis(wall_of(next));
      }
      repository.next_push += micros(1000 + repository.dice.exponential(repository.interval_us));
    } else {
      start_run(repository, next);
    }
  }
  trim(repository, repository.deletions);
  return next;
}

/// A run deletes what the rule does not keep, one tag after another within a few seconds.
void World::start_run(SwrRepository& repository, Life at) {
  const double usual = std::clamp(8 * repository.interval_us, 1200e6, kDayUs);
  repository.next_run = at + micros(usual * (0.9 + 0.2 * repository.dice.uniform()));
  if (repository.rules.empty()) return;
  if (repository.dice.chance(0.02)) repository.rules.push_back(draw_rule(repository));
  const std::uint32_t keep = script().keep(repository.index, at, repository.keep);
  const std::uint32_t kept = keep + static_cast<std::uint32_t>(repository.due.size());
  Life when = repository.due.empty() ? at : repository.due.back();
  for (std::uint32_t tags = repository.tags(); tags > kept; --tags) {
    when += micros(40e3 + 160e3 * repository.dice.uniform());
    repository.due.push_back(when);
  }
}

void World::delete_tag(SwrRepository& repository, Life at) {
  Deletion deletion;
  const std::uint64_t number = repository.trimmed + repository.deletions.size();
  deletion.id =
      (std::int64_t{repository.index} + 1) * 1'000'000 + static_cast<std::int64_t>(number);
  deletion.created_at = wall_of(at);
  const std::uint64_t stream = (std::uint64_t{repository.index} << 32) + number * 2 + 1;
  deletion.absence = draw_absence(stream, at, at);
  deletion.tag = ++repository.deleted;
  deletion.rule = static_cast<std::uint32_t>(repository.rules.size() - 1);
  ++repository.deleted_by[template_index(repository.rules.back().rule_template)];
  repository.updated_at = to_millis(deletion.created_at);
  repository.deletions.push_back(deletion);
}

const AcrRepository* World::find_acr(std::string_view id) const {
  const auto found = acr_at_.find(std::string(id));
  return found == acr_at_.end() ? nullptr : &acr_[found->second];
}

const SwrRepository* World::find_swr(std::string_view repo_namespace, std::string_view name) const {
  const auto found = swr_at_.find(std::string(repo_namespace) + "/" + std::string(name));
  return found == swr_at_.end() ? nullptr : &swr_[found->second];
}

World::FoundBuild World::find_build(std::string_view id) const {
  for (const AcrRepository& repository : acr_) {
    // The first eight digits are the repository's: builds of others need no look.
    if (repository.builds.empty() ||
        repository.builds.front().id.compare(0, 8, id.substr(0, 8)) != 0) {
      continue;
    }
    for (const Build& build : repository.builds) {
      if (build.id == id) return {&repository, &build};
    }
  }
  return {};
}

std::string_view World::status_of(const Build& build) const {
  if (build.ended_at) return build.final_status;
  const Life pending = std::min<Life>(seconds{15}, build.span / 5);
  return life_ - build.born < pending ? "PENDING" : "BUILDING";
}

}  // namespace registry_exporter::simulator
