#include "tests/simulator/acr_wire.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "exporter/base/digest.h"
#include "exporter/base/time_text.h"
#include "tests/simulator/event_records.h"
#include "tests/simulator/signatures.h"

namespace registry_exporter::simulator {

/// One request taken apart.
struct AcrCall {
  const WireRequest& request;
  UnixMillis now;
  Lies lies;
  QueryPairs parameters;  ///< Of the query and of a form body together.
  std::string action;
  std::string version;
  bool acs3 = false;
};

struct AcrRefusal {
  int status = 400;
  std::string code;
  std::string message;
};

/// Either a secret or the reason why there is none.
struct AcrWire::Secret {
  std::string value;
  std::optional<AcrRefusal> refusal;
};

namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::minutes kSkewMax{15};
constexpr std::chrono::minutes kNonceMemory{31};
constexpr int kPageSizeMax = 100;
constexpr int kPageSizeDefault = 30;

std::string request_id(UnixMillis now, std::string_view salt) {
  const std::string digits =
      hex(sha256(std::to_string(now.time_since_epoch().count()) + std::string(salt)));
  std::string id = digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-4" + digits.substr(12, 3) +
                   "-8" + digits.substr(15, 3) + "-" + digits.substr(18, 12);
  std::transform(id.begin(), id.end(), id.begin(), [](char c) {
    return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return id;
}

net::HttpResponse respond(int status, const Json& body, UnixMillis now) {
  return {.status = status,
          .headers = {{"date", format_http_date(now)},
                      {"content-type", "application/json;charset=utf-8"},
                      {"x-acs-request-id", body.value("RequestId", "")}},
          .body = body.dump()};
}

void append_xml(std::string& text, const std::string& name, const Json& value) {
  if (value.is_array()) {
    for (const Json& item : value) append_xml(text, name, item);
    return;
  }
  text += "<" + name + ">";
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) append_xml(text, key, inner);
  } else {
    for (const char c : value.is_string() ? value.get<std::string>() : value.dump()) {
      if (c == '<') {
        text += "&lt;";
      } else if (c == '&') {
        text += "&amp;";
      } else {
        text += c;
      }
    }
  }
  text += "</" + name + ">";
}

/// The classic gateway answers in XML unless JSON was asked for.
void turn_into_xml(net::HttpResponse& response, const std::string& root) {
  std::string text = "<?xml version='1.0' encoding='UTF-8'?>";
  append_xml(text, root, Json::parse(response.body));
  response.body = std::move(text);
  for (auto& [name, value] : response.headers) {
    if (name == "content-type") value = "text/xml;charset=utf-8";
  }
}

bool wants_xml(const AcrCall& call) {
  // The newer protocol is known by its headers, even if the signature was forgotten.
  const std::string_view asked = value_of(call.parameters, "Format");
  if (call.acs3 || (asked.empty() && !call.request.header("x-acs-action").empty())) return false;
  std::string format(asked);
  std::transform(format.begin(), format.end(), format.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return format != "json";
}

std::string text_of(UnixMillis time) { return std::to_string(time.time_since_epoch().count()); }

/// nullopt: there, but no whole number.
std::optional<int> integer(const QueryPairs& parameters, std::string_view name, int otherwise) {
  const std::string_view text = value_of(parameters, name);
  if (text.empty()) return otherwise;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct PageWanted {
  int number = 1;
  int size = kPageSizeDefault;    ///< Rows at the most.
  int echoed = kPageSizeDefault;  ///< The size that the answer tells.
  std::size_t begin = 0;          ///< Its first row.
  std::size_t first() const { return begin; }
};

std::optional<PageWanted> page_of(const AcrCall& call, const WorldOptions& options) {
  const auto number = integer(call.parameters, "PageNo", 1);
  const auto size = integer(call.parameters, "PageSize", kPageSizeDefault);
  if (!number || !size || *number < 1 || *size < 1) return std::nullopt;
  const int asked = std::min(*size, kPageSizeMax);
  const int largest = options.page_size_max > 0 ? options.page_size_max : kPageSizeMax;
  const int given = std::min(asked, largest);
  const int step = options.lasting.cuts_by_offset ? asked : given;
  return PageWanted{*number, given, options.lasting.echoes_asked_size ? asked : given,
                    (static_cast<std::size_t>(*number) - 1) * static_cast<std::size_t>(step)};
}

Json success(const AcrCall& call) {
  const std::string_view nonce = call.acs3 ? call.request.header("x-acs-signature-nonce")
                                           : value_of(call.parameters, "SignatureNonce");
  return {{"RequestId", request_id(call.now, nonce)}, {"Code", "success"}, {"IsSuccess", true}};
}

net::HttpResponse bad_page(const AcrCall& call) {
  return acr_error(400, "InvalidParameter", "The specified PageNo or PageSize is invalid.",
                   call.now);
}

net::HttpResponse missing(const AcrCall& call, const std::string& name) {
  return acr_error(400, "Missing" + name, name + " is mandatory for this action.", call.now);
}

void put_page(Json& body, const PageWanted& page, std::size_t total, bool as_text) {
  body["PageNo"] = page.number;
  body["PageSize"] = page.echoed;
  if (as_text) {
    body["TotalCount"] = std::to_string(total);
  } else {
    body["TotalCount"] = total;
  }
}

/// The same with the total as this world's servers tell it.
void put_page(Json& body, const PageWanted& page, std::size_t total, const AcrCall& call,
              const World& world) {
  const std::size_t end = std::min(total, page.first() + static_cast<std::size_t>(page.size));
  const std::size_t rows = end - std::min(page.first(), end);
  const Totals totals = world.options().lasting.totals;
  const auto said = said_total(totals, total, rows, call.lies.dice);
  put_page(body, page, said.value_or(0), !call.lies.loose);
  if (totals == Totals::missing) body.erase("TotalCount");
  if (totals == Totals::null) body["TotalCount"] = nullptr;
}

/// What a place that is broken for good answers.
net::HttpResponse broken_for_good(const AcrCall& call, const World& world) {
  switch (world.options().lasting.answer) {
    case Broken::bad_request:
      return acr_error(400, "InvalidParameter", "The specified PageNo is too large.", call.now);
    case Broken::forbidden:
      return acr_error(403, "NoPermission", "You are not authorized to do this action.", call.now);
    case Broken::server_error:
      return acr_error(500, "InternalError", "The request processing has failed.", call.now);
    case Broken::never:
      break;
  }
  return {.status = kNeverAnswered, .headers = {}, .body = {}};
}

net::HttpResponse list_instances(const World& world, const AcrAccount& account,
                                 const AcrCall& call) {
  const auto page = page_of(call, {});
  if (!page) return bad_page(call);
  Json body = success(call);
  put_page(body, *page, 1, false);
  body["Instances"] = Json::array();
  if (page->number == 1) {
    body["Instances"].push_back({{"InstanceId", account.instance_id},
                                 {"InstanceName", "demo"},
                                 {"InstanceStatus", "RUNNING"},
                                 {"InstanceSpecification", "Enterprise_Advanced"},
                                 {"InstanceIssue", ""},
                                 {"RegionId", account.region},
                                 {"ResourceGroupId", "rg-demo"},
                                 {"CreateTime", text_of(world.acr().front().created_at)},
                                 {"ModifiedTime", text_of(world.acr().front().created_at)},
                                 {"Tags", Json::array()}});
  }
  return respond(200, body, call.now);
}

net::HttpResponse get_instance(const World& world, const AcrAccount& account, const AcrCall& call) {
  Json body = success(call);
  body["InstanceId"] = account.instance_id;
  body["InstanceName"] = "demo";
  body["InstanceStatus"] = "RUNNING";
  body["InstanceSpecification"] = "Enterprise_Advanced";
  body["InstanceIssue"] = "";
  body["ResourceGroupId"] = "rg-demo";
  const auto created = world.acr().front().created_at.time_since_epoch().count();
  body["CreateTime"] = created;
  body["ModifiedTime"] = created;
  return respond(200, body, call.now);
}

net::HttpResponse list_namespaces(const World& world, const AcrAccount& account,
                                  const AcrCall& call) {
  const auto page = page_of(call, world.options());
  if (!page) return bad_page(call);
  const std::string_view wanted = value_of(call.parameters, "NamespaceName");
  std::vector<std::string> matched;
  for (const std::string& name : world.acr_namespaces()) {
    if (wanted.empty() || name == wanted) matched.push_back(name);
  }
  Json body = success(call);
  put_page(body, *page, matched.size(), call, world);
  body["Namespaces"] = Json::array();
  const std::size_t end =
      std::min(matched.size(), page->first() + static_cast<std::size_t>(page->size));
  for (std::size_t i = page->first(); i < end; ++i) {
    body["Namespaces"].push_back({{"InstanceId", account.instance_id},
                                  {"NamespaceId", "crn-" + matched[i]},
                                  {"NamespaceName", matched[i]},
                                  {"NamespaceStatus", "NORMAL"},
                                  {"AutoCreateRepo", true},
                                  {"DefaultRepoType", "PRIVATE"},
                                  {"ResourceGroupId", "rg-demo"}});
  }
  return respond(200, body, call.now);
}

Json repository_json(const AcrRepository& repository, const AcrAccount& account) {
  return {{"InstanceId", account.instance_id},
          {"RepoId", repository.id},
          {"RepoName", repository.name},
          {"RepoNamespaceName", repository.repo_namespace},
          {"RepoStatus", "NORMAL"},
          {"RepoType", "PRIVATE"},
          {"RepoBuildType", "MANUAL"},
          {"Summary", ""},
          {"TagImmutability", false},
          {"CreateTime", repository.created_at.time_since_epoch().count()},
          {"ModifiedTime", repository.modified_at.time_since_epoch().count()},
          {"ResourceGroupId", "rg-demo"}};
}

net::HttpResponse list_repositories(const World& world, const AcrAccount& account,
                                    const AcrCall& call) {
  const auto page = page_of(call, world.options());
  if (!page) return bad_page(call);
  const std::string_view space = value_of(call.parameters, "RepoNamespaceName");
  const std::string_view name = value_of(call.parameters, "RepoName");
  const std::string_view status = value_of(call.parameters, "RepoStatus");
  const bool none = !status.empty() && status != "NORMAL" && status != "ALL";
  std::vector<const AcrRepository*> matched;
  for (const AcrRepository& repository : world.acr()) {
    const bool fits = !none && (space.empty() || repository.repo_namespace == space) &&
                      (name.empty() || repository.name == name);
    if (fits) matched.push_back(&repository);
  }
  Json body = success(call);
  put_page(body, *page, matched.size(), call, world);
  body["Repositories"] = Json::array();
  const std::size_t end =
      std::min(matched.size(), page->first() + static_cast<std::size_t>(page->size));
  for (std::size_t i = page->first(); i < end; ++i) {
    body["Repositories"].push_back(repository_json(*matched[i], account));
  }
  return respond(200, body, call.now);
}

net::HttpResponse get_repository(const World& world, const AcrAccount& account,
                                 const AcrCall& call) {
  const std::string_view id = value_of(call.parameters, "RepoId");
  const std::string_view space = value_of(call.parameters, "RepoNamespaceName");
  const std::string_view name = value_of(call.parameters, "RepoName");
  if (id.empty() && (space.empty() || name.empty())) return missing(call, "RepoId");
  for (const AcrRepository& repository : world.acr()) {
    const bool fits = id.empty() ? repository.repo_namespace == space && repository.name == name
                                 : repository.id == id;
    if (!fits) continue;
    Json body = success(call);
    body.update(repository_json(repository, account));
    return respond(200, body, call.now);
  }
  return acr_business_error("REPO_NOT_EXIST", call.now);
}

/// An ended build that this answer says is still running.
bool is_regressed(const Lies& lies, const Build& build) {
  return lies.regressed && build.ended_at && (build.tag + lies.dice) % 3 == 0;
}

Json build_json(const World& world, const AcrRepository& repository, const Build& build,
                const Lies& lies) {
  const bool ended = build.ended_at.has_value() && !is_regressed(lies, build);
  Json row = {{"BuildRecordId", build.id},
              {"BuildStatus", ended ? world.status_of(build) : "BUILDING"},
              {"StartTime", text_of(build.started_at)},
              {"EndTime", ended ? text_of(*build.ended_at) : ""},
              {"Image",
               {{"RepoId", repository.id},
                {"RepoName", repository.name},
                {"RepoNamespaceName", repository.repo_namespace},
                {"ImageTag", "v" + std::to_string(build.tag)}}}};
  if (!build.ended_at) row["BuildStatus"] = world.status_of(build);
  if (!lies.loose) return row;
  row["StartTime"] = build.started_at.time_since_epoch().count();
  if (ended) {
    row["EndTime"] = build.ended_at->time_since_epoch().count();
    row["BuildStatus"] = " " + row["BuildStatus"].get<std::string>();
  } else {
    row["EndTime"] = lies.dice % 2 == 0 ? Json(0) : Json(nullptr);
  }
  return row;
}

/// Any other one whose list is not empty.
const AcrRepository* other_repository(const World& world, const AcrRepository* than) {
  for (const AcrRepository& other : world.acr()) {
    if (&other != than && !other.builds.empty()) return &other;
  }
  return than;
}

net::HttpResponse list_builds(const World& world, const AcrCall& call) {
  const std::string_view id = value_of(call.parameters, "RepoId");
  if (id.empty()) return missing(call, "RepoId");
  auto page = page_of(call, world.options());
  if (!page) return bad_page(call);
  const Lies& lies = call.lies;
  const AcrRepository* repository = world.find_acr(id);
  if (repository == nullptr) return acr_business_error("REPO_NOT_EXIST", call.now);
  if (world.is_denied(*repository)) {
    return acr_error(403, "NoPermission", "You are not authorized to do this action.", call.now);
  }
  if (lies.other_repository) repository = other_repository(world, repository);
  const LastingFaults& lasting = world.options().lasting;
  if (lasting.breaks_repository(repository->index)) return broken_for_good(call, world);
  const auto builds = world.listed(*repository, lies.rows_hidden);
  const auto total = static_cast<std::ptrdiff_t>(builds.size()) + lies.total_off;
  Json body = success(call);
  put_page(body, *page, static_cast<std::size_t>(std::max<std::ptrdiff_t>(total, 0)), call, world);
  Json records = Json::array();
  const std::size_t first = lies.first_page ? 0 : page->first();
  const std::size_t end = std::min(builds.size(), first + static_cast<std::size_t>(page->size));
  if (lasting.is_too_deep(first, end)) return broken_for_good(call, world);
  for (std::size_t i = first; i < end && !lies.empty; ++i) {
    if (lasting.breaks_record(builds[i]->tag)) return broken_for_good(call, world);
    records.push_back(build_json(world, *repository, *builds[i], lies));
  }
  body["BuildRecords"] = std::move(records);
  return respond(200, body, call.now);
}

net::HttpResponse get_build(const World& world, const AcrCall& call) {
  const std::string_view id = value_of(call.parameters, "BuildRecordId");
  if (id.empty()) return missing(call, "BuildRecordId");
  const auto [repository, build] = world.find_build(id);
  if (build == nullptr) return acr_business_error("BUILD_RECORD_NOT_EXIST", call.now);
  if (world.options().lasting.breaks_id(build->tag)) return broken_for_good(call, world);
  const auto end = build->ended_at ? build->ended_at->time_since_epoch().count() : 0;
  Json body = success(call);
  body["BuildRecordId"] = build->id;
  body["Status"] = world.status_of(*build);
  body["StartTime"] = build->started_at.time_since_epoch().count();
  body["EndTime"] = end;
  body["Image"] = {{"RepoName", repository->name},
                   {"RepoNamespaceName", repository->repo_namespace},
                   {"ImageTag", "v" + std::to_string(build->tag)}};
  return respond(200, body, call.now);
}

/// The ends of a task: one of them is ours.
Json sync_image(const SyncTask& task, const AcrAccount& account, bool ours) {
  return {{"RegionId", ours ? account.region : "other-region"},
          {"InstanceId", ours ? account.instance_id : "cri-other"},
          {"RepoNamespaceName", ours ? task.repo_namespace : "mirror"},
          {"RepoName", task.repo},
          {"ImageTag", "v" + std::to_string(task.tag)}};
}

/// Of three spellings of the last change a world has one, or both.
void put_last_change(Json& row, std::int64_t change, std::uint64_t seed) {
  if (seed % 3 != 1) row["ModifedTime"] = change;
  if (seed % 3 != 0) row["ModifiedTime"] = change;
}

Json sync_json(const World& world, const AcrAccount& account, const SyncTask& task,
               const Lies& lies) {
  const bool regressed = lies.regressed && task.ended_at && (task.tag + lies.dice) % 3 == 0;
  const UnixMillis change = task.ended_at.value_or(task.created_at);
  Json row = {{"SyncTaskId", task.id},
              {"SyncBatchTaskId", task.batch_id},
              {"SyncRuleId", task.rule_id},
              {"TaskStatus", regressed ? "SYNCHRONIZING" : world.syncs().status_of(task)},
              {"TaskTrigger", task.tag % 5 == 0 ? "INITIATIVE" : "PASSIVE"},
              {"CreateTime", task.created_at.time_since_epoch().count()},
              {"CrossUser", false},
              {"CustomLink", false},
              {"SyncTransAccelerate", false},
              {"ImageFrom", sync_image(task, account, !task.incoming)},
              {"ImageTo", sync_image(task, account, task.incoming)}};
  put_last_change(row, change.time_since_epoch().count(), world.options().seed);
  if (task.ended_at && task.end == 1) row["TaskIssue"] = "TAG_CONFLICT";
  if (!lies.loose) return row;
  row["CreateTime"] = text_of(task.created_at);
  row["SyncRuleId"] = lies.dice % 2 == 0 ? Json("") : Json(nullptr);
  row["TaskTrigger"] = "null";
  row["TaskStatus"] = " " + row["TaskStatus"].get<std::string>();
  return row;
}

/// Of the whole instance; the filters are those of the repository's side that is ours.
std::vector<const SyncTask*> matching_syncs(const World& world, const AcrCall& call) {
  std::vector<const SyncTask*> tasks = world.listed_syncs(call.lies.rows_hidden);
  const auto filter = [&](const char* parameter, auto field) {
    const std::string_view wanted = value_of(call.parameters, parameter);
    if (wanted.empty()) return;
    std::erase_if(tasks, [&](const SyncTask* task) { return field(*task) != wanted; });
  };
  filter("RepoNamespaceName", [](const SyncTask& task) { return task.repo_namespace; });
  filter("RepoName", [](const SyncTask& task) { return task.repo; });
  filter("SyncRecordId", [](const SyncTask& task) { return task.batch_id; });
  return tasks;
}

net::HttpResponse list_sync_tasks(const World& world, const AcrAccount& account,
                                  const AcrCall& call) {
  const auto page = page_of(call, world.options());
  if (!page) return bad_page(call);
  const Lies& lies = call.lies;
  const LastingFaults& lasting = world.options().lasting;
  const auto tasks = matching_syncs(world, call);
  const auto total = static_cast<std::ptrdiff_t>(tasks.size()) + lies.total_off;
  Json body = success(call);
  put_page(body, *page, static_cast<std::size_t>(std::max<std::ptrdiff_t>(total, 0)), call, world);
  const std::size_t first = lies.first_page ? 0 : page->first();
  const std::size_t end = std::min(tasks.size(), first + static_cast<std::size_t>(page->size));
  if (lasting.is_too_deep(first, end)) return broken_for_good(call, world);
  body["SyncTasks"] = Json::array();
  for (std::size_t i = first; i < end && !lies.empty; ++i) {
    if (lasting.breaks_record(tasks[i]->tag)) return broken_for_good(call, world);
    body["SyncTasks"].push_back(sync_json(world, account, *tasks[i], lies));
  }
  return respond(200, body, call.now);
}

/// It tells no time at all.
net::HttpResponse get_sync_task(const World& world, const AcrAccount& account,
                                const AcrCall& call) {
  const std::string_view id = value_of(call.parameters, "SyncTaskId");
  if (id.empty()) return missing(call, "SyncTaskId");
  for (const SyncTask& task : world.syncs().all()) {
    if (task.id != id || world.is_removed(task.absence)) continue;
    Json body = success(call);
    body.update(sync_json(world, account, task, {}));
    for (const char* key : {"CreateTime", "ModifedTime", "ModifiedTime", "CustomLink"}) {
      body.erase(key);
    }
    body["Progress"] = task.ended_at && task.end == 0 ? 1 : 0;
    body["SyncedSize"] = 0;
    body["LayerTasks"] = Json::array();
    return respond(200, body, call.now);
  }
  return acr_business_error("SYNC_TASK_NOT_EXIST", call.now);
}

/// What rules told others; GET alone.
net::HttpResponse list_events(const World& world, const AcrAccount& account, const AcrCall& call) {
  if (call.request.method != "GET") {
    return acr_error(405, "UnsupportedHTTPMethod", "This http method is not supported.", call.now);
  }
  const auto page = page_of(call, world.options());
  if (!page) return bad_page(call);
  if (world.options().events == Events::forbidden) {
    return acr_error(403, "NoPermission", "You are not authorized to do this action.", call.now);
  }
  std::vector<EventRecord> records =
      event_records(world, static_cast<std::uint64_t>(call.now.time_since_epoch().count()));
  for (const auto& [parameter, field] :
       {std::pair{"EventType", &EventRecord::type},
        std::pair{"RepoNamespaceName", &EventRecord::repo_namespace},
        std::pair{"RepoName", &EventRecord::repo}}) {
    const std::string_view wanted = value_of(call.parameters, parameter);
    if (wanted.empty()) continue;
    std::erase_if(records, [&, field = field](const auto& each) { return each.*field != wanted; });
  }
  Json body = success(call);
  put_page(body, *page, records.size(), call.lies.loose);
  body["Records"] = Json::array();
  const std::size_t end =
      std::min(records.size(), page->first() + static_cast<std::size_t>(page->size));
  for (std::size_t i = page->first(); i < end; ++i) {
    const auto at = records[i].at.time_since_epoch().count();
    body["Records"].push_back({{"RecordId", records[i].id},
                               {"RuleId", "crecr-demo"},
                               {"RuleName", "demo"},
                               {"InstanceId", account.instance_id},
                               {"Namespace", records[i].repo_namespace},
                               {"RepoName", records[i].repo},
                               {"Tag", records[i].tag},
                               {"EventType", records[i].type},
                               {"EventChannel", "EVENT_BRIDGE"},
                               {"EventNotifyMethod", "http"},
                               {"EventNotifyId", records[i].id},
                               {"CreateTime", at},
                               {"UpdateTime", at}});
  }
  return respond(200, body, call.now);
}

net::HttpResponse get_build_status(const World& world, const AcrCall& call) {
  const std::string_view repo_id = value_of(call.parameters, "RepoId");
  const std::string_view id = value_of(call.parameters, "BuildRecordId");
  if (repo_id.empty()) return missing(call, "RepoId");
  if (id.empty()) return missing(call, "BuildRecordId");
  if (world.find_acr(repo_id) == nullptr) return acr_business_error("REPO_NOT_EXIST", call.now);
  const auto [repository, build] = world.find_build(id);
  if (build == nullptr || repository->id != repo_id) {
    return acr_business_error("BUILD_RECORD_NOT_EXIST", call.now);
  }
  Json body = success(call);
  body["BuildStatus"] = world.status_of(*build);
  return respond(200, body, call.now);
}

bool is_sts(const AcrCall& call) { return call.version == "2015-04-01"; }

AcrRefusal mismatch(const std::string& to_sign) {
  return {400, "SignatureDoesNotMatch",
          "Specified signature is not matched with our calculation. server string to sign is:" +
              to_sign};
}

/// The clock rule both signatures share.
std::optional<AcrRefusal> admit_time(std::string_view stamp, UnixMillis now) {
  const auto time = stamp.ends_with('Z') ? parse_rfc3339(stamp) : std::nullopt;
  if (!time) {
    return AcrRefusal{400, "IllegalTimestamp", "The input parameter \"Timestamp\" is not valid."};
  }
  if (std::chrono::abs(*time - now) > kSkewMax) {
    return AcrRefusal{400, "InvalidTimeStamp.Expired",
                      "Specified time stamp or date value is expired."};
  }
  return std::nullopt;
}

/// Everything that the scheme wants signed and the request carries.
bool signs_enough(const WireRequest& request, const std::vector<std::string>& names) {
  const auto is_signed = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (!is_signed("host") || !std::is_sorted(names.begin(), names.end())) return false;
  if (!request.body.empty() && !is_signed("content-type")) return false;
  return std::all_of(request.headers.begin(), request.headers.end(), [&](const auto& header) {
    return !header.first.starts_with("x-acs-") || is_signed(header.first);
  });
}

AcrCall take_apart(const WireRequest& request, UnixMillis now, const Lies& lies) {
  AcrCall call{.request = request,
               .now = now,
               .lies = lies,
               .parameters = {},
               .action = {},
               .version = {},
               .acs3 = false};
  call.parameters = parse_query(request.raw_query()).value_or(QueryPairs{});
  const bool is_form =
      request.header("content-type").starts_with("application/x-www-form-urlencoded");
  if (is_form && !request.body.empty()) {
    const QueryPairs form = parse_query(request.body).value_or(QueryPairs{});
    call.parameters.insert(call.parameters.end(), form.begin(), form.end());
  }
  call.acs3 = !request.header("authorization").empty();
  call.action = value_of(call.parameters, "Action");
  call.version = value_of(call.parameters, "Version");
  if (call.acs3 || call.action.empty()) call.action = request.header("x-acs-action");
  if (call.acs3 || call.version.empty()) call.version = request.header("x-acs-version");
  return call;
}

}  // namespace

AcrWire::AcrWire(const World& world, AcrAccount account)
    : world_(world), account_(std::move(account)) {}

std::string acr_action(const WireRequest& request) {
  return take_apart(request, UnixMillis{}, {}).action;
}

net::HttpResponse acr_error(int status, std::string_view code, std::string_view message,
                            UnixMillis now) {
  return respond(status,
                 {{"RequestId", request_id(now, code)},
                  {"HostId", "cr.demo-region.aliyuncs.com"},
                  {"Code", code},
                  {"Message", message},
                  {"Recommend", ""}},
                 now);
}

net::HttpResponse acr_business_error(std::string_view code, UnixMillis now) {
  return respond(200, {{"RequestId", request_id(now, code)}, {"Code", code}, {"IsSuccess", false}},
                 now);
}

net::HttpResponse AcrWire::answer(const WireRequest& request, UnixMillis now, const Lies& lies) {
  const AcrCall call = take_apart(request, now, lies);
  const auto refusal = admit(call);
  net::HttpResponse response =
      refusal ? acr_error(refusal->status, refusal->code, refusal->message, now) : run(call);
  if (wants_xml(call)) turn_into_xml(response, refusal ? "Error" : call.action + "Response");
  return response;
}

std::optional<AcrRefusal> AcrWire::admit(const AcrCall& call) {
  if (call.request.method != "GET" && call.request.method != "POST") {
    return AcrRefusal{405, "UnsupportedHTTPMethod", "This http method is not supported."};
  }
  if (call.action.empty()) {
    return AcrRefusal{400, "MissingAction", "Action is mandatory for this action."};
  }
  if (call.version.empty()) {
    return AcrRefusal{400, "MissingVersion", "Version is mandatory for this action."};
  }
  if (call.version != "2018-12-01" && !is_sts(call)) {
    return AcrRefusal{404, "InvalidApi.NotFound", "Specified api is not found."};
  }
  const bool is_unsigned = is_sts(call) && call.action == "AssumeRoleWithOIDC";
  if (is_unsigned) return std::nullopt;
  return call.acs3 ? admit_acs3(call) : admit_rpc(call);
}

std::optional<AcrRefusal> AcrWire::admit_acs3(const AcrCall& call) {
  const WireRequest& request = call.request;
  const auto authorization = parse_authorization(request.header("authorization"));
  if (!authorization || authorization->scheme != "ACS3-HMAC-SHA256" ||
      !signs_enough(request, authorization->signed_headers)) {
    return AcrRefusal{400, "IncompleteSignature",
                      "The request signature does not conform to Aliyun standards."};
  }
  const Secret secret =
      secret_of(authorization->access_key, request.header("x-acs-security-token"), call.now);
  if (secret.refusal) return secret.refusal;
  if (const auto refusal = admit_time(request.header("x-acs-date"), call.now)) return refusal;
  const auto expected = sign_acs3(request, *authorization, secret.value);
  const bool same_body = request.header("x-acs-content-sha256") == hex(sha256(request.body));
  if (!expected || !same_body ||
      !equal_constant_time(expected->signature, authorization->signature)) {
    return mismatch(expected ? expected->to_sign : "");
  }
  return admit_nonce(request.header("x-acs-signature-nonce"), call.now);
}

std::optional<AcrRefusal> AcrWire::admit_rpc(const AcrCall& call) {
  for (const char* name : {"AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion",
                           "SignatureNonce", "Timestamp"}) {
    if (value_of(call.parameters, name).empty()) {
      return AcrRefusal{400, std::string("Missing") + name,
                        std::string(name) + " is mandatory for this action."};
    }
  }
  if (value_of(call.parameters, "SignatureMethod") != "HMAC-SHA1" ||
      value_of(call.parameters, "SignatureVersion") != "1.0") {
    return AcrRefusal{400, "InvalidParameter", "The signature method is not supported."};
  }
  const Secret secret = secret_of(value_of(call.parameters, "AccessKeyId"),
                                  value_of(call.parameters, "SecurityToken"), call.now);
  if (secret.refusal) return secret.refusal;
  if (const auto refusal = admit_time(value_of(call.parameters, "Timestamp"), call.now)) {
    return refusal;
  }
  const ExpectedSignature expected = sign_rpc(call.request.method, call.parameters, secret.value);
  if (!equal_constant_time(expected.signature, value_of(call.parameters, "Signature"))) {
    return mismatch(expected.to_sign);
  }
  return admit_nonce(value_of(call.parameters, "SignatureNonce"), call.now);
}

std::optional<AcrRefusal> AcrWire::admit_nonce(std::string_view nonce, UnixMillis now) {
  if (nonce.empty()) {
    return AcrRefusal{400, "MissingSignatureNonce", "SignatureNonce is mandatory."};
  }
  if (nonces_.size() > nonces_max_) {
    std::erase_if(nonces_, [&](const auto& used) { return used.second + kNonceMemory < now; });
    nonces_max_ = std::max(nonces_max_, 2 * nonces_.size());
  }
  const auto [used, is_new] = nonces_.try_emplace(std::string(nonce), now);
  if (!is_new && used->second + kNonceMemory >= now) {
    return AcrRefusal{400, "SignatureNonceUsed", "Specified signature nonce was used already."};
  }
  used->second = now;
  return std::nullopt;
}

AcrWire::Secret AcrWire::secret_of(std::string_view access_key_id, std::string_view token,
                                   UnixMillis now) const {
  const auto key = temporary_.find(access_key_id);
  if (key != temporary_.end()) {
    if (key->second.token != token) {
      return {{},
              AcrRefusal{400, "InvalidSecurityToken.Malformed",
                         "Specified SecurityToken is malformed."}};
    }
    if (key->second.expires_at <= now) {
      return {
          {},
          AcrRefusal{400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."}};
    }
    return {key->second.secret, std::nullopt};
  }
  if (access_key_id != account_.access_key_id) {
    return {{},
            AcrRefusal{404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."}};
  }
  if (!token.empty()) {
    return {{},
            AcrRefusal{400, "InvalidSecurityToken.MismatchWithAccessKey",
                       "Specified SecurityToken mismatch with the AccessKey."}};
  }
  return {account_.access_key_secret, std::nullopt};
}

net::HttpResponse AcrWire::run(const AcrCall& call) {
  if (is_sts(call)) return assume_role(call);
  if (call.action == "ListInstance") return list_instances(world_, account_, call);
  constexpr std::array<std::string_view, 10> kKnown = {
      "GetInstance",         "ListNamespace",        "ListRepository",           "GetRepository",
      "ListRepoBuildRecord", "GetRepoBuildRecord",   "GetRepoBuildRecordStatus", "ListRepoSyncTask",
      "GetRepoSyncTask",     "ListEventCenterRecord"};
  if (std::find(kKnown.begin(), kKnown.end(), call.action) == kKnown.end()) {
    return acr_error(404, "InvalidAction.NotFound", "Specified api is not found.", call.now);
  }
  const std::string_view instance = value_of(call.parameters, "InstanceId");
  if (instance.empty()) return missing(call, "InstanceId");
  if (instance != account_.instance_id) return acr_business_error("INSTANCE_NOT_EXIST", call.now);
  if (call.action == "GetInstance") return get_instance(world_, account_, call);
  if (call.action == "ListNamespace") return list_namespaces(world_, account_, call);
  if (call.action == "ListRepository") return list_repositories(world_, account_, call);
  if (call.action == "GetRepository") return get_repository(world_, account_, call);
  if (call.action == "ListRepoBuildRecord") return list_builds(world_, call);
  if (call.action == "GetRepoBuildRecord") return get_build(world_, call);
  if (call.action == "ListRepoSyncTask") return list_sync_tasks(world_, account_, call);
  if (call.action == "ListEventCenterRecord") return list_events(world_, account_, call);
  if (call.action == "GetRepoSyncTask") return get_sync_task(world_, account_, call);
  return get_build_status(world_, call);
}

LentKey AcrWire::lend_key(UnixMillis now, Millis life) {
  const std::string number = std::to_string(++issued_);
  LentKey key{.id = "STS.demo" + number,
              .secret = hex(sha256("secret" + number)),
              .token = base64(hex(sha256("token" + number))),
              .lent_at = now,
              .expires_at = now + std::min(life, life_max_)};
  temporary_[key.id] = key;
  return key;
}

net::HttpResponse AcrWire::assume_role(const AcrCall& call) {
  const bool with_oidc = call.action == "AssumeRoleWithOIDC";
  if (!with_oidc && call.action != "AssumeRole") {
    return acr_error(404, "InvalidAction.NotFound", "Specified api is not found.", call.now);
  }
  for (const char* name : {"RoleArn", "RoleSessionName"}) {
    if (value_of(call.parameters, name).empty()) return missing(call, name);
  }
  if (with_oidc && value_of(call.parameters, "OIDCToken").size() < 4) {
    return missing(call, "OIDCToken");
  }
  const int seconds = integer(call.parameters, "DurationSeconds", 3600).value_or(0);
  if (seconds < 900) {
    return acr_error(400, "InvalidParameter.DurationSeconds",
                     "The Min/Max value of DurationSeconds is 15min/1hr.", call.now);
  }
  if (with_oidc && value_of(call.parameters, "OIDCToken").starts_with("bad")) {
    return acr_error(400, "AuthenticationFail.OIDCToken.Invalid", "This OIDC token is invalid.",
                     call.now);
  }
  const LentKey key = lend_key(call.now, std::chrono::seconds(seconds));
  return respond(200,
                 {{"RequestId", request_id(call.now, key.id)},
                  {"AssumedRoleUser",
                   {{"Arn", value_of(call.parameters, "RoleArn")}, {"AssumedRoleId", "1:demo"}}},
                  {"Credentials",
                   {{"AccessKeyId", key.id},
                    {"AccessKeySecret", key.secret},
                    {"SecurityToken", key.token},
                    {"Expiration", format_rfc3339(key.expires_at)}}}},
                 call.now);
}

}  // namespace registry_exporter::simulator
