#include "exporter/acr/requests.h"

#include <utility>

namespace registry_exporter::acr {
namespace {

net::HttpRequest rpc(const Target& target, std::string action, QueryPairs query) {
  query.insert(query.begin(), {"InstanceId", target.instance_id});
  net::HttpRequest request;
  request.method = "POST";
  request.origin = target.origin;
  request.target = rpc_target(query);
  request.headers = {{"x-acs-action", std::move(action)},
                     {"x-acs-version", "2018-12-01"},
                     {"accept", "application/json"}};
  request.timeout = target.request_timeout;
  return request;
}

void add_page(QueryPairs& query, const PageRequest& page) {
  query.emplace_back("PageNo", std::to_string(page.index + 1));
  query.emplace_back("PageSize", std::to_string(page.size));
}

}  // namespace

std::string rpc_target(const QueryPairs& query) {
  std::string text = "/";
  for (const auto& [key, value] : query) {
    text += (text.size() == 1 ? "?" : "&") + percent_encode(key) + '=' + percent_encode(value);
  }
  return text;
}

net::HttpRequest list_repositories(const Target& target, const std::string& repo_namespace,
                                   const PageRequest& page) {
  QueryPairs query;
  if (!repo_namespace.empty()) query.emplace_back("RepoNamespaceName", repo_namespace);
  query.emplace_back("RepoStatus", "NORMAL");
  add_page(query, page);
  return rpc(target, "ListRepository", std::move(query));
}

net::HttpRequest list_namespaces(const Target& target, const PageRequest& page) {
  QueryPairs query;
  add_page(query, page);
  return rpc(target, "ListNamespace", std::move(query));
}

net::HttpRequest get_repository(const Target& target, const std::string& repo_namespace,
                                const std::string& name) {
  return rpc(target, "GetRepository", {{"RepoNamespaceName", repo_namespace}, {"RepoName", name}});
}

net::HttpRequest list_build_records(const Target& target, const std::string& repo_id,
                                    const PageRequest& page) {
  QueryPairs query{{"RepoId", repo_id}};
  add_page(query, page);
  return rpc(target, "ListRepoBuildRecord", std::move(query));
}

net::HttpRequest list_sync_tasks(const Target& target, const PageRequest& page) {
  QueryPairs query;
  add_page(query, page);
  return rpc(target, "ListRepoSyncTask", std::move(query));
}

net::HttpRequest list_event_records(const Target& target, const PageRequest& page) {
  QueryPairs query;
  add_page(query, page);
  net::HttpRequest request = rpc(target, "ListEventCenterRecord", std::move(query));
  request.method = "GET";
  return request;
}

net::HttpRequest get_build_record(const Target& target, const std::string& build_record_id) {
  return rpc(target, "GetRepoBuildRecord", {{"BuildRecordId", build_record_id}});
}

}  // namespace registry_exporter::acr
