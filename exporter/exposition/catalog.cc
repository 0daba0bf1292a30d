#include "exporter/exposition/catalog.h"

#include <algorithm>

namespace registry_exporter {
namespace {

using enum FamilyType;
using enum FamilyScope;

constexpr Family kFamilies[] = {
    // ACR: image builds.
    {"acr_up", gauge, registry, "",
     "Whether the newest call to Alibaba Cloud that could tell was answered and accepted the "
     "credentials."},
    {"acr_builds_total", counter, repository, "status",
     "Finished image builds (ListRepoBuildRecord), each counted once. Collected incrementally when "
     "scraped."},
    {"acr_build_duration_seconds", histogram, repository, "status",
     "EndTime minus StartTime of finished builds (ListRepoBuildRecord)."},
    {"acr_build_success_ratio", gauge, repository, "window",
     "success / (success + failed) of the builds that ended in the window."},
    {"acr_builds_recent", gauge, repository, "status,window",
     "Finished builds whose end lies in the window."},
    {"acr_builds_in_progress", gauge, repository, "", "Builds that are pending or running."},
    {"acr_build_oldest_in_progress_start_timestamp_seconds", gauge, repository, "",
     "Start of the oldest build in progress."},
    {"acr_last_build_success", gauge, repository, "",
     "1 if the last build that ended success or failed was a success, else 0."},
    {"acr_last_build_duration_seconds", gauge, repository, "",
     "Duration of the last build that ended success or failed."},
    {"acr_consecutive_failed_builds", gauge, repository, "",
     "Failed builds that ended since the last success."},
    {"acr_last_build_end_timestamp_seconds", gauge, repository, "status",
     "End of the last build with the status."},
    {"acr_repository_info", gauge, repository, "repo_id", "The repository's RepoId; always 1."},
    // SWR: retention.
    {"swr_up", gauge, registry, "",
     "Whether the newest call to Huawei Cloud that could tell was answered and accepted the "
     "credentials."},
    {"swr_retention_deletions_total", counter, repository, "template",
     "Tags deleted by retention rules (ListRetentionHistories), each counted once. Collected "
     "incrementally when scraped."},
    {"swr_retention_deletions_recent", gauge, repository, "window",
     "Tags deleted by retention whose created_at lies in the window."},
    {"swr_last_retention_deletion_timestamp_seconds", gauge, repository, "",
     "created_at of the newest retention deletion."},
    {"swr_repository_tags", gauge, repository, "",
     "Tags in the repository (num_images of ListReposDetails), as of the last discovery."},
    {"swr_repository_size_bytes", gauge, repository, "",
     "Size of the repository (ListReposDetails), as of the last discovery."},
    {"swr_repository_downloads", gauge, repository, "",
     "Downloads as the cloud counts them (num_download of ListReposDetails); may fall."},
    {"swr_retention_rule_info", gauge, repository, "retention_id,template,keep",
     "The repository's retention rule (ListRetentions), with collect_rules; always 1."},
    // The exporter about itself.
    {"registry_exporter_build_info", gauge, process, "version,compiler",
     "Version of the exporter; always 1."},
    {"registry_exporter_api_requests_total", counter, registry, "operation,outcome",
     "Requests sent to the cloud, every attempt counted."},
    {"registry_exporter_api_request_duration_seconds", histogram, registry, "operation",
     "Time from sending a request to the last byte of its answer."},
    {"registry_exporter_rate_limit_requests_per_second", gauge, registry, "",
     "The request rate in force: the configured one, less after throttling."},
    {"registry_exporter_credentials_expiry_timestamp_seconds", gauge, registry, "",
     "When the credentials in use expire; absent where they don't."},
    {"registry_exporter_clock_offset_seconds", gauge, registry, "",
     "The cloud's clock minus ours, from its Date header."},
    {"registry_exporter_collection_duration_seconds", gauge, registry, "",
     "Duration of the last collection cycle."},
    {"registry_exporter_collection_last_success_timestamp_seconds", gauge, registry, "",
     "End of the last collection cycle that left nothing unread."},
    {"registry_exporter_scrapes_total", counter, process, "result",
     "Scrapes: complete, partial (answered before all was read), cached (sooner than "
     "min_interval)."},
    {"registry_exporter_repositories", gauge, registry, "state",
     "Matched repositories by state: fresh, stale, failing, pending, dropped."},
    {"registry_exporter_repository_last_read_timestamp_seconds", gauge, repository, "",
     "When the repository was last read completely."},
    {"registry_exporter_repository_failing", gauge, repository, "reason",
     "1 while the newest reading of the repository failed; absent otherwise."},
    {"registry_exporter_records_total", counter, registry, "class",
     "Records by what became of them: baseline, counted, late, vanished, rejected."},
    {"registry_exporter_records_rejected_total", counter, registry, "reason",
     "Records without a usable id; counted each time one is met."},
    {"registry_exporter_unknown_statuses_total", counter, registry, "",
     "Build statuses met that are not known; map them with metrics.build_statuses."},
    {"registry_exporter_durations_invalid_total", counter, registry, "reason",
     "Counted builds whose duration could not be observed."},
    {"registry_exporter_history_gaps_total", counter, registry, "",
     "Times that records may have come and gone between two readings of a list."},
    {"registry_exporter_sweeps_total", counter, registry, "result",
     "Whole readings of a repository's list; error: not clean, it is repeated."},
    {"registry_exporter_ledger_imbalance", gauge, registry, "",
     "Records by which the books don't balance; must be 0."},
    {"registry_exporter_state_commits_total", counter, process, "result",
     "Commits to the state file."},
    {"registry_exporter_state_size_bytes", gauge, process, "", "Size of the state on disk."},
    {"registry_exporter_state_created_timestamp_seconds", gauge, process, "",
     "When this state began."},
    {"registry_exporter_state_recovered", gauge, process, "",
     "1 if this start found a damaged state and set it aside."},
    {"registry_exporter_shard_ordinal", gauge, process, "", "This process's shard, from 0."},
    {"registry_exporter_total_shards", gauge, process, "",
     "Number of shards that share the repositories."},
    {"registry_exporter_config_last_reload_successful", gauge, process, "",
     "Whether the last reading of the configuration was successful."},
    {"registry_exporter_config_last_reload_success_timestamp_seconds", gauge, process, "",
     "When the configuration was last read successfully."},
    // The process.
    {"process_cpu_seconds_total", counter, process, "",
     "CPU time of the process, user and system."},
    {"process_open_fds", gauge, process, "", "Open file descriptors."},
    {"process_max_fds", gauge, process, "", "Limit of open file descriptors."},
    {"process_virtual_memory_bytes", gauge, process, "", "Virtual memory of the process."},
    {"process_resident_memory_bytes", gauge, process, "", "Resident memory of the process."},
    {"process_start_time_seconds", gauge, process, "", "Start of the process."},
    {"process_threads", gauge, process, "", "Threads of the process."},
};

}  // namespace

std::string_view name(FamilyType type) {
  switch (type) {
    case counter:
      return "counter";
    case gauge:
      return "gauge";
    case histogram:
      return "histogram";
  }
  return "gauge";
}

std::span<const Family> families() { return kFamilies; }

const Family* find_family(std::string_view name) {
  const auto found = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                  [name](const Family& family) { return family.name == name; });
  return found == std::end(kFamilies) ? nullptr : found;
}

}  // namespace registry_exporter
