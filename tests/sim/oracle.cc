#include "tests/sim/oracle.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "tests/sim/readable.h"
#include "tests/sim/series_names.h"

namespace registry_exporter {
namespace {

using simulator::AcrRepository;
using simulator::SwrRepository;

constexpr std::array<std::string_view, 4> kBuildEnds = {"success", "failed", "canceled", "other"};
constexpr std::array<std::string_view, 3> kTemplates = {"date_rule", "tag_rule", "other"};

constexpr std::chrono::minutes kFirstReadingMax{2};

/// What a repository was called before counts as well.
std::string key_of(const AcrRepository& repository) {
  return owner_key("acr", repository.repo_namespace, repository.name);
}

std::string key_of(const SwrRepository& repository) {
  return owner_key("swr", repository.repo_namespace, repository.name);
}

/// Bears that name, or did before.
bool is_called(const AcrRepository& repository, const std::string& key) {
  if (key_of(repository) == key) return true;
  return std::any_of(repository.former_names.begin(), repository.former_names.end(),
                     [&](const std::string& name) {
                       return owner_key("acr", repository.repo_namespace, name) == key;
                     });
}

bool is_called(const SwrRepository& repository, const std::string& key) {
  return key_of(repository) == key;
}

std::string events_series(const std::string& key, std::size_t outcome) {
  const std::size_t space = key.find(' ');
  const std::size_t slash = key.find('/');
  const RepositoryRef owner{key.substr(space + 1, slash - space - 1), key.substr(slash + 1), ""};
  const StreamKind& kind = key.starts_with("acr") ? kBuilds : kDeletions;
  return series_names(registry_of(key), kind, owner, kind.outcomes[outcome]).events;
}

std::size_t template_of(const SwrRepository& repository, const simulator::Deletion& deletion) {
  const std::string& name = repository.rules[deletion.rule].rule_template;
  return name == "date_rule" ? 0 : name == "tag_rule" ? 1 : 2;
}

std::string syncs_series(const std::string& key, std::size_t outcome) {
  std::string series = events_series(key, outcome);
  return series.replace(0, series.find('{'), "acr_syncs_total");
}

template <std::size_t N>
bool starts_with_any(std::string_view series, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view each) { return series.starts_with(each); });
}

/// A counter or histogram of synchronisations.
bool is_sync_event(std::string_view series) {
  constexpr std::array<std::string_view, 4> kNames = {
      "acr_syncs_total{", "acr_sync_duration_seconds", "swr_syncs_total{",
      "swr_sync_duration_seconds"};
  return starts_with_any(series, kNames);
}

bool is_event(std::string_view series) {
  constexpr std::array<std::string_view, 5> kNames = {
      "acr_builds_total{", "swr_retention_deletions_total{", "swr_retention_executions_total{",
      "swr_replication_executions_total{", "swr_replicated_artifacts_total{"};
  return starts_with_any(series, kNames);
}

bool is_event_or_histogram(std::string_view series) {
  constexpr std::array<std::string_view, 3> kHistograms = {
      "acr_build_duration_seconds", "swr_retention_execution_duration_seconds",
      "swr_replication_execution_duration_seconds"};
  return is_event(series) || is_sync_event(series) || starts_with_any(series, kHistograms);
}

/// The list that a repository's synchronisations are in.
std::string list_of_syncs(std::string_view series) {
  if (series.starts_with("acr_")) return list_key("acr", kAcrSyncs, {});
  const RepositoryRef owner{std::string(label(series, "repo_namespace")),
                            std::string(label(series, "repo")), ""};
  return list_key("swr", kSwrSyncs, owner);
}

bool is_durable(std::string_view series) {
  return is_event_or_histogram(series) || series.starts_with("registry_exporter_records_total") ||
         series.starts_with("registry_exporter_history_gaps_total") ||
         series.starts_with("registry_exporter_durations_invalid_total");
}

std::string in_words(std::string_view what, const std::string& series, double shown,
                     double should) {
  return std::string(what) + ": " + series + " is " + std::to_string(std::llround(shown)) +
         ", not " + std::to_string(std::llround(should));
}

double value_of(const Series& series, const std::string& name) {
  const auto found = series.values.find(name);
  return found == series.values.end() ? 0 : found->second;
}

}  // namespace

