#include "tests/simulator/ee_wire.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <nlohmann/json.hpp>

#include "exporter/base/time_text.h"
#include "tests/simulator/swr_wire.h"

namespace registry_exporter::simulator {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLimitDefault = 10;
constexpr std::size_t kLimitMax = 100;
constexpr const char* kUnset = "0001-01-01T00:00:00.000Z";

net::HttpResponse respond(int status, const Json& body, UnixMillis now) {
  return {.status = status,
          .headers = {{"date", format_http_date(now)},
                      {"content-type", "application/json; charset=utf-8"},
                      {"x-request-id", "ee"}},
          .body = body.dump()};
}

/// The documents show both: the code alone, and beside it the older form of errors.
net::HttpResponse refuse(const EeCall& call, int status, std::string_view code,
                         std::string_view message) {
  if (call.lies.dice % 2 == 0) return swr_error(status, code, message, call.now);
  return respond(status, {{"error_code", code}, {"error_msg", message}}, call.now);
}

net::HttpResponse not_found(const EeCall& call, std::string_view what) {
  return refuse(call, 404, "SWR.404001", std::string(what) + " is not found.");
}

/// What a list was asked for.
struct Paging {
  std::size_t limit = kLimitDefault;
  std::size_t offset = 0;
  bool good = true;
};

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// limit and offset go together; the offset is a multiple of the limit.
Paging paging_of(const QueryPairs& query) {
  const bool has_limit = has_key(query, "limit");
  if (has_limit != has_key(query, "offset")) return {.good = false};
  if (!has_limit) return {};
  const auto limit = whole_number(value_of(query, "limit"));
  const auto offset = whole_number(value_of(query, "offset"));
  const bool good = limit && offset && *limit >= 1 && *limit <= kLimitMax && *offset % *limit == 0;
  if (!good) return {.good = false};
  return {.limit = *limit, .offset = *offset, .good = true};
}

/// A list that can be asked for by pages.
struct List {
  const char* key;
  std::size_t size;
  std::function<Json(std::size_t)> row;
};

net::HttpResponse answer_list(const WorldOptions& options, const EeCall& call, const List& list) {
  const Paging paging = paging_of(call.query);
  if (!paging.good) return refuse(call, 400, "SWR.400001", "limit or offset is invalid.");
  const Lies& lies = call.lies;
  std::size_t limit = paging.limit;
  if (options.page_size_max > 0) {
    limit = std::min(limit, static_cast<std::size_t>(options.page_size_max));
  }
  const std::size_t first = lies.first_page ? 0 : paging.offset;
  const std::size_t end = std::min(list.size, first + limit);
  Json rows = Json::array();
  for (std::size_t i = first; i < end && !lies.empty; ++i) rows.push_back(list.row(i));
  const auto about = static_cast<std::ptrdiff_t>(list.size) + lies.total_off;
  const auto total = static_cast<std::size_t>(std::max<std::ptrdiff_t>(about, 0));
  const auto said = said_total(options.lasting.totals, total, rows.size(), lies.dice);
  Json body;
  if (said) body["total"] = *said;
  if (said && lies.loose) body["total"] = std::to_string(*said);
  if (options.lasting.totals == Totals::null) body["total"] = nullptr;
  body[list.key] = std::move(rows);
  return respond(200, body, call.now);
}

Json number(const EeCall& call, std::int64_t value) {
  if (call.lies.loose) return std::to_string(value);
  return value;
}

// ── Executions ───────────────────────────────────────────────────────────────────────────────────

const char* status_of(const EeCall& call, bool open, RunEnd end) {
  const bool harbor = call.lies.loose;
  if (open && harbor && call.lies.dice % 5 == 4) return "Preparing";  // In nobody's documents.
  if (open) return harbor ? "Running" : "InProgress";
  switch (end) {
    case RunEnd::success:
      return harbor ? "Success" : "Succeed";
    case RunEnd::failed:
      return harbor ? "Error" : "Failed";
    case RunEnd::stopped:
      return "Stopped";
    case RunEnd::other:
      break;
  }
  return "Expired";  // In nobody's documents.
}

/// Whether a run is said to be under way.
bool is_open(const EeCall& call, const EeRun& run) {
  const bool taken_back =
      call.lies.regressed && (static_cast<std::uint64_t>(run.id) ^ call.lies.dice) % 3 == 0;
  return !run.ended_at || taken_back;
}

/// No document says what the end of a run is before it has one.
void put_unset(Json& row, const EeCall& call, const char* key) {
  switch (call.lies.loose ? call.lies.dice % 4 : 0) {
    case 0:
      row[key] = kUnset;
      return;
    case 1:
      row[key] = "";
      return;
    case 2:
      row[key] = nullptr;
      return;
    default:
      return;
  }
}

void put_times(Json& row, const EeCall& call, const EeRun& run, const char* start,
               const char* end) {
  row[start] = format_rfc3339_millis(run.started_at);
  if (is_open(call, run)) {
    put_unset(row, call, end);
  } else {
    row[end] = format_rfc3339_millis(*run.ended_at);
  }
}

Json retention_json(const EeCall& call, const EeNamespace& space, const EeRetention& retention) {
  Json row = {{"id", number(call, retention.run.id)},
              {"policy_id", number(call, space.policy_id)},
              {"dry_run", retention.dry_run},
              {"status", status_of(call, is_open(call, retention.run), retention.run.end)}};
  if (call.lies.loose) {
    row["dry_run"] = retention.dry_run ? "true" : "false";
    row["trigger"] = retention.scheduled ? "SCHEDULE" : "Manual";
  } else {
    row["trigger"] = retention.scheduled ? "scheduled" : "manual";
  }
  put_times(row, call, retention.run, "start_time", "end_time");
  return row;
}

Json task_json(const EeCall& call, const EeNamespace& space, const EeRetention& retention,
               const EeTask& task) {
  const bool open = is_open(call, retention.run);
  Json row = {{"id", number(call, task.id)},
              {"execution_id", number(call, retention.run.id)},
              {"repository", space.repositories[task.repository].name},
              {"job_id", "5f0c9a7e1d2b" + std::to_string(task.id)},
              {"status", status_of(call, open, task.end)},
              {"status_code", open ? 1 : 3},
              {"status_revision", 1'772'496'001},
              {"total", number(call, open ? 0 : task.total)},
              {"retained", number(call, open ? 0 : task.retained)}};
  if (call.lies.loose) row["job_id"] = task.id;
  put_times(row, call, retention.run, "start_time", "end_time");
  return row;
}

Json replication_json(const WorldOptions& options, const EeCall& call,
                      const EeReplication& replication) {
  const bool open = is_open(call, replication.run);
  const auto& artifacts = replication.artifacts;
  const std::uint32_t total = artifacts[0] + artifacts[1] + artifacts[2];
  const auto ended = [&](std::uint32_t count) { return number(call, open ? 0 : count); };
  Json row = {{"id", number(call, replication.run.id)},
              {"policy_id", number(call, replication.policy_id)},
              {"status", status_of(call, open, replication.run.end)},
              {"status_text", ""},
              {"trigger", call.lies.loose ? "EVENT_BASED" : "event_based"},
              {"total", number(call, total)},
              {"failed", ended(artifacts[1])},
              {"succeed", ended(artifacts[0])},
              {"in_progress", number(call, open ? total : 0)},
              {"stopped", ended(artifacts[2])}};
  // Which of its times the cloud shows is not known.
  if (!options.replications_tell_times) return row;
  if (call.lies.loose && call.lies.dice / 4 % 2 == 0) {
    put_times(row, call, replication.run, "start_time", "end_time");
    return row;
  }
  const UnixMillis changed = open ? call.now : *replication.run.ended_at;
  row["created_at"] = format_rfc3339_millis(replication.run.started_at);
  row["updated_at"] = format_rfc3339_millis(changed);
  return row;
}

// ── Lists ────────────────────────────────────────────────────────────────────────────────────────

net::HttpResponse list_instances(const EeWorld& world, const WorldOptions& options,
                                 const EeCall& call) {
  const std::array<std::pair<std::string, std::string>, 2> instances = {
      std::pair{std::string("0c3e5a1f-2b7d-4e9c-8f10-5e6b1d2f3a4c"), "staging"},
      std::pair{world.instance_id(), "demo-enterprise"}};
  return answer_list(options, call, {"instances", instances.size(), [&](std::size_t i) {
                                       return Json{{"id", instances[i].first},
                                                   {"name", instances[i].second},
                                                   {"spec", "swr.ee.professional"},
                                                   {"status", "Running"},
                                                   {"project_id", call.project_id}};
                                     }});
}

net::HttpResponse list_repositories(const EeWorld& world, const WorldOptions& options,
                                    const EeCall& call) {
  std::vector<std::pair<const EeNamespace*, const EeRepository*>> all;
  for (const EeNamespace& space : world.namespaces()) {
    for (const EeRepository& repository : space.repositories) all.emplace_back(&space, &repository);
  }
  return answer_list(options, call, {"repositories", all.size(), [&](std::size_t i) {
                                       const auto& [space, repository] = all[i];
                                       return Json{
                                           {"id", number(call, repository->id)},
                                           {"name", repository->name},
                                           {"namespace_name", space->name},
                                           {"tag_count", repository->versions()},
                                           {"artifact_count", repository->versions()},
                                           {"pull_count", repository->pushed},
                                           {"created_at", format_rfc3339(repository->created_at)},
                                           {"updated_at", kUnset}};
                                     }});
}

net::HttpResponse list_retention_policies(const EeWorld& world, const WorldOptions& options,
                                          const EeCall& call) {
  std::vector<const EeNamespace*> all;
  for (const EeNamespace& space : world.namespaces()) {
    if (space.policy_id != 0) all.push_back(&space);
  }
  return answer_list(
      options, call,
      {"retentions", all.size(), [&](std::size_t i) {
         Json rules = Json::array();
         for (const std::string& name : all[i]->templates) {
           rules.push_back({{"template", name},
                            {"action", "retain"},
                            {"params", {{name, all[i]->keep}}},
                            {"disabled", false}});
         }
         return Json{
             {"id", number(call, all[i]->policy_id)},
             {"name", all[i]->name + "-retention"},
             {"enabled", true},
             {"algorithm", "or"},
             {"namespace_name", all[i]->name},
             {"rules", rules},
             {"trigger", {{"type", "scheduled"}, {"trigger_settings", {{"cron", "0 0 * * * *"}}}}}};
       }});
}

net::HttpResponse list_replication_policies(const EeWorld& world, const WorldOptions& options,
                                            const EeCall& call) {
  const auto& all = world.replication_policies();
  return answer_list(options, call, {"policies", all.size(), [&](std::size_t i) {
                                       return Json{{"id", number(call, all[i].id)},
                                                   {"name", all[i].name},
                                                   {"dest_registry", {{"id", 1}}},
                                                   {"enabled", true}};
                                     }});
}

net::HttpResponse list_replications(const EeWorld& world, const WorldOptions& options,
                                    const EeCall& call) {
  const std::string_view wanted = value_of(call.query, "policy_id");
  auto all = world.listed_replications(call.lies.rows_hidden);
  std::erase_if(all, [&](const EeReplication* each) {
    return !wanted.empty() && std::to_string(each->policy_id) != wanted;
  });
  return answer_list(options, call, {"executions", all.size(), [&](std::size_t i) {
                                       return replication_json(options, call, *all[i]);
                                     }});
}

/// Another namespace whose executions are taken for those that were asked for.
const EeNamespace& other_namespace(const EeWorld& world, const EeNamespace& than) {
  for (const EeNamespace& other : world.namespaces()) {
    if (&other != &than && !other.executions.empty()) return other;
  }
  return than;
}

net::HttpResponse list_retentions(const EeWorld& world, const WorldOptions& options,
                                  const EeCall& call, const EeNamespace& asked) {
  const EeNamespace& space = call.lies.other_repository ? other_namespace(world, asked) : asked;
  const auto all = world.listed(space, call.lies.rows_hidden);
  return answer_list(options, call, {"executions", all.size(), [&](std::size_t i) {
                                       return retention_json(call, space, *all[i]);
                                     }});
}

net::HttpResponse list_tasks(const EeWorld& world, const WorldOptions& options, const EeCall& call,
                             const EeNamespace& space, std::string_view execution_id) {
  const auto& all = space.executions;
  auto found = std::find_if(all.begin(), all.end(), [&](const EeRetention& each) {
    return std::to_string(each.run.id) == execution_id;
  });
  if (found == all.end() || world.is_removed(found->run)) return not_found(call, "The execution");
  if (call.lies.other_repository) found = all.begin();
  const EeRetention& retention = *found;
  return answer_list(options, call, {"tasks", retention.tasks.size(), [&](std::size_t i) {
                                       return task_json(call, space, retention, retention.tasks[i]);
                                     }});
}

/// …/namespaces/{ns}/retention/policies/{id}/executions[/{id}/tasks]
net::HttpResponse below_namespace(const EeWorld& world, const WorldOptions& options,
                                  const EeCall& call) {
  const auto& path = call.path;
  const EeNamespace* space = world.find(path[5]);
  if (space == nullptr) return not_found(call, "The namespace");
  const auto& former = space->former_policies;
  const auto had = [&](std::int64_t id) { return std::to_string(id) == path[8]; };
  if (std::any_of(former.begin(), former.end(), had)) {
    return refuse(call, 400, "SWR.400003", "The retention policy does not exist.");
  }
  if (space->policy_id == 0 || !had(space->policy_id)) return not_found(call, "The policy");
  if (world.is_denied(*space)) {
    return refuse(call, 403, "SVCSTG.SWR.4030170", "You do not have permission.");
  }
  if (path.size() == 10) return list_retentions(world, options, call, *space);
  return list_tasks(world, options, call, *space, path[10]);
}

bool ends_with(const std::vector<std::string>& path, std::initializer_list<const char*> words) {
  return path.size() == 4 + words.size() &&
         std::equal(words.begin(), words.end(),
                    path.end() - static_cast<std::ptrdiff_t>(words.size()));
}

bool is_below_namespace(const std::vector<std::string>& path) {
  const bool executions = path.size() >= 10 && path[4] == "namespaces" && path[6] == "retention" &&
                          path[7] == "policies" && path[9] == "executions";
  return executions && (path.size() == 10 || (path.size() == 12 && path[11] == "tasks"));
}

}  // namespace

bool is_ee_path(const std::vector<std::string>& path) {
  return path.size() >= 3 && path[0] == "v2" && path[1] != "manage" && path[2] == "instances";
}

net::HttpResponse answer_ee(const EeWorld& world, const WorldOptions& options, const EeCall& call) {
  const auto& path = call.path;
  const auto no_such_url = [&] {
    return gateway_error(404, "APIGW.0101", "The API does not exist or has not been published.",
                         call.now);
  };
  if (call.request.method != "GET") return no_such_url();
  if (path[1] != call.project_id) return not_found(call, "The project");
  if (path.size() == 3) return list_instances(world, options, call);
  if (path[3] != world.instance_id()) return not_found(call, "The instance");
  if (ends_with(path, {"repositories"})) return list_repositories(world, options, call);
  if (ends_with(path, {"retention", "policies"})) {
    return list_retention_policies(world, options, call);
  }
  if (ends_with(path, {"replication", "policies"})) {
    return list_replication_policies(world, options, call);
  }
  if (ends_with(path, {"replication", "executions"})) {
    return list_replications(world, options, call);
  }
  return is_below_namespace(path) ? below_namespace(world, options, call) : no_such_url();
}

std::string_view ee_operation(std::string_view raw_path) {
  if (raw_path.ends_with("/instances")) return "ListInstance";
  if (raw_path.ends_with("/repositories")) return "ListInstanceRepositories";
  if (raw_path.ends_with("/retention/policies")) return "ListInstanceRetentionPolicies";
  if (raw_path.ends_with("/replication/policies")) return "ListInstanceReplicationPolicies";
  if (raw_path.ends_with("/replication/executions")) {
    return "ListInstanceReplicationPolicyExecutions";
  }
  if (raw_path.ends_with("/executions")) return "ListInstanceRetentionPolicyExecutions";
  return raw_path.ends_with("/tasks") ? "ListInstanceRetentionPolicyExecTasks" : "";
}

}  // namespace registry_exporter::simulator
