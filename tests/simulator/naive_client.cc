#include "tests/simulator/naive_client.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "exporter/base/digest.h"
#include "exporter/base/time_text.h"
#include "tests/simulator/naive_ee.h"
#include "tests/simulator/signatures.h"

namespace registry_exporter::simulator {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kEePageMax = 100;

std::string query_text(const QueryPairs& pairs) {
  std::string text;
  for (const auto& [name, value] : pairs) {
    if (!text.empty()) text += '&';
    text += percent_encode(name) + "=" + percent_encode(value);
  }
  return text;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ";") + name;
  return text;
}

std::vector<std::string> sorted_names(const net::HttpHeaders& headers) {
  std::vector<std::string> names;
  for (const auto& header : headers) names.push_back(header.first);
  std::sort(names.begin(), names.end());
  return names;
}

/// Calls and counts calls.
struct Caller {
  Simulator& simulator;
  UnixMillis now;
  std::size_t calls = 0;

  Json acr(const std::string& action, const QueryPairs& parameters) {
    const std::string nonce =
        action + std::to_string(now.time_since_epoch().count()) + "-" + std::to_string(++calls);
    return parse(simulator.answer(acr_request(action, parameters, now, nonce), now));
  }
  Json swr(const std::string& target) {
    ++calls;
    return parse(simulator.answer(swr_request(target, now), now));
  }
  static Json parse(const Reply& reply) {
    return reply.response.status == 200 ? Json::parse(reply.response.body, nullptr, false)
                                        : Json(Json::value_t::discarded);
  }
};

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

/// The class of a build, or "" while it runs.
std::string class_of(const Json& record) {
  const std::string status = upper(record["BuildStatus"].get<std::string>());
  if (status == "SUCCESS") return "success";
  if (status == "FAILED") return "failed";
  if (status == "CANCELED" || status == "CANCELLED") return "canceled";
  return record["EndTime"].get<std::string>().empty() ? "" : "other";
}

/// Adds the synchronisations of an SWR repository to what is known of it.
void count_swr_syncs(Caller& caller, Json& repository, const std::string& path,
                     std::size_t page_size) {
  Json syncs = {{"success", 0U}, {"failed", 0U}, {"canceled", 0U}, {"other", 0U}};
  std::size_t open = 0;
  for (std::size_t offset = 0;; offset += page_size) {
    const Json answer =
        caller.swr(path + "/sync_job?filter=limit%3A%3A" + std::to_string(page_size) +
                   "%7Coffset%3A%3A" + std::to_string(offset));
    if (!answer.is_array() || answer.empty()) break;
    for (const Json& job : answer) {
      const std::string status = job["status"];
      const bool runs = status == "waiting" || status == "running";
      const char* const end = status == "success"                         ? "success"
                              : status == "failed" || status == "timeout" ? "failed"
                              : status == "cancel"                        ? "canceled"
                                                                          : "other";
      if (runs) {
        ++open;
      } else {
        syncs[end] = syncs[end].get<std::uint64_t>() + 1;
      }
    }
  }
  repository["syncs"] = syncs;
  repository["syncs_in_progress"] = open;
}

/// Adds the synchronisations of a repository to what is known of it.
void count_syncs(Caller& caller, Json& repository, std::size_t page_size) {
  Json syncs = {{"success", 0U}, {"failed", 0U}, {"canceled", 0U}, {"other", 0U}};
  std::size_t open = 0;
  for (int page = 1;; ++page) {
    const Json answer =
        caller.acr("ListRepoSyncTask", {{"InstanceId", "cri-demo"},
                                        {"RepoNamespaceName", repository["repo_namespace"]},
                                        {"RepoName", repository["repo"]},
                                        {"PageNo", std::to_string(page)},
                                        {"PageSize", std::to_string(page_size)}});
    if (!answer.is_object() || answer["SyncTasks"].empty()) break;
    for (const Json& task : answer["SyncTasks"]) {
      const std::string status = upper(task["TaskStatus"].get<std::string>());
      const char* const end = status == "SUCCESS"            ? "success"
                              : status == "ERROR"            ? "failed"
                              : status.starts_with("CANCEL") ? "canceled"
                                                             : nullptr;
      if (end == nullptr) {
        ++open;
      } else {
        syncs[end] = syncs[end].get<std::uint64_t>() + 1;
      }
    }
  }
  repository["syncs"] = syncs;
  repository["syncs_in_progress"] = open;
}

Json count_builds(Caller& caller, const Json& repository, std::size_t page_size,
                  std::size_t& rows) {
  Json builds = {{"success", 0U}, {"failed", 0U}, {"canceled", 0U}, {"other", 0U}};
  std::size_t open = 0;
  for (int page = 1;; ++page) {
    const Json answer =
        caller.acr("ListRepoBuildRecord", {{"InstanceId", "cri-demo"},
                                           {"RepoId", repository["RepoId"]},
                                           {"PageNo", std::to_string(page)},
                                           {"PageSize", std::to_string(page_size)}});
    if (!answer.is_object() || answer["BuildRecords"].empty()) break;
    for (const Json& record : answer["BuildRecords"]) {
      ++rows;
      const std::string end = class_of(record);
      if (end.empty()) {
        ++open;
      } else {
        builds[end] = builds[end].get<std::uint64_t>() + 1;
      }
    }
  }
  return {{"repo_namespace", repository["RepoNamespaceName"]},
          {"repo", repository["RepoName"]},
          {"builds", builds},
          {"in_progress", open}};
}

