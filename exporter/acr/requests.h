#pragma once

#include <string>
#include <string_view>

#include "exporter/base/clock.h"
#include "exporter/base/percent_encoding.h"
#include "exporter/model/cloud.h"
#include "exporter/model/repository.h"
#include "exporter/net/http_transport.h"

/// Requests to the `cr` API, version 2018-12-01, not yet signed: POST with everything in the
/// query and an empty body, as the official clients send it. Pure.
namespace registry_exporter::acr {

/// Where the requests go.
struct Target {
  std::string origin;  ///< "https://host[:port]".
  std::string instance_id;
  Millis request_timeout{10'000};
};

/// "/?a=1&b=", percent-encoded; "/" without parameters.
std::string rpc_target(const QueryPairs& query);

/// Repositories in use; of one namespace, or of the whole instance when it is empty.
/// The API counts pages from 1.
net::HttpRequest list_repositories(const Target& target, const std::string& repo_namespace,
                                   const PageRequest& page);
net::HttpRequest list_namespaces(const Target& target, const PageRequest& page);
/// Finds a repository's id by its name.
net::HttpRequest get_repository(const Target& target, const std::string& repo_namespace,
                                const std::string& name);
net::HttpRequest list_build_records(const Target& target, const std::string& repo_id,
                                    const PageRequest& page);
/// The synchronisation tasks of the whole instance.
net::HttpRequest list_sync_tasks(const Target& target, const PageRequest& page);
/// What the instance's event rules told others. GET: this operation knows no other method.
net::HttpRequest list_event_records(const Target& target, const PageRequest& page);

net::HttpRequest get_build_record(const Target& target, const std::string& build_record_id);

}  // namespace registry_exporter::acr
