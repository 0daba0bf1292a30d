#include "exporter/swr_ee/instance_cloud.h"

#include <algorithm>

#include "exporter/base/check.h"
#include "exporter/swr_ee/whole_list.h"

namespace registry_exporter::swr_ee {
namespace {

/// For so long after its end an execution waits for tasks that are listed as under way, and for its
/// policy to be listed. One that tells no end, or one that lies ahead, has ended when it was asked
/// for first.
constexpr std::chrono::hours kTasksSettleMax{1};
/// A single answer may be wrong, however long ago the execution ended.
constexpr std::chrono::minutes kAskedMin{10};

Outcome outcome_of(RunEnd end) {
  switch (end) {
    case RunEnd::success:
      return Outcome::success;
    case RunEnd::failed:
      return Outcome::failed;
    case RunEnd::stopped:
      return Outcome::stopped;
    case RunEnd::other:
      break;
  }
  return Outcome::other;
}

Record record_of(const Run& run) {
  Record record;
  record.id = run.id;
  record.key = record_key(run.id);
  record.started_at = run.started_at;
  record.ended_at = run.ended_at;
  record.open = !run.end;
  if (run.end) record.outcome = outcome_of(*run.end);
  return record;
}

Record record_of(const RetentionExecution& execution) {
  Record record = record_of(execution.run);
  record.needs_details = !record.open && execution.dry_run == false;
  return record;
}

Record record_of(const ReplicationExecution& execution, const RepositoryRef& owner) {
  Record record = record_of(execution.run);
  if (owner.name.empty()) return record;
  record.owner = owner;
  const auto add = [&](Outcome outcome, const std::optional<std::uint64_t>& amount) {
    if (!record.open && amount.value_or(0) > 0) record.parts.push_back({owner, outcome, *amount});
  };
  add(Outcome::success, execution.succeeded);
  add(Outcome::failed, execution.failed);
  add(Outcome::stopped, execution.stopped);
  return record;
}

template <class Item, class Read>
Page page_of(cloud::Answer<ListPage<Item>>& answer, const Read& read) {
  Page page;
  page.rows = answer.value.rows;
  page.total = answer.value.total;
  page.rejected = std::move(answer.value.rejected);
  page.unknown_statuses = std::move(answer.value.unknown_statuses);
  page.server_time = answer.server_time;
  for (const Item& item : answer.value.items) page.records.push_back(read(item));
  return page;
}

/// The policy of a namespace's list.
RetentionPolicy policy_of(const ListRef& list) {
  RetentionPolicy policy;
  policy.id = list.of.cloud_id;
  policy.repo_namespace = list.of.repo_namespace;
  return policy;
}

}  // namespace

InstanceCloud::InstanceCloud(Runtime runtime, net::HttpTransport& transport, CallObserver& observer,
                             const config::RegistryConfig& config)
    : runtime_(runtime),
      retentions_(config.collects(config::Collected::retentions)),
      replications_(config.collects(config::Collected::replications)),
      client_(runtime, transport, observer, config,
              {std::get<config::SwrConfig>(config.cloud).instance_id,
               std::get<config::SwrConfig>(config.cloud).instance_name}) {}

Result<std::string> InstanceCloud::instance() {
  Result<std::string> found = client_.instance();
  if (!found || kept_to_.empty() || *found == kept_to_) return found;
  return fail(ErrorKind::invalid_config,
              "the instance is " + *found + ", but what was counted is of " + kept_to_ +
                  ": set instance_id to go on with that one, or another name for the registry");
}

// ── Discovery ────────────────────────────────────────────────────────────────────────────────────

Result<Discovery> InstanceCloud::discover(const PartFound&) {
  const Result<std::string> found = instance();
  if (!found) return tl::unexpected<Error>(found.error());
  Discovery discovery;
  discovery.project_id = *found;
  const Result<Done> retention = retentions_ ? list_retention(discovery) : Done{};
  const Result<Done> replication = replications_ ? list_replication(discovery) : Done{};
  if (!retention) discovery.part_failed = retention.error();
  if (!replication && !discovery.part_failed) discovery.part_failed = replication.error();
  const bool nothing = discovery.repositories.empty() && discovery.part_failed;
  if (nothing) return tl::unexpected<Error>(*discovery.part_failed);
  discovery.complete = !discovery.part_failed;
  discovery.server_time = server_time();
  return discovery;
}

/// Policies first: what they do shows in the repositories.
Result<Done> InstanceCloud::list_retention(Discovery& discovery) {
  const auto policies = client_.retention_policies();
  if (!policies) return tl::unexpected<Error>(policies.error());
  for (const RetentionPolicy& policy : *policies) {
    discovery.repositories.push_back({{policy.repo_namespace, "", policy.id}, {}, {}, {}, {}, {}});
    const MutexLock lock(mutex_);
    rules_[policy.id] = policy.rule;
  }
  auto repositories = client_.repositories();
  if (!repositories) return tl::unexpected<Error>(repositories.error());
  std::move(repositories->begin(), repositories->end(), std::back_inserter(discovery.repositories));
  return Done{};
}

Result<Done> InstanceCloud::list_replication(Discovery& discovery) {
  const auto policies = client_.replication_policies();
  if (!policies) return tl::unexpected<Error>(policies.error());
  remember(*policies);
  for (const ReplicationPolicy& policy : *policies) {
    discovery.repositories.push_back({{"", policy.name, policy.id}, {}, {}, {}, {}, {}});
  }
  return Done{};
}

void InstanceCloud::remember(const std::vector<ReplicationPolicy>& policies) {
  const MutexLock lock(mutex_);
  for (const ReplicationPolicy& policy : policies) policies_[policy.id] = policy.name;
}

// ── Executions ───────────────────────────────────────────────────────────────────────────────────

Result<Page> InstanceCloud::list_records(const ListRef& list, const PageRequest& page) {
  if (const auto found = instance(); !found) return tl::unexpected<Error>(found.error());
  if (list.kind == &kRetentions) {
    auto answer = client_.retention_executions(policy_of(list), page);
    if (!answer) return tl::unexpected<Error>(answer.error());
    return page_of(*answer, [](const RetentionExecution& each) { return record_of(each); });
  }
  CHECK_RULE(list.kind == &kReplications);
  auto answer = client_.replication_executions(page);
  if (!answer) return tl::unexpected<Error>(answer.error());
  const Result<Done> learned = learn_policies(answer->value.items);
  if (!learned) return tl::unexpected<Error>(learned.error());
  return page_of(*answer, [this](const ReplicationExecution& each) {
    return record_of(each, owner_of(each));
  });
}

bool InstanceCloud::know_policies_of(const std::vector<ReplicationExecution>& executions) const {
  const MutexLock lock(mutex_);
  for (const ReplicationExecution& each : executions) {
    if (!each.policy_id.empty() && !policies_.contains(each.policy_id)) return false;
  }
  return true;
}

/// A policy that is new since the last discovery is asked for once. One that is gone is known by
/// its id.
Result<Done> InstanceCloud::learn_policies(const std::vector<ReplicationExecution>& executions) {
  if (know_policies_of(executions)) return Done{};
  const auto policies = client_.replication_policies();
  if (!policies) return tl::unexpected<Error>(policies.error());
  remember(*policies);
  const MutexLock lock(mutex_);
  for (const ReplicationExecution& each : executions) {
    if (!each.policy_id.empty()) policies_.emplace(each.policy_id, each.policy_id);
  }
  return Done{};
}

RepositoryRef InstanceCloud::owner_of(const ReplicationExecution& execution) const {
  const MutexLock lock(mutex_);
  const auto known = policies_.find(execution.policy_id);
  if (known == policies_.end()) return {};
  return {"", known->second, execution.policy_id};
}

/// There is no operation that reads one execution.
Result<Record> InstanceCloud::read_record(const ListRef& list, const std::string& id) {
  if (list.kind != &kRetentions) {
    return fail(ErrorKind::bad_request, "SWR has no operation that reads one replication");
  }
  if (const auto found = instance(); !found) return tl::unexpected<Error>(found.error());
  const RetentionPolicy policy = policy_of(list);
  const auto executions = read_whole<RetentionExecution>(
      [&](const PageRequest& page) { return client_.retention_executions(policy, page); },
      [](const RetentionExecution& each) { return each.run.id; });
  if (!executions) return tl::unexpected<Error>(executions.error());
  const auto found = std::find_if(executions->begin(), executions->end(),
                                  [&](const auto& each) { return each.run.id == id; });
  if (found == executions->end()) {
    return fail(ErrorKind::not_found, "the policy does not list the execution " + id);
  }
  return with_details(policy, record_of(*found));
}

/// Of history there is much: rules are asked for once, by the discovery.
Result<Record> InstanceCloud::read_details(const ListRef& list, const Record& listed) {
  if (const auto found = instance(); !found) return tl::unexpected<Error>(found.error());
  const RetentionPolicy policy = policy_of(list);
  const std::optional<Outcome> known = known_rule_of(policy);
  return known ? with_details(policy, *known, listed) : with_details(policy, listed);
}

Result<Record> InstanceCloud::with_details(const RetentionPolicy& policy, const Record& record) {
  if (!record.needs_details) return record;
  const Result<std::optional<Outcome>> rule = rule_of(policy);
  if (!rule) return tl::unexpected<Error>(rule.error());
  return with_details(policy, *rule, record);
}

/// `rule`: nullopt where a list of policies lacks this one.
Result<Record> InstanceCloud::with_details(const RetentionPolicy& policy,
                                           std::optional<Outcome> rule, Record record) {
  const auto tasks = client_.retention_tasks(policy, record.id);
  if (!tasks) return tl::unexpected<Error>(tasks.error());
  const bool all_ended = std::all_of(tasks->begin(), tasks->end(),
                                     [](const auto& task) { return task.run.end.has_value(); });
  if (waits(all_ended && rule, record)) return record;
  for (const RetentionTask& task : *tasks) {
    const bool deleted = task.run.end == RunEnd::success && task.removed.value_or(0) > 0;
    if (!deleted || task.repository.empty()) continue;
    record.parts.push_back({{policy.repo_namespace, task.repository, ""},
                            rule.value_or(Outcome::other),
                            *task.removed});
  }
  record.needs_details = false;
  return record;
}

std::optional<Outcome> InstanceCloud::known_rule_of(const RetentionPolicy& policy) const {
  const MutexLock lock(mutex_);
  const auto known = rules_.find(policy.id);
  return known == rules_.end() ? std::nullopt : std::optional(known->second);
}

bool InstanceCloud::waits(bool all_told, const Record& record) {
  const UnixMillis now = server_time();
  const MutexLock lock(mutex_);
  const UnixMillis asked_first = asked_first_.emplace(record.id, now).first->second;
  const UnixMillis ended_at = std::min(record.ended_at.value_or(asked_first), asked_first);
  const bool may_settle =
      now < std::max<UnixMillis>(ended_at + kTasksSettleMax, asked_first + kAskedMin);
  const bool waits = !all_told && may_settle;
  if (!waits) asked_first_.erase(record.id);
  return waits;
}

UnixMillis InstanceCloud::server_time() const {
  return runtime_.clock.now() + client_.health().clock_offset.value_or(Millis{0});
}

/// What the policy's rules in force go by now. nullopt: a list that lacks the policy, though its
/// executions are there.
Result<std::optional<Outcome>> InstanceCloud::rule_of(const RetentionPolicy& policy) {
  const auto policies = client_.retention_policies();
  if (!policies) return tl::unexpected<Error>(policies.error());
  const auto found = std::find_if(policies->begin(), policies->end(),
                                  [&](const auto& each) { return each.id == policy.id; });
  return found == policies->end() ? std::nullopt : std::optional(found->rule);
}

Result<std::vector<RetentionRule>> InstanceCloud::retention_rules(const RepositoryRef&) {
  return std::vector<RetentionRule>{};
}

}  // namespace registry_exporter::swr_ee
