#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "exporter/model/repository.h"

namespace registry_exporter::ingest {

/// Repositories, namespaces and policies whose past is told.
struct HistoryOwners {
  std::map<std::string, RepositoryRef> by_name;  ///< By full name.
  std::size_t over_limit = 0;                    ///< Repositories that are left out.
};

/// Those that an exporter would take in: which `accepts` (by full name), a namespace also where it
/// has such a repository, at most so many repositories. Pure.
HistoryOwners history_owners(const Discovery& discovery,
                             const std::function<bool(const std::string& full_name)>& accepts,
                             std::size_t most_repositories);

}  // namespace registry_exporter::ingest
