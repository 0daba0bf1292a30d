#pragma once

#include <string>
#include <string_view>

#include "exporter/base/result.h"
#include "exporter/model/cloud.h"
#include "exporter/model/record.h"

/// The answers about image synchronisation of the `cr` API, version 2018-12-01. Nothing outside of
/// this file knows their oddities:
///  - there is no start and no end: a task lasts from its creation to its last change;
///  - the last change is spelled `ModifiedTime` and, by older servers, `ModifedTime`;
///  - a failed task is an ERROR here, not FAILED as a build;
///  - several tasks share a SyncBatchTaskId: only SyncTaskId tells one from another;
///  - the same task may be listed at both of its instances.
/// Not documented, and so not relied on: the order of the list, whether it covers the instance or
/// one side of it, how long tasks stay in it. Pure. Errors: malformed.
namespace registry_exporter::acr {

/// One answer of ListRepoSyncTask about `instance_id`. Each record names its owner: the repository
/// that the image comes from where that is this instance's, else the one that it goes to.
Result<Page> parse_sync_page(std::string_view body, const std::string& instance_id,
                             const PageRequest& request);

}  // namespace registry_exporter::acr
