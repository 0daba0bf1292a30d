#include "exporter/swr/requests.h"

#include "exporter/base/percent_encoding.h"

namespace registry_exporter::swr {
namespace {

net::HttpRequest get(const std::string& origin, std::string target) {
  net::HttpRequest request;
  request.method = "GET";
  request.origin = origin;
  request.target = std::move(target);
  // Documented as mandatory even for GET.
  request.headers = {{"content-type", "application/json"}};
  return request;
}

/// The cloud wants `/` within a repository's name as a bare `$`. Two names never share a segment,
/// and none climbs out of its place.
std::string path_segment(const std::string& name) {
  if (name == ".") return "%2E";
  if (name == "..") return "%2E%2E";
  std::string segment;
  for (const char c : name) {
    segment += c == '/' ? "$" : percent_encode(std::string_view(&c, 1));
  }
  return segment;
}

std::string repository_path(const RepositoryRef& repository) {
  return "/v2/manage/namespaces/" + path_segment(repository.repo_namespace) + "/repos/" +
         path_segment(repository.name);
}

/// limit and offset always go together; the offset is a multiple of the limit.
std::string offset_of(const PageRequest& page) {
  return std::to_string(static_cast<std::int64_t>(page.index) *
                        static_cast<std::int64_t>(page.size));
}

std::string page_filter(const PageRequest& page) {
  return "limit::" + std::to_string(page.size) + "|offset::" + offset_of(page);
}

std::string page_query(const PageRequest& page, config::SwrConfig::Paging paging) {
  if (paging == config::SwrConfig::Paging::filter) {
    return "filter=" + percent_encode(page_filter(page));
  }
  return "limit=" + std::to_string(page.size) + "&offset=" + offset_of(page);
}

}  // namespace

net::HttpRequest list_namespaces(const Target& target) {
  return get(target.origin, "/v2/manage/namespaces?filter=" + percent_encode("mode::visible"));
}

net::HttpRequest list_repositories(const Target& target, const std::string& repo_namespace,
                                   const PageRequest& page) {
  std::string query = page_query(page, config::SwrConfig::Paging::offset);
  if (!repo_namespace.empty()) query = "namespace=" + percent_encode(repo_namespace) + "&" + query;
  return get(target.origin, "/v2/manage/repos?" + query);
}

net::HttpRequest list_retention_histories(const Target& target, const RepositoryRef& repository,
                                          const PageRequest& page) {
  return get(target.origin, repository_path(repository) + "/retentions/histories?" +
                                page_query(page, target.paging));
}

net::HttpRequest list_sync_jobs(const Target& target, const RepositoryRef& repository,
                                const PageRequest& page) {
  return get(target.origin, repository_path(repository) + "/sync_job?filter=" +
                                percent_encode(page_filter(page) + "|order::desc"));
}

net::HttpRequest list_retentions(const Target& target, const RepositoryRef& repository) {
  return get(target.origin, repository_path(repository) + "/retentions");
}

}  // namespace registry_exporter::swr
