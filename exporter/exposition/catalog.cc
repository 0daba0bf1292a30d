#include "exporter/exposition/catalog.h"

#include <algorithm>

namespace registry_exporter {
namespace {

using enum FamilyType;
using enum FamilyScope;

constexpr Family kFamilies[] = {
    // ACR: image builds.
    {"acr_up", gauge, registry, "",
     "1 if the newest call to Alibaba Cloud that could tell was answered and accepted the "
     "credentials, else 0."},
    {"acr_builds_total", counter, repository, "status",
     "Finished image builds (BuildStatus of ListRepoBuildRecord), each counted once."},
    {"acr_build_duration_seconds", histogram, repository, "status",
     "Duration of finished image builds in seconds (EndTime minus StartTime of "
     "ListRepoBuildRecord)."},
    {"acr_build_success_ratio", gauge, repository, "window",
     "success / (success + failed), 0 to 1, of the builds whose EndTime lies in the "
     "window."},
    {"acr_builds_recent", gauge, repository, "status,window",
     "Finished builds whose EndTime lies in the window."},
    {"acr_builds_in_progress", gauge, repository, "",
     "Builds that are pending or running (ListRepoBuildRecord, GetRepoBuildRecord)."},
    {"acr_build_oldest_in_progress_start_timestamp_seconds", gauge, repository, "",
     "StartTime of the oldest build in progress, in seconds since 1970."},
    {"acr_last_build_success", gauge, repository, "",
     "1 if the last build that ended success or failed was a success, else 0."},
    {"acr_last_build_duration_seconds", gauge, repository, "",
     "Duration in seconds of the last build that ended success or failed."},
    {"acr_consecutive_failed_builds", gauge, repository, "",
     "Failed builds that ended since the last success."},
    {"acr_last_build_end_timestamp_seconds", gauge, repository, "status",
     "EndTime of the last build with the status, in seconds since 1970."},
    {"acr_repository_info", gauge, repository, "repo_id",
     "The repository's RepoId (ListRepository); always 1."},
    // SWR: retention.
    {"swr_up", gauge, registry, "",
     "1 if the newest call to Huawei Cloud that could tell was answered and accepted the "
     "credentials, else 0."},
    {"swr_retention_deletions_total", counter, repository, "template",
     "Tags deleted by retention rules (ListRetentionHistories), each counted once."},
    {"swr_retention_deletions_recent", gauge, repository, "window",
     "Tags deleted by retention rules whose created_at lies in the window."},
    {"swr_last_retention_deletion_timestamp_seconds", gauge, repository, "",
     "created_at of the newest deletion by a retention rule, in seconds since 1970."},
    {"swr_repository_tags", gauge, repository, "",
     "Tags in the repository (num_images of ListReposDetails)."},
    {"swr_repository_size_bytes", gauge, repository, "",
     "Size of the repository in bytes (size of ListReposDetails)."},
    {"swr_repository_downloads", gauge, repository, "",
     "Downloads as the cloud counts them (num_download of ListReposDetails); may "
     "fall."},
    {"swr_retention_rule_info", gauge, repository, "retention_id,template,keep",
     "The repository's retention rules (ListRetentions); always 1. Only with "
     "collect_rules."},
    // The exporter about itself.
    {"registry_exporter_build_info", gauge, process, "version,compiler",
     "Version of the exporter and the compiler it was built with; always 1."},
    {"registry_exporter_api_requests_total", counter, registry, "operation,outcome",
     "Requests sent to the cloud by how they ended; every attempt counts."},
    {"registry_exporter_api_request_duration_seconds", histogram, registry, "operation",
     "Time in seconds from sending a request to the last byte of its answer."},
    {"registry_exporter_rate_limit_requests_per_second", gauge, registry, "",
     "The request rate in force: the configured one, less after throttling."},
    {"registry_exporter_credentials_expiry_timestamp_seconds", gauge, registry, "",
     "When the credentials in use expire, in seconds since 1970; absent where they don't."},
    {"registry_exporter_clock_offset_seconds", gauge, registry, "",
     "The cloud's clock (Date header) minus ours, in seconds."},
    {"registry_exporter_collection_duration_seconds", gauge, registry, "",
     "Duration of the last collection cycle in seconds."},
    {"registry_exporter_collection_last_success_timestamp_seconds", gauge, registry, "",
     "End of the last collection cycle that left nothing unread, in seconds since 1970."},
    {"registry_exporter_scrapes_total", counter, process, "result",
     "Scrapes answered: complete, partial (before all was read), cached (sooner than "
     "min_interval)."},
    {"registry_exporter_repositories", gauge, registry, "state",
     "Repositories that the filters match, by state: fresh, stale, failing, pending, dropped."},
    {"registry_exporter_repository_last_read_timestamp_seconds", gauge, repository, "",
     "End of the last reading of the repository's list, in seconds since 1970. Scrapes trigger "
     "readings."},
    {"registry_exporter_repository_failing", gauge, repository, "reason",
     "1 while the newest reading of the repository failed for the reason, else absent."},
    {"registry_exporter_repository_first_unreadable_row", gauge, repository, "",
     "Number, from 0, of the first row of the repository's list that can't be read though those "
     "before it can; absent where all can."},
    {"registry_exporter_records_total", counter, registry, "class",
     "Records by what became of them: baseline, counted, late, vanished, rejected."},
    {"registry_exporter_records_rejected_total", counter, registry, "reason",
     "Records without a usable id, each time one is met."},
    {"registry_exporter_unknown_statuses_total", counter, registry, "",
     "Times that a BuildStatus was met that is not known; metrics.build_statuses maps it."},
    {"registry_exporter_durations_invalid_total", counter, registry, "reason",
     "Counted builds whose duration is negative or missing, and so not observed."},
    {"registry_exporter_history_gaps_total", counter, registry, "",
     "Times that records may have come and gone between two readings of a list."},
    {"registry_exporter_sweeps_total", counter, registry, "result",
     "Whole readings of a repository's list; error: not clean, to be repeated."},
    {"registry_exporter_ledger_imbalance", gauge, registry, "",
     "Records by which the books don't balance; anything but 0 is a fault of the exporter."},
    {"registry_exporter_state_commits_total", counter, process, "result",
     "Commits to the state file."},
    {"registry_exporter_state_size_bytes", gauge, process, "",
     "Size of the state file and its journal in bytes."},
    {"registry_exporter_state_created_timestamp_seconds", gauge, process, "",
     "When the state was begun, in seconds since 1970."},
    {"registry_exporter_state_recovered", gauge, process, "",
     "1 if this start found a damaged state and set it aside, else 0."},
    {"registry_exporter_shard_ordinal", gauge, process, "", "This process's shard, from 0."},
    {"registry_exporter_total_shards", gauge, process, "",
     "Number of shards that the repositories are split over."},
    {"registry_exporter_config_last_reload_successful", gauge, process, "",
     "1 if configuration and web configuration were good when last read, else 0."},
    {"registry_exporter_config_last_reload_success_timestamp_seconds", gauge, process, "",
     "When a good configuration was last read, in seconds since 1970."},
    // The process.
    {"process_cpu_seconds_total", counter, process, "",
     "User and system CPU time spent by the process in seconds."},
    {"process_open_fds", gauge, process, "", "Open file descriptors."},
    {"process_max_fds", gauge, process, "", "Largest number of open file descriptors allowed."},
    {"process_virtual_memory_bytes", gauge, process, "", "Virtual memory in bytes."},
    {"process_resident_memory_bytes", gauge, process, "", "Resident memory in bytes."},
    {"process_start_time_seconds", gauge, process, "",
     "Start of the process in seconds since 1970."},
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

std::string help_of(const Family& family) {
  std::string help(family.help);
  if (family.scope == repository) help += " Collected when scraped, remembered in between.";
  return help;
}

std::string_view unit_of(const Family& family) {
  std::string_view name = family.name;
  if (name.ends_with("_total")) name.remove_suffix(6);
  for (const std::string_view each : {"seconds", "bytes"}) {
    if (name.ends_with(each)) return each;
  }
  return {};
}

const Family* find_family(std::string_view name) {
  const auto found = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                  [name](const Family& family) { return family.name == name; });
  return found == std::end(kFamilies) ? nullptr : found;
}

}  // namespace registry_exporter
