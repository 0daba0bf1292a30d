#pragma once

#include <string>

#include "exporter/config/config.h"
#include "exporter/model/cloud.h"
#include "exporter/model/repository.h"
#include "exporter/net/http_transport.h"

/// Requests to SWR (v2 "manage" API), not yet signed. Pure.
namespace registry_exporter::swr {

/// Where the requests go.
struct Target {
  std::string origin;  ///< "https://host[:port]".
  config::SwrConfig::Paging paging = config::SwrConfig::Paging::offset;
};

/// All visible organisations, also those with rights on single repositories only.
net::HttpRequest list_namespaces(const Target& target);
/// Repositories of one organisation, or of all when it is empty.
net::HttpRequest list_repositories(const Target& target, const std::string& repo_namespace,
                                   const PageRequest& page);
net::HttpRequest list_retention_histories(const Target& target, const RepositoryRef& repository,
                                          const PageRequest& page);
/// The newest first. This one pages by `filter` alone, whatever the others do.
net::HttpRequest list_sync_jobs(const Target& target, const RepositoryRef& repository,
                                const PageRequest& page);
net::HttpRequest list_retentions(const Target& target, const RepositoryRef& repository);

}  // namespace registry_exporter::swr
