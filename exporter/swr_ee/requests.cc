#include "exporter/swr_ee/requests.h"

#include "exporter/base/percent_encoding.h"

namespace registry_exporter::swr_ee {
namespace {

/// One segment of a path. No name climbs out of its place.
std::string segment(const std::string& name) {
  if (name == ".") return "%2E";
  if (name == "..") return "%2E%2E";
  return percent_encode(name);
}

/// limit and offset always go together; the offset has to be a multiple of the limit.
std::string page_query(const PageRequest& page) {
  const auto offset = static_cast<std::int64_t>(page.index) * static_cast<std::int64_t>(page.size);
  return "?limit=" + std::to_string(page.size) + "&offset=" + std::to_string(offset);
}

net::HttpRequest get(const Target& target, const std::string& path, const PageRequest& page) {
  net::HttpRequest request;
  request.method = "GET";
  request.origin = target.origin;
  request.target = "/v2/" + segment(target.project_id) + "/instances" + path + page_query(page);
  request.headers = {{"content-type", "application/json"}};
  return request;
}

std::string instance_path(const Target& target) { return "/" + segment(target.instance_id); }

std::string executions_path(const Target& target, const RetentionPolicy& policy) {
  return instance_path(target) + "/namespaces/" + segment(policy.repo_namespace) +
         "/retention/policies/" + segment(policy.id) + "/executions";
}

}  // namespace

net::HttpRequest list_instances(const Target& target, const PageRequest& page) {
  return get(target, "", page);
}

net::HttpRequest list_repositories(const Target& target, const PageRequest& page) {
  return get(target, instance_path(target) + "/repositories", page);
}

net::HttpRequest list_retention_policies(const Target& target, const PageRequest& page) {
  return get(target, instance_path(target) + "/retention/policies", page);
}

net::HttpRequest list_retention_executions(const Target& target, const RetentionPolicy& policy,
                                           const PageRequest& page) {
  return get(target, executions_path(target, policy), page);
}

net::HttpRequest list_retention_tasks(const Target& target, const RetentionPolicy& policy,
                                      const std::string& execution_id, const PageRequest& page) {
  return get(target, executions_path(target, policy) + "/" + segment(execution_id) + "/tasks",
             page);
}

net::HttpRequest list_replication_policies(const Target& target, const PageRequest& page) {
  return get(target, instance_path(target) + "/replication/policies", page);
}

net::HttpRequest list_replication_executions(const Target& target, const PageRequest& page) {
  return get(target, instance_path(target) + "/replication/executions", page);
}

}  // namespace registry_exporter::swr_ee
