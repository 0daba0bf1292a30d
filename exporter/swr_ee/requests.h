#pragma once

#include <string>

#include "exporter/model/cloud.h"
#include "exporter/net/http_transport.h"
#include "exporter/swr_ee/executions.h"

/// Requests to SWR Enterprise Edition (v2 "instances" API), not yet signed. Pure.
namespace registry_exporter::swr_ee {

/// Where the requests go.
struct Target {
  std::string origin;  ///< "https://host[:port]": the same host as of SWR's basic edition.
  std::string project_id;
  std::string instance_id;
};

/// The project's instances; `target.instance_id` is not used.
net::HttpRequest list_instances(const Target& target, const PageRequest& page);
/// Repositories of all namespaces.
net::HttpRequest list_repositories(const Target& target, const PageRequest& page);
/// Policies of all namespaces.
net::HttpRequest list_retention_policies(const Target& target, const PageRequest& page);
net::HttpRequest list_retention_executions(const Target& target, const RetentionPolicy& policy,
                                           const PageRequest& page);
net::HttpRequest list_retention_tasks(const Target& target, const RetentionPolicy& policy,
                                      const std::string& execution_id, const PageRequest& page);
net::HttpRequest list_replication_policies(const Target& target, const PageRequest& page);
/// Executions of all policies.
net::HttpRequest list_replication_executions(const Target& target, const PageRequest& page);

}  // namespace registry_exporter::swr_ee
