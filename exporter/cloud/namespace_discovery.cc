#include "exporter/cloud/namespace_discovery.h"

#include <algorithm>

#include "exporter/base/log.h"
#include "exporter/cloud/found_parts.h"
#include "exporter/cloud/list_pages.h"

namespace registry_exporter::cloud {
namespace {

constexpr int kListPageSize = 100;  // The documented maximum of acr's ListRepository.
constexpr int kListPagesMax = 1000;

}  // namespace

/// What a discovery has gathered.
struct NamespaceDiscovery::Found {
  explicit Found(const PartFound& part_found) : parts(part_found) {}
  FoundParts parts;
  Discovery discovery;
  std::size_t longest_page = 0;  ///< Of repositories: a shorter one is no longer cut short.
  std::set<std::string> identities;
};

Result<Discovery> NamespaceDiscovery::run(const PartFound& part_found,
                                          const std::string& project_id) {
  Found found{part_found};
  found.discovery.project_id = project_id;
  if (by_namespace_) return run_by_namespace(std::move(found));
  const Result<bool> whole = list_into(found, "");
  if (!whole && whole.error().kind == ErrorKind::forbidden) {
    log::info(lists_.not_at_once,
              {{"registry", lists_.registry}, {"reason", whole.error().detail}});
    by_namespace_ = true;
    return run_by_namespace(std::move(found));
  }
  if (!whole) return tl::unexpected<Error>(whole.error());
  found.discovery.complete = *whole;
  return std::move(found.discovery);
}

Result<Discovery> NamespaceDiscovery::run_by_namespace(Found found) {
  const Result<ListedNamespaces> listed = lists_.namespaces();
  if (!listed) {
    if (listed.error().kind == ErrorKind::forbidden) by_namespace_ = false;
    return tl::unexpected<Error>(listed.error());
  }
  Discovery& discovery = found.discovery;
  discovery.complete = listed->complete;
  discovery.server_time = listed->server_time;
  std::optional<Error> failure;
  bool any_listed = false;
  for (const std::string& each : listed->names) {
    const Result<bool> whole = list_into(found, each);
    any_listed |= whole.has_value();
    if (whole && !*whole) discovery.failed_namespaces.push_back(each);
    if (whole) continue;
    const Error& error = whole.error();
    if (traits(error.kind).fails_every_call) return tl::unexpected<Error>(error);
    if (error.kind == ErrorKind::not_found) continue;  // It was deleted meanwhile.
    if (error.kind == ErrorKind::forbidden) {
      discovery.denied_namespaces.push_back(each);
    } else {
      discovery.failed_namespaces.push_back(each);
      log::warn("a namespace could not be listed",
                {{"registry", lists_.registry}, {"namespace", each}, {"error", error.detail}});
    }
    if (!failure) failure = error;
  }
  if (failure && !any_listed) return tl::unexpected<Error>(*failure);
  return std::move(discovery);
}

Result<bool> NamespaceDiscovery::list_into(Found& found, const std::string& repo_namespace) const {
  std::set<std::string> met;
  ListPages pages(kListPageSize, found.longest_page);
  for (int read = 0; read < kListPagesMax && !pages.over(); ++read) {
    const PageRequest asked = pages.next();
    const auto page = lists_.repositories(repo_namespace, asked);
    if (!page) {
      const Error& error = page.error();
      if (read == 0 || traits(error.kind).fails_every_call) return tl::unexpected<Error>(error);
      log::warn("a list of repositories breaks off", {{"registry", lists_.registry},
                                                      {"namespace", repo_namespace},
                                                      {"page", std::to_string(asked.index + 1)},
                                                      {"error", error.detail}});
      return false;
    }
    if (!found.discovery.server_time) found.discovery.server_time = page->server_time;
    const ListedRepositories& listed = page->value;
    std::size_t fresh = listed.rows - listed.repositories.size();
    for (const ListedRepository& repository : listed.repositories) {
      const std::string identity = lists_.identity(repository.ref);
      if (!met.insert(identity).second) continue;
      ++fresh;
      // A namespace in a query may be matched loosely: rows of others belong to their own lists.
      const bool wanted = repo_namespace.empty() || repository.ref.repo_namespace == repo_namespace;
      if (wanted && found.identities.insert(identity).second) {
        found.discovery.repositories.push_back(repository);
      }
    }
    found.longest_page = std::max(found.longest_page, listed.rows);
    pages.take({asked, listed.rows, listed.total, listed.page_size}, fresh);
    found.parts.tell(found.discovery);
  }
  return pages.whole();
}

}  // namespace registry_exporter::cloud
