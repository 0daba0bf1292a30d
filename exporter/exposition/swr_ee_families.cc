#include "exporter/exposition/catalog.h"
#include "exporter/exposition/encode.h"
#include "exporter/exposition/row_lines.h"

namespace registry_exporter::exposition {
namespace {

template <const char* Label>
WriteRow events(const Family& family, const SnapshotSource& source) {
  return events_by(Label, family, source);
}
constexpr char kStatus[] = "status";
constexpr char kResult[] = "result";

using View = RepositoryView;
using enum FamilyType;
using enum FamilyScope;

constexpr Family kFamilies[] = {
    {"swr_retention_executions_total", counter, repo_namespace, "status",
     "Finished executions of the retention policy of a namespace by status, dry runs included "
     "(ListInstanceRetentionPolicyExecutions). Each is counted once.",
     events<kStatus>, &kRetentions},
    {"swr_retention_execution_duration_seconds", histogram, repo_namespace, "status",
     "Duration of finished executions of retention policies in seconds (start_time and end_time).",
     durations_by_status, &kRetentions},
    {"swr_last_retention_execution_success", gauge, repo_namespace, "",
     "1 if the last finished execution of the retention policy succeeded, 0 if it failed. Other "
     "statuses are ignored.",
     row_value<last_success>, &kRetentions},
    {"swr_retention_executions_in_progress", gauge, repo_namespace, "",
     "Executions of the retention policy that have not ended.",
     row_value<[](const View& view) { return std::optional(std::uint64_t{view.open}); }>,
     &kRetentions},
    {"swr_replication_executions_total", counter, policy, "status",
     "Finished executions of a replication policy by status "
     "(ListInstanceReplicationPolicyExecutions). Each is counted once.",
     events<kStatus>, &kReplications},
    {"swr_replication_execution_duration_seconds", histogram, policy, "status",
     "Duration of finished executions of replication policies in seconds (start_time and end_time, "
     "or created_at and updated_at).",
     durations_by_status, &kReplications},
    {"swr_replicated_artifacts_total", counter, policy, "result",
     "Artifacts processed by finished executions of a replication policy, by result (succeed, "
     "failed and stopped of ListInstanceReplicationPolicyExecutions).",
     events<kResult>, &kReplicatedArtifacts},
};

}  // namespace

std::span<const Family> swr_ee_families() { return kFamilies; }

}  // namespace registry_exporter::exposition
