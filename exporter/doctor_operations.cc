#include "exporter/doctor_operations.h"

#include <span>

#include "exporter/cloud/credentials.h"

namespace registry_exporter {
namespace {

using Need = Operation::Need;

constexpr Operation kAcrOperations[] = {
    {"ListRepository", "cr:ListRepository"},
    {"ListNamespace", "cr:ListNamespace", Need::fallback},
    {"ListRepoBuildRecord", "cr:ListRepositoryBuild", Need::always, Service::registry,
     config::Collected::builds},
    {"GetRepoBuildRecord", "cr:GetRepositoryBuildRecord", Need::always, Service::registry,
     config::Collected::builds},
    {"ListRepoSyncTask", "cr:GetRepositorySync", Need::always, Service::registry,
     config::Collected::syncs},
    {"ListEventCenterRecord", "cr:ListEventCenterRecord", Need::optional},
    {"GetRepository", "cr:GetRepository", Need::sometimes},
    {"AssumeRole", "sts:AssumeRole", Need::sometimes, Service::sts},
    {"AssumeRoleWithOIDC", "", Need::sometimes, Service::sts},
};
constexpr Operation kSwrEeOperations[] = {
    {"ListInstance", "swr:instance:list", Need::sometimes},
    {"ListInstanceRepositories", "swr:repository:list", Need::always, Service::registry,
     config::Collected::retentions},
    {"ListInstanceRetentionPolicies", "swr:repository:listRetentionPolicies", Need::always,
     Service::registry, config::Collected::retentions},
    {"ListInstanceRetentionPolicyExecutions", "swr:repository:listRetentionPolicyExecutions",
     Need::sometimes, Service::registry, config::Collected::retentions},
    {"ListInstanceRetentionPolicyExecTasks", "swr:repository:listRetentionPolicyExecTasks",
     Need::sometimes, Service::registry, config::Collected::retentions},
    {"ListInstanceReplicationPolicies", "swr:instance:listReplicationPolicies", Need::always,
     Service::registry, config::Collected::replications},
    {"ListInstanceReplicationPolicyExecutions", "swr:instance:listReplicationPolicyExecutions",
     Need::always, Service::registry, config::Collected::replications},
};
constexpr Operation kSwrOperations[] = {
    {"ListReposDetails", "swr:repo:listRepos"},
    {"ListNamespaces", "swr:namespace:listNamespaces", Need::fallback},
    {"ListRetentionHistories", "swr:repo:listRetentionHistories", Need::always, Service::registry,
     config::Collected::deletions},
    {"ListRetentions", "swr:repo:listRetentions", Need::sometimes, Service::registry,
     config::Collected::deletions},
    {"ShowSyncJob", "swr:repo:getSyncRepoJobInfo", Need::always, Service::registry,
     config::Collected::syncs},
};
/// Of both editions.
constexpr Operation kSwrKeyOperations[] = {
    {"CreateToken", "", Need::sometimes, Service::iam},
    {"CreateTokenWithIdToken", "", Need::sometimes, Service::iam},
    {"CreateTemporaryAccessKeyByToken", "", Need::sometimes, Service::iam},
    {"CreateTemporaryAccessKeyByAgency", "iam:agencies:assume", Need::sometimes, Service::iam},
    {"AssumeAgency", "sts:agencies:assume", Need::sometimes, Service::sts},
    {"AssumeAgencyWithOIDC", "", Need::sometimes, Service::sts},
    {"KeystoneListProjects", "iam:projects:listProjects", Need::sometimes, Service::iam},
};

std::string quoted(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "\"" : ",\"") + word + "\"";
  return text;
}

}  // namespace

std::string Exam::outcome_of(std::string_view operation) const {
  if (made_up_record && operation == "GetRepoBuildRecord") return "ok";
  const auto outcome = outcomes.find(std::string(operation));
  return outcome == outcomes.end() ? "" : outcome->second;
}

std::vector<Operation> operations_of(const Exam& exam) {
  std::vector<Operation> used;
  const auto add = [&](std::span<const Operation> operations) {
    for (const Operation& each : operations) {
      if (!each.of || exam.registry.collects(*each.of)) used.push_back(each);
    }
  };
  if (exam.registry.is_acr()) {
    add(kAcrOperations);
    return used;
  }
  exam.registry.is_swr_ee() ? add(kSwrEeOperations) : add(kSwrOperations);
  add(kSwrKeyOperations);
  return used;
}

Service service_of(const Exam& exam, std::string_view operation) {
  if (operation == cloud::kInstanceMetadata) return Service::instance_metadata;
  if (operation == cloud::kPodIdentity) return Service::pod_identity;
  if (operation == cloud::kCredentialsUri) return Service::credentials_uri;
  for (const Operation& each : operations_of(exam)) {
    if (operation == each.name) return each.service;
  }
  return Service::registry;
}

std::vector<std::string> missing_actions(const Exam& exam) {
  std::vector<std::string> actions;
  for (const Operation& operation : operations_of(exam)) {
    const bool denied = operation.need != Need::optional &&
                        exam.outcome_of(operation.name) == name(ErrorKind::forbidden);
    if (denied && *operation.action != '\0') actions.emplace_back(operation.action);
  }
  return actions;
}

std::string policy_for(const Exam& exam, const std::vector<std::string>& actions) {
  if (!exam.registry.is_acr()) {
    return R"({"Version":"5.0","Statement":[{"Effect":"Allow","Action":[)" + quoted(actions) +
           "]}]}";
  }
  const std::string resource =
      "acs:cr:*:*:repository/" + std::get<config::AcrConfig>(exam.registry.cloud).instance_id;
  return R"({"Version":"1","Statement":[{"Effect":"Allow","Action":[)" + quoted(actions) +
         R"(],"Resource":[)" + quoted({resource, resource + "/*"}) + "]}]}";
}

}  // namespace registry_exporter