Oracle::Oracle(const simulator::World& world, const OracleRules& rules, OtherStreams streams,
               UnixMillis now)
    : world_(world),
      rules_(rules),
      streams_(streams),
      start_(now),
      others_(world, rules, streams, now) {
  if (!rules.counts_history && !rules.lists_lie) note_history();
}

void Oracle::note_history() {
  const auto is_there = [](const simulator::Absence& absence) {
    return absence.from == simulator::Life::max();
  };
  for (const AcrRepository& repository : world_.acr()) {
    Counts& counts = before_start_[key_of(repository)];
    for (const simulator::Build& build : repository.builds) {
      if (!build.ended_at || !is_there(build.absence)) continue;
      ++counts.by_outcome[static_cast<std::size_t>(build.end)];
    }
  }
  for (const simulator::SyncTask& task : world_.syncs().all()) {
    if (!task.ended_at || !is_there(task.absence)) continue;
    ++syncs_before_start_[owner_key("acr", task.repo_namespace, task.repo)].by_outcome[task.end];
  }
  for (const SwrRepository& repository : world_.swr()) {
    Counts& counts = before_start_[key_of(repository)];
    for (const simulator::Deletion& deletion : repository.deletions) {
      if (is_there(deletion.absence)) ++counts.by_outcome[template_of(repository, deletion)];
    }
  }
}

/// All that ever happened under a name, whoever bore it.
std::map<std::string, Oracle::Counts> Oracle::happened_acr() const {
  std::map<std::string, Counts> all;
  const auto add = [&](const AcrRepository& repository) {
    std::vector<std::string> names = repository.former_names;
    names.push_back(repository.name);
    for (const std::string& name : names) {
      Counts& counts = all[owner_key("acr", repository.repo_namespace, name)];
      for (std::size_t i = 0; i < 4; ++i) counts.by_outcome[i] += repository.finished[i];
    }
  };
  for (const AcrRepository& repository : world_.acr()) add(repository);
  for (const AcrRepository& repository : world_.gone_acr()) add(repository);
  return all;
}

std::map<std::string, Oracle::Counts> Oracle::happened_swr() const {
  std::map<std::string, Counts> all;
  const auto add = [&](const SwrRepository& repository) {
    Counts& counts = all[key_of(repository)];
    for (std::size_t i = 0; i < 3; ++i) counts.by_outcome[i] += repository.deleted_by[i];
  };
  for (const SwrRepository& repository : world_.swr()) add(repository);
  for (const SwrRepository& repository : world_.gone_swr()) add(repository);
  return all;
}

void Oracle::discovered(const std::string& registry, UnixMillis now) {
  milestones_.discovered.emplace(registry, now);
}

void Oracle::read_whole(const std::string& list, UnixMillis now) {
  milestones_.read_whole.emplace(list, now);
}

void Oracle::start(std::unordered_map<std::string, double> committed) {
  committed_ = std::move(committed);
  first_answer_ = true;
  for (auto& [name, scraper] : scrapers_) scraper.first_answer.reset();
}

std::string Oracle::held_back(const Series& series, const std::string& scraper,
                              const std::unordered_map<std::string, double>& committed) const {
  const auto known = scrapers_.find(scraper);
  if (known == scrapers_.end() || !known->second.first_answer) return {};
  for (const auto& [name, value] : committed) {
    const auto shown = series.values.find(name);
    const bool due = shown != series.values.end() && known->second.shown.contains(name);
    if (due && shown->second < value) return in_words("held back", name, shown->second, value);
  }
  return {};
}

