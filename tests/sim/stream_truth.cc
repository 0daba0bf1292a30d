#include "tests/sim/stream_truth.h"

#include <algorithm>

#include "tests/sim/readable.h"
#include "tests/sim/series_names.h"

namespace registry_exporter {
namespace {

using simulator::EeNamespace;
using simulator::EeReplication;
using simulator::EeReplicationPolicy;
using simulator::EeRepository;
using simulator::EeRetention;
using simulator::EeRun;
using simulator::EeWorld;
using simulator::World;

template <std::size_t N>
std::vector<std::uint64_t> counts(const std::array<std::uint64_t, N>& of) {
  return {of.begin(), of.end()};
}

void note(StreamTruth& truth, const simulator::Absence& absence, std::size_t outcome,
          std::uint64_t amount) {
  truth.flickering.resize(truth.happened.size());
  if (absence.from != simulator::Life::max()) truth.flickering[outcome] += amount;
}

// ── SWR's synchronisations ───────────────────────────────────────────────────────────────────────

const simulator::SwrRepository* find(const World& world, const RepositoryRef& ref) {
  return world.find_swr(ref.repo_namespace, ref.name);
}

std::vector<TrueEvent> listed_syncs(const World& world, const simulator::SwrRepository& of) {
  std::vector<TrueEvent> events;
  std::size_t row = 0;
  for (const simulator::SyncTask* task : world.listed_syncs(of)) {
    const bool readable = can_be_read(world.options().lasting, row++, task->tag);
    if (!task->ended_at) continue;
    events.push_back({task->end, 1, task->over_at, task->created_at, task->absence, readable});
  }
  return events;
}

/// When the first of that name was made.
UnixMillis first_created(const World& world, const simulator::SwrRepository& repository) {
  UnixMillis first = repository.created_at;
  for (const simulator::SwrRepository& gone : world.gone_swr()) {
    const bool same =
        gone.repo_namespace == repository.repo_namespace && gone.name == repository.name;
    if (same) first = std::min(first, gone.created_at);
  }
  return first;
}

/// A repository's jobs are those of its name, whoever bears it.
void add_swr_syncs(const World& world, std::vector<StreamTruth>& truths) {
  for (const auto& [repo_namespace, name] : world.swr_syncs().owners()) {
    StreamTruth truth;
    truth.registry = kSwrName;
    truth.kind = &kSwrSyncs;
    truth.owner = {repo_namespace, name, ""};
    truth.list = list_key(kSwrName, kSwrSyncs, truth.owner);
    truth.happened = counts(world.swr_syncs().counts_of(repo_namespace, name).finished);
    const auto* const repository = find(world, truth.owner);
    for (const simulator::SyncTask& task : world.swr_syncs().all()) {
      const bool is_its = task.repo_namespace == repo_namespace && task.repo == name;
      if (is_its && task.ended_at) note(truth, task.absence, task.end, 1);
    }
    truth.exists = truth.list_exists = repository != nullptr;
    if (repository != nullptr) {
      truth.created_at = truth.list_created_at = first_created(world, *repository);
      truth.can_be_read = !world.options().lasting.breaks_repository(repository->index);
      truth.listed = listed_syncs(world, *repository);
    }
    truths.push_back(std::move(truth));
  }
}

// ── SWR Enterprise Edition ───────────────────────────────────────────────────────────────────────

/// No row of these lists is refused for good.
TrueEvent event_of(const EeRun& run, std::size_t outcome, std::uint64_t amount) {
  return {outcome, amount, run.over_at, run.started_at, run.absence, true};
}

/// Tags that it deleted from a repository of its namespace.
std::uint64_t removed_by(const EeRetention& retention, std::uint32_t repository) {
  std::uint64_t removed = 0;
  for (const simulator::EeTask& task : retention.tasks) {
    const bool counts = task.repository == repository && task.end == simulator::RunEnd::success;
    if (counts && !retention.dry_run) removed += task.total - task.retained;
  }
  return removed;
}

void add_executions(const World& world, const EeNamespace& space,
                    std::vector<StreamTruth>& truths) {
  StreamTruth truth;
  truth.registry = kEeName;
  truth.kind = &kRetentions;
  truth.owner = {space.name, "", ""};
  truth.list = list_key(kEeName, kRetentions, truth.owner);
  truth.list_exists = space.policy_id != 0;
  // Its series go with the policy, and are back only when the next one has been discovered.
  truth.exists = truth.list_exists && !space.had_no_policy;
  truth.created_at = truth.list_created_at = space.policy_since;
  truth.happened = counts(space.ended);
  for (const EeRetention& each : space.executions) {
    if (each.run.ended_at) {
      note(truth, each.run.absence, static_cast<std::size_t>(each.run.end), 1);
    }
  }
  for (const EeRetention* each : world.ee().listed(space)) {
    if (!each->run.ended_at) continue;
    truth.listed.push_back(event_of(each->run, static_cast<std::size_t>(each->run.end), 1));
  }
  truths.push_back(std::move(truth));
}

void add_deletions(const World& world, const EeNamespace& space, std::uint32_t index,
                   std::vector<StreamTruth>& truths) {
  const EeRepository& repository = space.repositories[index];
  StreamTruth truth;
  truth.registry = kEeName;
  truth.kind = &kRetentionDeletions;
  truth.owner = {space.name, repository.name, ""};
  truth.list = list_key(kEeName, kRetentions, {space.name, "", ""});
  truth.list_exists = space.policy_id != 0;
  truth.created_at = repository.created_at;
  truth.list_created_at = space.policy_since;
  truth.happened = counts(repository.deleted_by);
  for (const EeRetention& each : space.executions) {
    if (each.run.ended_at) {
      note(truth, each.run.absence, rule_index(space), removed_by(each, index));
    }
  }
  for (const EeRetention* each : world.ee().listed(space)) {
    if (!each->run.ended_at) continue;
    truth.listed.push_back(event_of(each->run, rule_index(space), removed_by(*each, index)));
  }
  truths.push_back(std::move(truth));
}

void add_replications(const World& world, const EeReplicationPolicy& policy,
                      std::vector<StreamTruth>& truths) {
  StreamTruth executions;
  executions.registry = kEeName;
  executions.kind = &kReplications;
  executions.owner = {"", policy.name, ""};
  executions.list = list_key(kEeName, kReplications, {});
  // With the instance.
  executions.created_at = executions.list_created_at = UnixMillis::min();
  StreamTruth artifacts = executions;
  artifacts.kind = &kReplicatedArtifacts;
  executions.happened = counts(policy.ended);
  artifacts.happened = counts(policy.artifacts);
  for (const EeReplication& each : world.ee().replications()) {
    if (each.policy_id != policy.id || !each.run.ended_at) continue;
    note(executions, each.run.absence, static_cast<std::size_t>(each.run.end), 1);
    for (std::size_t i = 0; i < each.artifacts.size(); ++i) {
      note(artifacts, each.run.absence, i, each.artifacts[i]);
    }
  }
  for (const EeReplication* each : world.ee().listed_replications()) {
    if (each->policy_id != policy.id || !each->run.ended_at) continue;
    executions.listed.push_back(event_of(each->run, static_cast<std::size_t>(each->run.end), 1));
    for (std::size_t i = 0; i < each->artifacts.size(); ++i) {
      artifacts.listed.push_back(event_of(each->run, i, each->artifacts[i]));
    }
  }
  truths.push_back(std::move(executions));
  truths.push_back(std::move(artifacts));
}

void add_enterprise(const World& world, std::vector<StreamTruth>& truths) {
  for (const EeNamespace& space : world.ee().namespaces()) {
    add_executions(world, space, truths);
    for (std::uint32_t i = 0; i < space.repositories.size(); ++i) {
      add_deletions(world, space, i, truths);
    }
  }
  for (const EeReplicationPolicy& policy : world.ee().replication_policies()) {
    add_replications(world, policy, truths);
  }
}

}  // namespace

std::vector<StreamTruth> truths_of(const World& world, const OtherStreams& streams) {
  std::vector<StreamTruth> truths;
  if (streams.swr_syncs) add_swr_syncs(world, truths);
  if (streams.enterprise) add_enterprise(world, truths);
  return truths;
}

}  // namespace registry_exporter
