#include "tests/alerts/diary.h"

#include <chrono>

#include "tests/simulator/ee_world.h"

namespace registry_exporter {
namespace {

using simulator::SyncTask;

template <class Time>
double unix_seconds(Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

double in_seconds(Millis span) { return std::chrono::duration<double>(span).count(); }

constexpr std::array kSyncs = {"acr_syncs", "swr_syncs"};

}  // namespace

void Diary::remember(const simulator::World& world) {
  for (const auto& repository : world.acr()) {
    auto& known = builds_[repository.index];
    for (std::size_t i = 0; i < repository.builds.size(); ++i) {
      const auto& build = repository.builds[i];
      if (!build.ended_at) continue;
      const Ended ended{unix_seconds(*build.ended_at), static_cast<int>(build.end),
                        in_seconds(build.span)};
      known.emplace(repository.trimmed + i, ended);
    }
  }
  for (const auto& repository : world.swr()) {
    auto& known = deletions_[repository.index];
    for (const auto& deletion : repository.deletions) {
      known[deletion.id] = {unix_seconds(deletion.created_at),
                            repository.rules[deletion.rule].rule_template};
    }
  }
  remember_syncs(world.syncs(), 0);
  remember_syncs(world.swr_syncs(), 1);
  remember_executions(world);
}

void Diary::remember_syncs(const simulator::SyncTasks& syncs, std::size_t cloud) {
  for (const SyncTask& task : syncs.all()) {
    Ended& ended = syncs_[cloud][task.owner][task.tag];
    ended = {unix_seconds(task.created_at + task.span), -1, in_seconds(task.span)};
    if (!task.ended_at) continue;
    ended.at = unix_seconds(*task.ended_at);
    ended.end = static_cast<int>(task.end);
  }
}

void Diary::remember_executions(const simulator::World& world) {
  const auto note = [](EndedByNumber& known, const simulator::EeRun& run) {
    if (!run.ended_at) return;
    known[static_cast<std::uint64_t>(run.id)] = {unix_seconds(*run.ended_at),
                                                 static_cast<int>(run.end), in_seconds(run.span)};
  };
  for (const auto& space : world.ee().namespaces()) {
    for (const auto& execution : space.executions) note(retentions_[space.name], execution.run);
  }
  for (const auto* execution : world.ee().listed_replications()) {
    note(replications_[execution->policy_id], execution->run);
  }
}

nlohmann::json Diary::told(const EndedByNumber& ended, double since) {
  nlohmann::json all = nlohmann::json::array();
  for (const auto& [number, each] : ended) {
    if (each.at >= since) all.push_back({each.at, each.end, each.span});
  }
  return all;
}

void Diary::tell_repositories(const simulator::World& world, nlohmann::json& truth) const {
  for (const auto& repository : world.acr()) {
    truth["acr"].push_back({{"name", repository.repo_namespace + "/" + repository.name},
                            {"index", repository.index},
                            {"builds", told(builds_.at(repository.index))}});
  }
  for (const auto& repository : world.swr()) {
    nlohmann::json deletions = nlohmann::json::array();
    for (const auto& [id, each] : deletions_.at(repository.index))
      deletions.push_back({each.at, each.rule_template});
    truth["swr"].push_back({{"name", repository.repo_namespace + "/" + repository.name},
                            {"index", repository.index},
                            {"pushed", repository.pushed},
                            {"has_rule", !repository.rules.empty()},
                            {"deletions", std::move(deletions)}});
  }
}

/// Of repositories that are made while the world goes on, what ended before is history.
void Diary::tell_syncs(const simulator::World& world, std::size_t cloud,
                       nlohmann::json& truth) const {
  std::map<std::string, double> made_at;
  if (cloud == 0) {
    for (const auto& each : world.acr())
      made_at[each.repo_namespace + "/" + each.name] = unix_seconds(each.created_at);
  } else {
    for (const auto& each : world.swr())
      made_at[each.repo_namespace + "/" + each.name] = unix_seconds(each.created_at);
  }
  const simulator::SyncTasks& syncs = cloud == 0 ? world.syncs() : world.swr_syncs();
  for (const auto& [owner, ended] : syncs_[cloud]) {
    const std::string name = syncs.owners()[owner].first + "/" + syncs.owners()[owner].second;
    const auto made = made_at.find(name);
    if (made == made_at.end()) continue;
    truth[kSyncs[cloud]].push_back(
        {{"name", name}, {"index", owner}, {"syncs", told(ended, made->second)}});
  }
}

void Diary::tell_executions(const simulator::World& world, nlohmann::json& truth) const {
  const auto tell_one = [&truth](const char* kind, const std::string& name, std::size_t index,
                                 const auto& all, const auto& key) {
    const auto found = all.find(key);
    truth[kind].push_back(
        {{"name", name},
         {"index", index},
         {"executions", told(found == all.end() ? EndedByNumber{} : found->second)}});
  };
  const auto& namespaces = world.ee().namespaces();
  for (std::size_t i = 0; i < namespaces.size(); ++i)
    tell_one("retentions", namespaces[i].name, i, retentions_, namespaces[i].name);
  const auto& policies = world.ee().replication_policies();
  for (std::size_t i = 0; i < policies.size(); ++i)
    tell_one("replications", policies[i].name, i, replications_, policies[i].id);
}

void Diary::tell(const simulator::World& world, nlohmann::json& truth) const {
  tell_repositories(world, truth);
  for (std::size_t cloud = 0; cloud < syncs_.size(); ++cloud) tell_syncs(world, cloud, truth);
  tell_executions(world, truth);
}

}  // namespace registry_exporter