std::string Oracle::classify_response(const Series& series, const std::string& scraper,
                                      UnixMillis now) {
  if (!series.problem.empty()) return series.problem;
  note_first_sights(series, now);
  if (first_answer_) {
    first_answer_ = false;
    if (std::string wrong = check_first_answer(series); !wrong.empty()) return wrong;
  }
  if (std::string wrong = check_invented(series); !wrong.empty()) return wrong;
  if (std::string wrong = check_invented_syncs(series); !wrong.empty()) return wrong;
  if (std::string wrong = others_.invented(series); !wrong.empty()) return wrong;
  Scraper& seen = scrapers_[scraper];
  if (std::string wrong = check_vanished(seen, series); !wrong.empty()) return wrong;
  std::set<std::string, std::less<>> new_repositories, new_syncs;
  events_shown_ = 0;
  for (const auto& [name, value] : series.values) {
    if (name.starts_with("registry_exporter_ledger_imbalance") && value != 0) {
      return "the books are out of balance";
    }
    if (!is_durable(name)) continue;
    if (is_event(name)) events_shown_ += static_cast<std::uint64_t>(value);
    bool is_new = false;
    if (is_sync_event(name)) {
      // History shows at once: in a scraper's first answer, when the list was read whole, or when
      // its repository was found at first.
      const std::string key = owner_key(name);
      const bool shows_now = !seen.first_answer || is_being_read(list_of_syncs(name), now) ||
                             is_being_discovered(key, now);
      is_new = shows_now && !seen.syncs.contains(key);
      new_syncs.insert(key);
    } else if (is_event_or_histogram(name)) {
      const std::string key = owner_key(name);
      is_new = !seen.repositories.contains(key);
      if (is_new) new_repositories.insert(key);
    }
    if (std::string wrong = check_series(seen, name, value, is_new, now); !wrong.empty()) {
      return wrong;
    }
  }
  seen.repositories.merge(new_repositories);
  seen.syncs.merge(new_syncs);
  if (!seen.first_answer) seen.first_answer = now;
  seen.last_answer = now;
  return {};
}

void Oracle::note_first_sights(const Series& series, UnixMillis now) {
  for (const auto& [name, value] : series.values) {
    if (name.starts_with("registry_exporter_repository_last_read_timestamp_seconds{")) {
      first_read_.emplace(owner_key(name), now);
    }
  }
}

/// A repository of that name may have been there when the registry was first discovered.
bool Oracle::came_in_first(const std::string& key) const {
  const auto discovered = milestones_.discovered.find(registry_of(key));
  const auto came_early = [&](const auto& repositories) {
    return std::any_of(repositories.begin(), repositories.end(), [&](const auto& repository) {
      return is_called(repository, key) && (discovered == milestones_.discovered.end() ||
                                            repository.created_at < discovered->second);
    });
  };
  return came_early(world_.acr()) || came_early(world_.swr()) || came_early(world_.gone_acr()) ||
         came_early(world_.gone_swr()) || others_.came_in_first(key, milestones_);
}

/// The registry's first discovery is not over, or just is.
bool Oracle::is_being_discovered(const std::string& key, UnixMillis now) const {
  const auto discovered = milestones_.discovered.find(registry_of(key));
  return discovered == milestones_.discovered.end() ||
         now - discovered->second < std::chrono::minutes(1);
}

/// It has not been read whole, or just was.
bool Oracle::is_being_read(const std::string& list, UnixMillis now) const {
  const auto whole = milestones_.read_whole.find(list);
  return whole == milestones_.read_whole.end() || now - whole->second < std::chrono::minutes(1);
}

/// A series that this scraper has not seen before: must it have seen 0 by now?
bool Oracle::zero_was_due(const Scraper& scraper, const std::string& name, UnixMillis now) const {
  const auto shown = first_shown_.find(name);
  if (shown == first_shown_.end()) return true;  // Nobody has.
  const bool was_there = scraper.first_answer && *scraper.first_answer < shown->second;
  const bool came_before = rules_.knows_scrapers && scraper.last_answer &&
                           *scraper.last_answer < shown->second &&
                           now - *scraper.last_answer < std::chrono::minutes(5);
  return (was_there || came_before) && now - shown->second < std::chrono::minutes(1);
}

std::string Oracle::check_series(Scraper& scraper, const std::string& name, double value,
                                 bool new_repository, UnixMillis now) {
  const auto [before, is_new] = scraper.shown.emplace(name, value);
  if (is_new) {
    const bool history = new_repository && rules_.counts_history && came_in_first(owner_key(name));
    const bool due = is_event_or_histogram(name) && !history && zero_was_due(scraper, name, now);
    first_shown_.emplace(name, now);
    return due && value != 0 ? in_words("no zero first", name, value, 0) : "";
  }
  if (value < before->second) return in_words("fell", name, value, before->second);
  before->second = value;
  return {};
}