Json count_deletions(Caller& caller, const Json& repository, std::size_t page_size,
                     std::size_t& rows) {
  Json deletions = {{"date_rule", 0U}, {"tag_rule", 0U}, {"other", 0U}};
  std::string name = repository["name"];
  std::replace(name.begin(), name.end(), '/', '$');
  const std::string path =
      "/v2/manage/namespaces/" + repository["namespace"].get<std::string>() + "/repos/" + name;
  const std::string list =
      path + "/retentions/histories?limit=" + std::to_string(page_size) + "&offset=";
  for (std::size_t offset = 0;; offset += page_size) {
    const Json answer = caller.swr(list + std::to_string(offset));
    if (!answer.is_object() || answer["retention_log"].empty()) break;
    for (const Json& row : answer["retention_log"]) {
      ++rows;
      const Json rule = Json::parse(row["rule_type"].get<std::string>());
      std::string key = rule["template"];
      if (!deletions.contains(key)) key = "other";
      deletions[key] = deletions[key].get<std::uint64_t>() + 1;
    }
  }
  Json counted = {{"repo_namespace", repository["namespace"]},
                  {"repo", repository["name"]},
                  {"deletions", deletions}};
  count_swr_syncs(caller, counted, path, page_size);
  return counted;
}

}  // namespace

WireRequest acr_request(const std::string& action, const QueryPairs& parameters, UnixMillis now,
                        const std::string& nonce, const AcrAccount& account) {
  WireRequest request{.method = "POST", .target = "/", .headers = {}, .body = {}};
  if (!parameters.empty()) request.target += "?" + query_text(parameters);
  request.headers = {{"host", "127.0.0.1:10068"},      {"x-acs-action", action},
                     {"x-acs-version", "2018-12-01"},  {"x-acs-date", format_rfc3339(now)},
                     {"x-acs-signature-nonce", nonce}, {"x-acs-content-sha256", hex(sha256(""))}};
  const Authorization wanted{"ACS3-HMAC-SHA256", account.access_key_id,
                             sorted_names(request.headers), ""};
  const auto expected = sign_acs3(request, wanted, account.access_key_secret);
  request.headers.emplace_back("authorization",
                               "ACS3-HMAC-SHA256 Credential=" + account.access_key_id +
                                   ",SignedHeaders=" + joined(wanted.signed_headers) +
                                   ",Signature=" + (expected ? expected->signature : ""));
  return request;
}

WireRequest acr_rpc_request(const std::string& action, const QueryPairs& parameters, UnixMillis now,
                            const std::string& nonce, const AcrAccount& account) {
  QueryPairs all = {{"Action", action},
                    {"Version", "2018-12-01"},
                    {"Format", "JSON"},
                    {"AccessKeyId", account.access_key_id},
                    {"SignatureMethod", "HMAC-SHA1"},
                    {"SignatureVersion", "1.0"},
                    {"SignatureNonce", nonce},
                    {"SignatureType", ""},
                    {"Timestamp", format_rfc3339(now)}};
  all.insert(all.end(), parameters.begin(), parameters.end());
  all.emplace_back("Signature", sign_rpc("POST", all, account.access_key_secret).signature);
  return {.method = "POST",
          .target = "/",
          .headers = {{"content-type", "application/x-www-form-urlencoded"}},
          .body = query_text(all)};
}

WireRequest swr_request(const std::string& target, UnixMillis now, const SwrAccount& account) {
  WireRequest request{.method = "GET", .target = target, .headers = {}, .body = {}};
  request.headers = {{"host", "127.0.0.1:10068"}, {"x-sdk-date", format_basic(now)}};
  const Authorization wanted{"SDK-HMAC-SHA256", account.access_key, sorted_names(request.headers),
                             ""};
  const auto expected = sign_sdk(request, wanted, account.secret_key);
  request.headers.emplace_back("authorization",
                               "SDK-HMAC-SHA256 Access=" + account.access_key +
                                   ", SignedHeaders=" + joined(wanted.signed_headers) +
                                   ", Signature=" + (expected ? expected->signature : ""));
  return request;
}

Walked walk_everything(Simulator& simulator, UnixMillis now, std::size_t page_size) {
  Caller caller{simulator, now};
  Walked walked;
  Json acr = Json::array();
  for (int page = 1;; ++page) {
    const Json answer = caller.acr("ListRepository", {{"InstanceId", "cri-demo"},
                                                      {"PageNo", std::to_string(page)},
                                                      {"PageSize", std::to_string(page_size)}});
    if (!answer.is_object() || answer["Repositories"].empty()) break;
    for (const Json& repository : answer["Repositories"]) {
      acr.push_back(count_builds(caller, repository, page_size, walked.rows));
      count_syncs(caller, acr.back(), page_size);
    }
  }
  Json swr = Json::array();
  for (std::size_t offset = 0;; offset += page_size) {
    const Json answer = caller.swr("/v2/manage/repos?limit=" + std::to_string(page_size) +
                                   "&offset=" + std::to_string(offset));
    if (!answer.is_array() || answer.empty()) break;
    for (const Json& repository : answer) {
      swr.push_back(count_deletions(caller, repository, page_size, walked.rows));
    }
  }
  const Json swr_ee = walk_instance([&](const std::string& target) { return caller.swr(target); },
                                    std::min(page_size, kEePageMax), walked.rows);
  walked.truth = Json{{"acr", acr}, {"swr", swr}, {"swr_ee", swr_ee}}.dump();
  walked.calls = caller.calls;
  return walked;
}

}  // namespace registry_exporter::simulator
