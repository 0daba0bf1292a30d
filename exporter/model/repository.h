#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/clock.h"

namespace registry_exporter {

/// Where a repository is found in its registry.
struct RepositoryRef {
  std::string repo_namespace;
  std::string name;      ///< May contain '/' (swr).
  std::string cloud_id;  ///< acr: RepoId; swr: empty, there is none.
  bool operator==(const RepositoryRef&) const = default;
};

/// "namespace/name": what the filters match and the logs say.
inline std::string full_name(const RepositoryRef& ref) {
  return ref.repo_namespace + "/" + ref.name;
}

/// A repository as a listing shows it, with what the listing tells at no extra call.
struct ListedRepository {
  RepositoryRef ref;
  std::optional<UnixMillis> created_at;
  std::optional<UnixMillis> modified_at;  ///< A hint that something happened, never proof.
  std::optional<std::uint64_t> tags;      ///< swr
  std::optional<std::uint64_t> size_bytes;
  std::optional<std::uint64_t> downloads;
  bool operator==(const ListedRepository&) const = default;
};

/// One pass over a registry's list of repositories.
struct Discovery {
  std::vector<ListedRepository> repositories;  ///< Before the user's filters.
  bool complete = false;  ///< False: something could not be listed; absence proves nothing.
  /// Namespaces that may not be listed, or could not be: what is known of them stays, their absence
  /// proves nothing.
  std::vector<std::string> denied_namespaces;
  std::vector<std::string> failed_namespaces;
  std::optional<UnixMillis> server_time;  ///< `Date` of the first answer.
  std::string project_id;                 ///< swr: whose repositories these are.
};

/// swr: what a retention rule keeps.
struct RetentionRule {
  std::string retention_id;
  std::string rule_template;  ///< date_rule, tag_rule, or other
  std::string keep;           ///< Days for date_rule, a number of tags for tag_rule.
  bool operator==(const RetentionRule&) const = default;
};

}  // namespace registry_exporter
