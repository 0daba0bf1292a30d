#include "exporter/ingest/history_owners.h"

#include <set>

namespace registry_exporter::ingest {

HistoryOwners history_owners(const Discovery& discovery,
                             const std::function<bool(const std::string& full_name)>& accepts,
                             std::size_t most_repositories) {
  HistoryOwners owners;
  std::set<std::string> met;  // Pages drift: one may be listed twice.
  std::set<std::string> namespaces;
  std::size_t repositories = 0;
  for (const ListedRepository& listed : discovery.repositories) {
    const std::string name = full_name(listed.ref);
    if (!accepts(name) || !met.insert(name).second) continue;
    const bool is_repository = owner_type(listed.ref) == OwnerType::repository;
    if (is_repository) namespaces.insert(listed.ref.repo_namespace);
    if (is_repository && ++repositories > most_repositories) {
      ++owners.over_limit;
    } else {
      owners.by_name.emplace(name, listed.ref);
    }
  }
  for (const ListedRepository& listed : discovery.repositories) {
    const bool has_ours = owner_type(listed.ref) == OwnerType::repo_namespace &&
                          namespaces.contains(listed.ref.repo_namespace);
    if (has_ours) owners.by_name.emplace(full_name(listed.ref), listed.ref);
  }
  return owners;
}

}  // namespace registry_exporter::ingest
