#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exporter/cloud/signed_client.h"
#include "exporter/model/cloud.h"

namespace registry_exporter::cloud {

/// One page of a list of repositories.
struct ListedRepositories {
  std::vector<ListedRepository> repositories;  ///< Those usable and in use.
  std::size_t rows = 0;                        ///< All of the answer.
  std::optional<std::uint64_t> total;          ///< A hint.
  std::optional<int> page_size;                ///< What the server says it used.
};

/// The visible namespaces.
struct ListedNamespaces {
  std::vector<std::string> names;  ///< Each once.
  bool complete = true;            ///< False: there may be more.
  std::optional<UnixMillis> server_time;
};

/// How one cloud lists repositories and namespaces.
struct RepositoryLists {
  std::string registry;          ///< For the log.
  const char* not_at_once = "";  ///< Logged if one list of all repositories is forbidden.
  /// Of one namespace, or of all when the name is empty.
  std::function<Result<Answer<ListedRepositories>>(const std::string& repo_namespace,
                                                   const PageRequest& page)>
      repositories;
  std::function<Result<ListedNamespaces>()> namespaces;
  /// Unique per repository.
  std::function<std::string(const RepositoryRef& ref)> identity;
};

/// Finds a registry's repositories: by one list of all; where that is forbidden (rights by
/// namespace), by a list for each namespace, from then on. Thread-safe.
class NamespaceDiscovery {
 public:
  explicit NamespaceDiscovery(RepositoryLists lists) : lists_(std::move(lists)) {}

  /// `project_id`: goes into what is found. Errors: where nothing could be listed, or nothing else
  /// can succeed.
  Result<Discovery> run(const PartFound& part_found, const std::string& project_id = "");

 private:
  struct Found;

  Result<Discovery> run_by_namespace(Found found);
  /// True: the list came to its end.
  Result<bool> list_into(Found& found, const std::string& repo_namespace) const;

  const RepositoryLists lists_;
  std::atomic<bool> by_namespace_ = false;
};

}  // namespace registry_exporter::cloud
