#pragma once

#include <string>
#include <string_view>

#include "exporter/base/result.h"
#include "exporter/model/cloud.h"
#include "exporter/model/repository.h"
#include "exporter/swr_ee/executions.h"

/// The answers of SWR Enterprise Edition (v2 "instances" API). Nothing outside of this file and of
/// run_status knows their oddities:
///  - ids and counts are numbers or texts of numbers;
///  - times are RFC 3339; "", null and year 1 (what Harbor shows for a time that is not set) is no
///    time, and an end that an open run shows is none;
///  - replications have start_time and end_time, or created_at and updated_at, or neither;
///  - a list may be [], null or missing; its total is a hint;
///  - one odd field never makes the page unreadable; a page of another policy or execution than the
///    one asked for always is.
/// `request` tells a list that has ended from one that is missing. All functions are pure. They
/// read answers that are no refusals. Errors: malformed.
namespace registry_exporter::swr_ee {

Result<ListPage<Instance>> parse_instances(std::string_view body, const PageRequest& request);

Result<ListPage<ListedRepository>> parse_repositories(std::string_view body,
                                                      const PageRequest& request);

Result<ListPage<RetentionPolicy>> parse_retention_policies(std::string_view body,
                                                           const PageRequest& request);

/// Executions of the policy `policy_id`.
Result<ListPage<RetentionExecution>> parse_retention_executions(std::string_view body,
                                                                const std::string& policy_id,
                                                                const PageRequest& request);

/// Tasks of the execution `execution_id`.
Result<ListPage<RetentionTask>> parse_retention_tasks(std::string_view body,
                                                      const std::string& execution_id,
                                                      const PageRequest& request);

Result<ListPage<ReplicationPolicy>> parse_replication_policies(std::string_view body,
                                                               const PageRequest& request);

Result<ListPage<ReplicationExecution>> parse_replication_executions(std::string_view body,
                                                                    const PageRequest& request);

}  // namespace registry_exporter::swr_ee
