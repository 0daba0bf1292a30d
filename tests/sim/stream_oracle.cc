#include "tests/sim/stream_oracle.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/sim/series_names.h"

namespace registry_exporter {
namespace {

std::string events_series(const StreamTruth& truth, std::size_t outcome) {
  return series_names(truth.registry, *truth.kind, truth.owner, truth.kind->outcomes[outcome])
      .events;
}

std::string key_of(const StreamTruth& truth) { return owner_key(truth.registry, truth.owner); }

double value_of(const Series& series, const std::string& name) {
  const auto found = series.values.find(name);
  return found == series.values.end() ? 0 : found->second;
}

std::string in_words(const char* what, const std::string& series, double shown,
                     std::uint64_t should) {
  return std::string(what) + ": " + series + " is " + std::to_string(std::llround(shown)) +
         ", not " + std::to_string(should);
}

double late_records(const Series& series, const std::string& registry) {
  return value_of(series,
                  "registry_exporter_records_total{registry=\"" + registry + "\",class=\"late\"}");
}

/// The most that so many of the records can have added.
std::uint64_t most_of(const StreamTruth& truth, double records) {
  std::vector<std::uint64_t> amounts;
  for (const TrueEvent& event : truth.listed) amounts.push_back(event.amount);
  std::sort(amounts.rbegin(), amounts.rend());
  amounts.resize(std::min(amounts.size(), static_cast<std::size_t>(records)));
  return std::accumulate(amounts.begin(), amounts.end(), std::uint64_t{0});
}

bool is_there(const simulator::Absence& absence) { return absence.from == simulator::Life::max(); }

}  // namespace

StreamOracle::StreamOracle(const simulator::World& world, const OracleRules& rules,
                           OtherStreams streams, UnixMillis start)
    : world_(world), rules_(rules), streams_(streams), start_(start) {
  if (rules_.counts_history || rules_.lists_lie) return;
  for (const StreamTruth& truth : truths_of(world_, streams_)) {
    if (!truth.list_exists) continue;
    for (std::size_t i = 0; i < truth.flickering.size(); ++i) {
      before_start_[events_series(truth, i)] = truth.happened[i] - truth.flickering[i];
    }
  }
}

std::string StreamOracle::invented(const Series& series) const {
  for (const StreamTruth& truth : truths_of(world_, streams_)) {
    for (std::size_t i = 0; i < truth.happened.size(); ++i) {
      const std::string name = events_series(truth, i);
      const auto before = before_start_.find(name);
      const std::uint64_t most =
          truth.happened[i] - (before == before_start_.end() ? 0 : before->second);
      const double shown = value_of(series, name);
      if (shown > static_cast<double>(most)) return in_words("invented", name, shown, most);
    }
  }
  return {};
}

bool StreamOracle::came_in_first(const std::string& owner, const Milestones& milestones) const {
  const auto truths = truths_of(world_, streams_);
  return std::any_of(truths.begin(), truths.end(), [&](const StreamTruth& truth) {
    return key_of(truth) == owner && milestones.before_discovery(truth.registry, truth.created_at);
  });
}

bool StreamOracle::exists(const std::string& owner) const {
  const auto truths = truths_of(world_, streams_);
  return std::any_of(truths.begin(), truths.end(), [&](const StreamTruth& truth) {
    return truth.exists && key_of(truth) == owner;
  });
}

/// When a list's records begin to count.
UnixMillis StreamOracle::counts_since(const StreamTruth& truth,
                                      const Milestones& milestones) const {
  const bool first = milestones.before_discovery(truth.registry, truth.list_created_at);
  if (!first) return UnixMillis::min();
  if (rules_.counts_history && truth.list_created_at < start_) return UnixMillis::min();
  const auto whole = milestones.read_whole.find(truth.list);
  return whole == milestones.read_whole.end() ? UnixMillis::max() : whole->second;
}

/// It was not listed, or not to be trusted, when it came, and now no sweep goes down to it.
bool StreamOracle::may_have_sunk(const TrueEvent& event, UnixMillis now) const {
  return (!is_there(event.absence) || rules_.lists_lie) && event.placed_at < now - rules_.lookback;
}

std::vector<std::uint64_t> StreamOracle::due(const StreamTruth& truth, UnixMillis since,
                                             UnixMillis now) const {
  std::vector<std::uint64_t> counts(truth.happened.size());
  for (const TrueEvent& event : truth.listed) {
    const bool counts_here =
        event.can_be_read && event.over_at > since && !may_have_sunk(event, now);
    if (counts_here) counts[event.outcome] += event.amount;
  }
  return counts;
}

std::string StreamOracle::missing(const Series& series, const Milestones& milestones,
                                  UnixMillis now) const {
  std::map<std::string, Deficit> by_list;
  std::map<std::string, std::uint64_t> by_registry;
  for (const StreamTruth& truth : truths_of(world_, streams_)) {
    if (!truth.list_exists || !truth.can_be_read) continue;
    const UnixMillis since = counts_since(truth, milestones);
    if (since == UnixMillis::max()) return "never read whole: " + truth.list;
    const auto least = due(truth, since, now);
    Deficit& deficit = by_list[truth.list];
    for (std::size_t i = 0; i < least.size(); ++i) {
      const std::string name = events_series(truth, i);
      const double shown = value_of(series, name);
      if (shown >= static_cast<double>(least[i])) continue;
      const std::uint64_t lacks = least[i] - static_cast<std::uint64_t>(shown);
      const bool is_part = truth.kind->scope == ListScope::none;
      (is_part ? deficit.parts : deficit.events) += lacks;
      if (!is_part) by_registry[truth.registry] += lacks;
      const Millis after = std::max(since, start_) - start_;
      deficit.in_words += in_words("; never counted", name, shown, least[i]) + " since " +
                          std::to_string(after.count()) + " ms";
    }
    if (truth.kind->scope == ListScope::none) {
      deficit.parts_of_late += most_of(truth, late_records(series, truth.registry));
    }
    if (std::string wrong = without_histogram(truth, series, now); !wrong.empty()) return wrong;
  }
  for (const auto& [list, deficit] : by_list) {
    const std::string registry = registry_of(list);
    const double late = late_records(series, registry);
    // Executions that were counted and are no longer listed hide that a late one was not.
    const bool excused = static_cast<double>(by_registry[registry]) <= late &&
                         deficit.parts <= deficit.parts_of_late;
    if (deficit.in_words.empty() || excused) continue;
    return "missing, with " + std::to_string(std::llround(late)) + " late" + deficit.in_words;
  }
  return {};
}

/// Whether such records ever counted or not.
std::string StreamOracle::without_histogram(const StreamTruth& truth, const Series& series,
                                            UnixMillis now) const {
  if (!truth.kind->has_durations) return {};
  for (const TrueEvent& event : truth.listed) {
    if (!event.can_be_read || may_have_sunk(event, now)) continue;
    const std::string name =
        series_names(truth.registry, *truth.kind, truth.owner, truth.kind->outcomes[event.outcome])
            .durations;
    if (!series.values.contains(name)) return "no histogram: " + name;
  }
  return {};
}

}  // namespace registry_exporter
