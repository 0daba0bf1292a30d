#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/error.h"

namespace registry_exporter {

/// What has series of its own.
enum class OwnerType : std::uint8_t { repository, repo_namespace, policy };

/// Where a repository is found in its registry. Without a name it is a namespace, without a
/// namespace a policy that is for all of them (both swr_ee).
struct RepositoryRef {
  std::string repo_namespace;
  std::string name;      ///< May contain '/' (swr).
  std::string cloud_id;  ///< acr: RepoId; swr: empty, there is none; swr_ee: of the policy.
  bool operator==(const RepositoryRef&) const = default;
};

inline OwnerType owner_type(const RepositoryRef& ref) {
  if (ref.name.empty()) return OwnerType::repo_namespace;
  return ref.repo_namespace.empty() ? OwnerType::policy : OwnerType::repository;
}

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
  /// swr: the project whose repositories these are; swr_ee: the instance.
  std::string project_id;
  std::optional<Error> part_failed;  ///< Why a part of what is read could not be listed.
};

/// swr: what a retention rule keeps.
struct RetentionRule {
  std::string retention_id;
  std::string rule_template;  ///< date_rule, tag_rule, or other
  std::string keep;           ///< Days for date_rule, a number of tags for tag_rule.
  bool operator==(const RetentionRule&) const = default;
};

}  // namespace registry_exporter
