#include "exporter/exposition/catalog.h"
#include "exporter/exposition/encode.h"
#include "exporter/exposition/row_lines.h"

namespace registry_exporter::exposition {
namespace {

WriteRow events_by_status(const Family& family, const SnapshotSource& source) {
  return events_by("status", family, source);
}

using View = RepositoryView;
using enum FamilyType;
using enum FamilyScope;

constexpr auto kInProgress =
    row_value<[](const View& view) { return std::optional(std::uint64_t{view.open}); }>;
constexpr auto kOldest =
    row_value<[](const View& view) { return seconds(view.oldest_open_started_at); }>;

constexpr Family kFamilies[] = {
    {"acr_syncs_total", counter, repository, "status",
     "Finished image synchronisations by status (TaskStatus of ListRepoSyncTask). Each is counted "
     "once.",
     events_by_status, &kAcrSyncs},
    {"acr_sync_duration_seconds", histogram, repository, "status",
     "Time from the creation to the last change of finished image synchronisations in seconds "
     "(CreateTime and ModifiedTime of ListRepoSyncTask).",
     durations_by_status, &kAcrSyncs},
    {"acr_syncs_in_progress", gauge, repository, "",
     "Image synchronisations that are pending or running (ListRepoSyncTask).", kInProgress,
     &kAcrSyncs},
    {"acr_sync_oldest_in_progress_start_timestamp_seconds", gauge, repository, "",
     "Creation time of the oldest image synchronisation in progress, in seconds since 1970.",
     kOldest, &kAcrSyncs},
    {"acr_last_sync_success", gauge, repository, "",
     "1 if the last finished image synchronisation succeeded, 0 if it failed. Other statuses are "
     "ignored.",
     row_value<last_success>, &kAcrSyncs},
    {"swr_syncs_total", counter, repository, "status",
     "Finished image synchronisations by status (status of ShowSyncJob). Each is counted "
     "once.",
     events_by_status, &kSwrSyncs},
    {"swr_sync_duration_seconds", histogram, repository, "status",
     "Time from the creation to the last change of finished image synchronisations in seconds "
     "(createdAt and updatedAt of ShowSyncJob).",
     durations_by_status, &kSwrSyncs},
    {"swr_syncs_in_progress", gauge, repository, "",
     "Image synchronisations that wait or run (ShowSyncJob).", kInProgress, &kSwrSyncs},
    {"swr_sync_oldest_in_progress_start_timestamp_seconds", gauge, repository, "",
     "Creation time of the oldest image synchronisation in progress, in seconds since 1970.",
     kOldest, &kSwrSyncs},
    {"swr_last_sync_success", gauge, repository, "",
     "1 if the last finished image synchronisation succeeded, 0 if it failed. Other statuses are "
     "ignored.",
     row_value<last_success>, &kSwrSyncs},
};

}  // namespace

std::span<const Family> sync_families() { return kFamilies; }

}  // namespace registry_exporter::exposition