std::string Oracle::check_vanished(const Scraper& scraper, const Series& series) const {
  for (const auto& [name, value] : scraper.shown) {
    if (series.values.contains(name)) continue;
    const std::string key = owner_key(name);
    const auto is_it = [&](const auto& repository) { return key_of(repository) == key; };
    const bool of_registry = label(name, "repo_namespace").empty() && key.ends_with("/");
    const bool exists = of_registry || others_.exists(key) ||
                        std::any_of(world_.acr().begin(), world_.acr().end(), is_it) ||
                        std::any_of(world_.swr().begin(), world_.swr().end(), is_it);
    if (exists) return "vanished: " + name;
  }
  return {};
}

std::string Oracle::check_invented(const Series& series) const {
  auto happened = happened_acr();
  happened.merge(happened_swr());
  for (const auto& [key, counts] : happened) {
    const auto before = before_start_.find(key);
    for (std::size_t i = 0; i < counts.by_outcome.size(); ++i) {
      if (key.starts_with("swr") && i == kTemplates.size()) break;
      std::uint64_t most = counts.by_outcome[i];
      if (before != before_start_.end()) most -= before->second.by_outcome[i];
      const std::string name = events_series(key, i);
      const double shown = value_of(series, name);
      if (shown > static_cast<double>(most)) {
        return in_words("invented", name, shown, static_cast<double>(most));
      }
    }
  }
  return {};
}

std::string Oracle::check_invented_syncs(const Series& series) const {
  for (const AcrRepository& repository : world_.acr()) {
    const std::string key = key_of(repository);
    const auto finished =
        world_.syncs().counts_of(repository.repo_namespace, repository.name).finished;
    const auto before = syncs_before_start_.find(key);
    for (std::size_t i = 0; i < finished.size(); ++i) {
      std::uint64_t most = finished[i];
      if (before != syncs_before_start_.end()) most -= before->second.by_outcome[i];
      const std::string name = syncs_series(key, i);
      const double shown = value_of(series, name);
      if (shown <= static_cast<double>(most)) continue;
      return in_words("invented", name, shown, static_cast<double>(most));
    }
  }
  return {};
}

std::string Oracle::check_first_answer(const Series& series) const {
  for (const auto& [name, value] : committed_) {
    const auto shown = series.values.find(name);
    if (shown == series.values.end() || shown->second == value) continue;
    return in_words("not the old value first", name, shown->second, value);
  }
  return {};
}

/// When a repository's events begin to count. A first complete reading must not take for ever.
UnixMillis Oracle::counts_since(const std::string& key, UnixMillis created_at) const {
  if (!came_in_first(key)) return UnixMillis::min();
  if (rules_.counts_history && created_at < start_) return UnixMillis::min();
  const auto whole = milestones_.read_whole.find(key);
  const auto read = first_read_.find(key);
  if (read == first_read_.end()) return UnixMillis::max();
  const UnixMillis latest = read->second + kFirstReadingMax;
  return whole == milestones_.read_whole.end() ? latest : std::min(whole->second, latest);
}

/// It was not listed, or not to be trusted, when it came, and now no sweep goes down to it.
bool Oracle::may_have_sunk(const simulator::Absence& absence, UnixMillis placed_at,
                           UnixMillis now) const {
  const bool was_away = absence.from != simulator::Life::max();
  return (was_away || rules_.lists_lie) && placed_at < now - rules_.lookback;
}

Oracle::Counts Oracle::listed_syncs(const AcrRepository& repository, UnixMillis since,
                                    UnixMillis now) const {
  Counts counts;
  std::size_t row = 0;
  for (const simulator::SyncTask* task : world_.listed_syncs()) {
    const bool readable = can_be_read(world_.options().lasting, row++, task->tag);
    const bool is_its =
        task->repo_namespace == repository.repo_namespace && task->repo == repository.name;
    if (!is_its || !readable || !task->ended_at || task->over_at <= since) continue;
    if (may_have_sunk(task->absence, task->created_at, now)) continue;
    ++counts.by_outcome[task->end];
  }
  return counts;
}

Oracle::Counts Oracle::listed_builds(const AcrRepository& repository, UnixMillis since,
                                     UnixMillis now) const {
  Counts counts;
  std::size_t row = 0;
  for (const simulator::Build* build : world_.listed(repository)) {
    const bool counts_here = can_be_read(world_.options().lasting, row++, build->tag) &&
                             build->ended_at && build->over_at > since &&
                             !may_have_sunk(build->absence, build->started_at, now);
    if (counts_here) ++counts.by_outcome[static_cast<std::size_t>(build->end)];
  }
  return counts;
}

