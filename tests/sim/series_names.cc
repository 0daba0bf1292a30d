#include "tests/sim/series_names.h"

#include "tests/sim/exposition_reader.h"

namespace registry_exporter {
namespace {

struct Families {
  const StreamKind* kind;
  const char* events;
  const char* durations;  ///< "" where there are none.
  const char* label;      ///< That tells the outcome.
};

constexpr Families kFamilies[] = {
    {&kBuilds, "acr_builds_total", "acr_build_duration_seconds", "status"},
    {&kAcrSyncs, "acr_syncs_total", "acr_sync_duration_seconds", "status"},
    {&kDeletions, "swr_retention_deletions_total", "", "template"},
    {&kSwrSyncs, "swr_syncs_total", "swr_sync_duration_seconds", "status"},
    {&kRetentions, "swr_retention_executions_total", "swr_retention_execution_duration_seconds",
     "status"},
    {&kRetentionDeletions, "swr_retention_deletions_total", "", "template"},
    {&kReplications, "swr_replication_executions_total",
     "swr_replication_execution_duration_seconds", "status"},
    {&kReplicatedArtifacts, "swr_replicated_artifacts_total", "", "result"},
};

const Families& families_of(const StreamKind& kind) {
  for (const Families& each : kFamilies) {
    if (each.kind->number == kind.number) return each;
  }
  return kFamilies[0];
}

std::string labels_of(const std::string& registry, const StreamKind& kind,
                      const RepositoryRef& owner) {
  std::string labels = "registry=\"" + registry + "\",";
  if (kind.owner == OwnerType::policy) return labels + "policy=\"" + owner.name + "\",";
  labels += "repo_namespace=\"" + owner.repo_namespace + "\",";
  if (kind.owner == OwnerType::repo_namespace) return labels;
  return labels + "repo=\"" + owner.name + "\",";
}

}  // namespace

SeriesNames series_names(const std::string& registry, const StreamKind& kind,
                         const RepositoryRef& owner, Outcome outcome) {
  const Families& families = families_of(kind);
  const std::string labels = "{" + labels_of(registry, kind, owner) + families.label + "=\"" +
                             std::string(name(outcome)) + "\"}";
  SeriesNames names;
  names.events = families.events + labels;
  if (*families.durations != 0) names.durations = families.durations + ("_count" + labels);
  return names;
}

std::string owner_key(std::string_view registry, std::string_view repo_namespace,
                      std::string_view name) {
  return std::string(registry) + " " + std::string(repo_namespace) + "/" + std::string(name);
}

std::string owner_key(std::string_view registry, const RepositoryRef& owner) {
  return owner_key(registry, owner.repo_namespace, owner.name);
}

std::string owner_key(std::string_view series) {
  const std::string_view policy = label(series, "policy");
  const std::string_view name = policy.empty() ? label(series, "repo") : policy;
  return owner_key(label(series, "registry"), label(series, "repo_namespace"), name);
}

std::string registry_of(const std::string& owner_key) {
  return owner_key.substr(0, owner_key.find(' '));
}

std::string list_key(std::string_view registry, const StreamKind& kind,
                     const RepositoryRef& owner) {
  const std::string key = owner_key(registry, owner);
  const bool came_first = &kind == &kBuilds || &kind == &kDeletions || &kind == &kAcrSyncs;
  return came_first ? key : key + " " + std::string(kind.name);
}

}  // namespace registry_exporter
