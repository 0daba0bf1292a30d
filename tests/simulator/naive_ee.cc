#include "tests/simulator/naive_ee.h"

#include <map>
#include <vector>

namespace registry_exporter::simulator {
namespace {

using Json = nlohmann::ordered_json;

const std::string kInstances = "/v2/0123456789abcdef0123456789abcdef/instances";

class Walk {
 public:
  Walk(const std::function<Json(const std::string& target)>& get, std::size_t page_size)
      : get_(get), page_size_(page_size) {}

  std::vector<Json> all(const std::string& path, const char* key) {
    std::vector<Json> rows;
    for (std::size_t offset = 0;; offset += page_size_) {
      const Json answer =
          get_(path + "?limit=" + std::to_string(page_size_) + "&offset=" + std::to_string(offset));
      if (!answer.is_object() || answer[key].empty()) return rows;
      for (const Json& row : answer[key]) rows.push_back(row);
      rows_read += answer[key].size();
    }
  }

  std::size_t rows_read = 0;

 private:
  const std::function<Json(const std::string& target)>& get_;
  const std::size_t page_size_;
};

/// Executions by how they ended.
struct Ends {
  Json ended = {{"success", 0U}, {"failed", 0U}, {"stopped", 0U}, {"other", 0U}};
  std::size_t open = 0;

  /// False while it is under way.
  bool add(const Json& execution) {
    const std::string status = execution["status"];
    if (status == "InProgress") {
      ++open;
      return false;
    }
    const char* end = status == "Succeed"   ? "success"
                      : status == "Failed"  ? "failed"
                      : status == "Stopped" ? "stopped"
                                            : "other";
    ended[end] = ended[end].get<std::uint64_t>() + 1;
    return true;
  }
};

void add(Json& counts, const std::string& key, const Json& more) {
  counts[key] = counts[key].get<std::uint64_t>() + more.get<std::uint64_t>();
}

std::string rule_of(const Json& policy) {
  std::size_t dates = 0;
  for (const Json& rule : policy["rules"]) {
    dates += rule["template"].get<std::string>().starts_with("nDays") ? 1U : 0U;
  }
  if (dates == policy["rules"].size()) return "date_rule";
  return dates == 0 ? "tag_rule" : "other";
}

Json count_replications(Walk& walk, const std::string& instance) {
  std::map<std::int64_t, Ends> ends;
  std::map<std::int64_t, Json> artifacts;
  const Json none = {{"success", 0U}, {"failed", 0U}, {"stopped", 0U}};
  for (const Json& each : walk.all(instance + "/replication/executions", "executions")) {
    const std::int64_t policy = each["policy_id"];
    Json& counts = artifacts.try_emplace(policy, none).first->second;
    if (!ends[policy].add(each)) continue;
    add(counts, "success", each["succeed"]);
    add(counts, "failed", each["failed"]);
    add(counts, "stopped", each["stopped"]);
  }
  Json counted = Json::array();
  for (const Json& policy : walk.all(instance + "/replication/policies", "policies")) {
    const std::int64_t id = policy["id"];
    counted.push_back({{"policy", policy["name"]},
                       {"executions", ends[id].ended},
                       {"in_progress", ends[id].open},
                       {"artifacts", artifacts.try_emplace(id, none).first->second}});
  }
  return counted;
}

using Deleted = std::map<std::string, Json>;  ///< By namespace and repository.

Json& counts_of(Deleted& deleted, const std::string& repo_namespace, const Json& repository) {
  const Json none = {{"date_rule", 0U}, {"tag_rule", 0U}, {"other", 0U}};
  return deleted.try_emplace(repo_namespace + "/" + repository.get<std::string>(), none)
      .first->second;
}

/// The executions of one policy, and what they deleted.
Json count_retentions(Walk& walk, const std::string& instance, const Json& policy,
                      Deleted& deleted) {
  const std::string space = policy["namespace_name"];
  const std::string executions = instance + "/namespaces/" + space + "/retention/policies/" +
                                 policy["id"].dump() + "/executions";
  Ends ends;
  for (const Json& each : walk.all(executions, "executions")) {
    if (!ends.add(each) || each["dry_run"].get<bool>()) continue;
    for (const Json& task : walk.all(executions + "/" + each["id"].dump() + "/tasks", "tasks")) {
      if (task["status"] != "Succeed") continue;
      add(counts_of(deleted, space, task["repository"]), rule_of(policy),
          task["total"].get<std::uint64_t>() - task["retained"].get<std::uint64_t>());
    }
  }
  return {{"repo_namespace", space}, {"executions", ends.ended}, {"in_progress", ends.open}};
}

}  // namespace

Json walk_instance(const std::function<Json(const std::string& target)>& get, std::size_t page_size,
                   std::size_t& rows) {
  Walk walk(get, page_size);
  std::string instance = kInstances;
  for (const Json& each : walk.all(kInstances, "instances")) {
    if (each["name"] == "demo-enterprise") instance += "/" + each["id"].get<std::string>();
  }
  Deleted deleted;
  Json retentions = Json::array();
  for (const Json& policy : walk.all(instance + "/retention/policies", "retentions")) {
    retentions.push_back(count_retentions(walk, instance, policy, deleted));
  }
  Json repositories = Json::array();
  for (const Json& each : walk.all(instance + "/repositories", "repositories")) {
    const std::string space = each["namespace_name"];
    repositories.push_back({{"repo_namespace", space},
                            {"repo", each["name"]},
                            {"deletions", counts_of(deleted, space, each["name"])}});
  }
  const Json replications = count_replications(walk, instance);
  rows += walk.rows_read;
  return {
      {"retentions", retentions}, {"repositories", repositories}, {"replications", replications}};
}

}  // namespace registry_exporter::simulator