Oracle::Counts Oracle::listed_deletions(const SwrRepository& repository, UnixMillis since,
                                        UnixMillis now) const {
  Counts counts;
  std::size_t row = 0;
  for (const simulator::Deletion* deletion : world_.listed(repository)) {
    const auto placed_at = std::chrono::floor<Millis>(deletion->created_at);
    if (can_be_read(world_.options().lasting, row++, deletion->tag) && placed_at > since &&
        !may_have_sunk(deletion->absence, placed_at, now)) {
      ++counts.by_outcome[template_of(repository, *deletion)];
    }
  }
  return counts;
}

std::string Oracle::missing(const Series& series, UnixMillis now) const {
  std::map<std::string, std::uint64_t> deficit;
  std::map<std::string, std::string> in_detail;
  const auto compare = [&](const std::string& key, const Counts& counts, UnixMillis since,
                           bool of_syncs = false) {
    for (std::size_t i = 0; i < counts.by_outcome.size(); ++i) {
      if (key.starts_with("swr") && i == kTemplates.size()) break;
      const std::string name = of_syncs ? syncs_series(key, i) : events_series(key, i);
      const auto least = static_cast<double>(counts.by_outcome[i]);
      const double shown = value_of(series, name);
      if (shown >= least) continue;
      deficit[registry_of(key)] += static_cast<std::uint64_t>(least - shown);
      in_detail[registry_of(key)] += in_words("; never counted", name, shown, least);
      const Millis after = std::max(since, start_) - start_;
      in_detail[registry_of(key)] += " since " + std::to_string(after.count()) + " ms";
    }
  };
  for (const AcrRepository& repository : world_.acr()) {
    if (!repository.former_names.empty()) continue;
    if (world_.options().lasting.breaks_repository(repository.index)) continue;
    const UnixMillis since = counts_since(key_of(repository), repository.created_at);
    compare(key_of(repository), listed_builds(repository, since, now), since);
    if (!streams_.acr_syncs) continue;
    const auto whole = milestones_.read_whole.find("acr /");
    const UnixMillis syncs_since = rules_.counts_history                   ? UnixMillis::min()
                                   : whole == milestones_.read_whole.end() ? UnixMillis::max()
                                                                           : whole->second;
    compare(key_of(repository), listed_syncs(repository, syncs_since, now), syncs_since, true);
  }
  for (const SwrRepository& repository : world_.swr()) {
    if (world_.options().lasting.breaks_repository(repository.index)) continue;
    const UnixMillis since = counts_since(key_of(repository), repository.created_at);
    compare(key_of(repository), listed_deletions(repository, since, now), since);
  }
  for (const auto& [registry, events] : deficit) {
    const double late = value_of(
        series, "registry_exporter_records_total{registry=\"" + registry + "\",class=\"late\"}");
    if (static_cast<double>(events) <= late) continue;
    return std::to_string(events) + " missing, " + std::to_string(std::llround(late)) + " late" +
           in_detail[registry];
  }
  if (std::string wrong = others_.missing(series, milestones_, now); !wrong.empty()) return wrong;
  return without_histogram(series, now);
}

/// Whether such builds ever counted or not.
std::string Oracle::without_histogram(const Series& series, UnixMillis now) const {
  for (const AcrRepository& repository : world_.acr()) {
    if (!repository.former_names.empty()) continue;
    if (world_.options().lasting.breaks_repository(repository.index)) continue;
    std::size_t row = 0;
    for (const simulator::Build* build : world_.listed(repository)) {
      const bool readable = can_be_read(world_.options().lasting, row++, build->tag);
      if (!readable || !build->ended_at) continue;
      if (may_have_sunk(build->absence, build->started_at, now)) continue;
      std::string name = events_series(key_of(repository), static_cast<std::size_t>(build->end));
      name.replace(0, name.find('{'), "acr_build_duration_seconds_count");
      if (!series.values.contains(name)) return "no histogram: " + name;
    }
  }
  return {};
}

}  // namespace registry_exporter
