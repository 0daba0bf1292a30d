#include "tests/simulator/swr_wire.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "exporter/base/digest.h"
#include "exporter/base/time_text.h"
#include "tests/simulator/ee_wire.h"
#include "tests/simulator/signatures.h"

namespace registry_exporter::simulator {

/// One request taken apart.
struct SwrCall {
  const WireRequest& request;
  UnixMillis now;
  Lies lies;
  std::vector<std::string> path;  ///< Segments, decoded.
  QueryPairs query;
};

struct SwrRefusal {
  int status = 401;
  std::string code;
  std::string message;
};

/// Either a secret or the reason why there is none.
struct SwrWire::Secret {
  std::string value;
  std::optional<SwrRefusal> refusal;
};

namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::minutes kSkewMax{15};
constexpr std::chrono::minutes kLockTime{5};
constexpr std::chrono::hours kTokenLife{24};
constexpr int kFailuresMax = 5;
constexpr int kLimitDefault = 100;
constexpr int kLimitMax = 1000;
constexpr std::size_t kTagsListedMax = 20;

net::HttpResponse respond(int status, const Json& body, UnixMillis now) {
  const std::string id = hex(sha256(std::to_string(now.time_since_epoch().count()))).substr(0, 32);
  return {.status = status,
          .headers = {{"date", format_http_date(now)},
                      {"content-type", "application/json; charset=utf-8"},
                      {"x-request-id", id}},
          .body = body.dump()};
}

SwrRefusal bad_authentication(std::string_view why) {
  return {401, "APIGW.0301", "Incorrect IAM authentication information: " + std::string(why)};
}

/// With the request as the gateway understood it, its lines joined by bars.
SwrRefusal bad_signature(std::string canonical) {
  std::replace(canonical.begin(), canonical.end(), '\n', '|');
  return bad_authentication("verify aksk signature fail, canonicalRequest:" + canonical);
}

/// RFC 3339 with `digits` digits of fraction.
std::string stamp(UnixMicros time, int digits) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  std::string text = format_rfc3339(std::chrono::time_point_cast<Millis>(second));
  text.pop_back();
  std::string fraction = std::to_string((time - second).count());
  fraction.insert(0, 6 - fraction.size(), '0');
  fraction.resize(static_cast<std::size_t>(digits), '1');
  return text + "." + fraction + "Z";
}

std::optional<std::int64_t> integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "key::value|key::value" → pairs. nullopt: not of this form.
std::optional<QueryPairs> parse_filter(std::string_view text) {
  QueryPairs pairs;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('|'));
    const std::size_t colons = pair.find("::");
    if (colons == std::string_view::npos || colons == 0) return std::nullopt;
    pairs.emplace_back(pair.substr(0, colons), pair.substr(colons + 2));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
  }
  return pairs;
}

/// What a listing was asked for; `filter`, when there is one, beats the plain parameters.
struct Listing {
  QueryPairs terms;
  std::size_t limit = kLimitDefault;
  std::size_t offset = 0;
  bool paged = false;  ///< Both limit and offset were sent; one alone is ignored.
  std::optional<SwrRefusal> refusal;
};

Listing listing_of(const SwrCall& call) {
  Listing listing;
  listing.terms = call.query;
  if (has_key(call.query, "filter")) {
    const auto filter = parse_filter(value_of(call.query, "filter"));
    if (!filter) {
      listing.refusal = SwrRefusal{400, "SVCSTG.SWR.4001035", "The filter is invalid."};
      return listing;
    }
    listing.terms = *filter;
  }
  const std::string_view limit_text = value_of(listing.terms, "limit");
  const std::string_view offset_text = value_of(listing.terms, "offset");
  listing.paged = !limit_text.empty() && !offset_text.empty();
  if (!listing.paged) return listing;
  const auto limit = integer(limit_text);
  const auto offset = integer(offset_text);
  if (!limit || !offset || *offset < 0) {
    listing.refusal = SwrRefusal{400, "SVCSTG.SWR.4001025", "Invalid parameters."};
  } else if (*limit < 1 || *limit > kLimitMax) {
    listing.refusal = SwrRefusal{400, "SVCSTG.SWR.4000056", "Invalid page size."};
  } else {
    listing.limit = static_cast<std::size_t>(*limit);
    listing.offset = static_cast<std::size_t>(*offset);
  }
  return listing;
}

net::HttpResponse refuse(const SwrRefusal& refusal, UnixMillis now) {
  if (refusal.code.starts_with("APIGW.")) {
    return gateway_error(refusal.status, refusal.code, refusal.message, now);
  }
  return swr_error(refusal.status, refusal.code, refusal.message, now);
}

/// "start-count/total": first row, rows on this page, all rows.
void put_range(net::HttpResponse& response, const Listing& listing, std::size_t rows,
               std::optional<std::size_t> said) {
  if (!listing.paged || !said) return;
  const std::size_t total = *said;
  response.headers.emplace_back(
      "content-range",
      std::to_string(listing.offset) + "-" + std::to_string(rows) + "/" + std::to_string(total));
}

/// What a place that is broken for good answers.
net::HttpResponse broken_for_good(const World& world, const SwrCall& call) {
  switch (world.options().lasting.answer) {
    case Broken::bad_request:
      return swr_error(400, "SVCSTG.SWR.4001025", "Invalid parameters.", call.now);
    case Broken::forbidden:
      return swr_error(403, "SVCSTG.SWR.4030170", "You do not have permission.", call.now);
    case Broken::server_error:
      return swr_error(500, "SVCSTG.SWR.5000010", "Internal error.", call.now);
    case Broken::never:
      break;
  }
  return {.status = kNeverAnswered, .headers = {}, .body = {}};
}

net::HttpResponse list_namespaces(const World& world, const SwrCall& call) {
  const Listing listing = listing_of(call);
  if (listing.refusal) return refuse(*listing.refusal, call.now);
  const std::string_view wanted = value_of(listing.terms, "namespace");
  Json all = Json::array();
  int number = 1400;
  for (const std::string& name : world.swr_namespaces()) {
    ++number;
    if (!wanted.empty() && name != wanted) continue;
    const auto repositories =
        std::count_if(world.swr().begin(), world.swr().end(),
                      [&](const SwrRepository& r) { return r.repo_namespace == name; });
    all.push_back({{"id", number},
                   {"name", name},
                   {"creator_name", "demo-user"},
                   {"auth", 7},
                   {"access_user_count", 1},
                   {"repo_count", repositories}});
  }
  return respond(200, {{"namespaces", all}}, call.now);
}

std::vector<const SwrRepository*> matching(const World& world, const QueryPairs& terms) {
  const std::string_view space = value_of(terms, "namespace");
  const std::string_view name = value_of(terms, "name");
  std::vector<const SwrRepository*> matched;
  for (const SwrRepository& repository : world.swr()) {
    // Both match anywhere in the name: callers have to look again.
    const bool fits = repository.repo_namespace.find(space) != std::string::npos &&
                      repository.name.find(name) != std::string::npos;
    if (fits) matched.push_back(&repository);
  }
  return matched;
}

Json repository_json(const SwrRepository& repository) {
  const std::string path = repository.repo_namespace + "/" + repository.name;
  Json tags = Json::array();
  for (std::uint32_t i = 0; i < std::min<std::size_t>(repository.tags(), kTagsListedMax); ++i) {
    tags.push_back("v" + std::to_string(repository.pushed - i));
  }
  return {{"name", repository.name},
          {"category", "other"},
          {"description", ""},
          {"size", repository.size_bytes()},
          {"is_public", false},
          {"num_images", repository.tags()},
          {"num_download", repository.downloads},
          {"created_at", format_rfc3339(repository.created_at)},
          {"updated_at", stamp(UnixMicros(repository.updated_at), 9)},
          {"logo", ""},
          {"url", ""},
          {"path", "swr.demo-region.myhuaweicloud.com/" + path},
          {"internal_path", "10.1.0.8:20202/" + path},
          {"domain_name", "demo-domain"},
          {"namespace", repository.repo_namespace},
          {"tags", tags},
          {"status", false}};
}

net::HttpResponse list_repositories(const World& world, const SwrCall& call) {
  const Listing listing = listing_of(call);
  if (listing.refusal) return refuse(*listing.refusal, call.now);
  const bool has_column = has_key(listing.terms, "order_column");
  const std::string_view column = value_of(listing.terms, "order_column");
  constexpr std::array<std::string_view, 6> kColumns = {"updated_time", "updated_at", "name",
                                                        "tag_count",    "namespace",  "is_public"};
  if (has_column && std::find(kColumns.begin(), kColumns.end(), column) == kColumns.end()) {
    return swr_error(400, "SVCSTG.SWR.4001096", "Invalid order column.", call.now);
  }
  const auto matched = matching(world, listing.terms);
  Json body = Json::array();
  const int largest = world.options().page_size_max;
  const std::size_t limit =
      largest > 0 ? std::min(listing.limit, static_cast<std::size_t>(largest)) : listing.limit;
  const std::size_t end = std::min(matched.size(), listing.offset + limit);
  const std::size_t rows = end - std::min(listing.offset, end);
  const auto said =
      said_total(world.options().lasting.totals, matched.size(), rows, call.lies.dice);
  for (std::size_t i = listing.offset; i < end; ++i) {
    Json row = repository_json(*matched[i]);
    if (said) row["total_range"] = *said;
    body.push_back(std::move(row));
  }
  net::HttpResponse response = respond(200, body, call.now);
  put_range(response, listing, rows, said);
  return response;
}

/// The newer listing: a marker instead of an offset, other names for the same things.
net::HttpResponse list_repositories_v3(const World& world, const SwrCall& call) {
  const std::string_view limit_text = value_of(call.query, "limit");
  const std::string_view marker_text = value_of(call.query, "marker");
  const auto limit = limit_text.empty() ? std::optional<std::int64_t>(100) : integer(limit_text);
  const auto marker = marker_text.empty() ? std::optional<std::int64_t>(0) : integer(marker_text);
  if (!limit || !marker || *limit < 1 || *limit > kLimitMax || *marker < 0) {
    return swr_error(400, "SVCSTG.SWR.4001025", "Invalid parameters.", call.now);
  }
  Json rows = Json::array();
  Json body;
  for (const SwrRepository* repository : matching(world, call.query)) {
    const std::int64_t id = std::int64_t{repository->index} + 1;
    if (id <= *marker) continue;
    if (std::cmp_equal(rows.size(), *limit)) {
      body["nextMarker"] = rows.back()["id"];
      break;
    }
    Json row = {{"id", id}};
    row.update(repository_json(*repository));
    for (const char* name : {"namespace", "tags", "logo", "url", "path", "internal_path"}) {
      row.erase(name);
    }
    row["namespace_name"] = repository->repo_namespace;
    rows.push_back(std::move(row));
  }
  body["repos"] = std::move(rows);
  return respond(200, body, call.now);
}

Json selectors_json(int selectors) {
  if (selectors == 1) return Json::array({Json{{"kind", "label"}, {"pattern", "latest"}}});
  if (selectors == 2) return Json::array({Json{{"kind", "regexp"}, {"pattern", "^release-.*$"}}});
  return Json::array();
}

Json rule_json(const RetentionRuleText& rule) {
  const char* parameter = rule.rule_template == "date_rule"  ? "days"
                          : rule.rule_template == "tag_rule" ? "num"
                                                             : "bytes";
  return {{"template", rule.rule_template},
          {"params", {{parameter, std::to_string(rule.keep)}}},
          {"tag_selectors", selectors_json(rule.selectors)}};
}

Json retention_json(const RetentionRuleText& rule) {
  return {{"algorithm", "or"},
          {"id", rule.id},
          {"rules", Json::array({rule_json(rule)})},
          {"scope", ""}};
}

/// Any other one whose list is not empty.
const SwrRepository& other_repository(const World& world, const SwrRepository& than) {
  for (const SwrRepository& other : world.swr()) {
    if (&other != &than && !other.deletions.empty()) return other;
  }
  return than;
}

Json deletion_json(const SwrRepository& repository, const Deletion& deletion, const Lies& lies) {
  const RetentionRuleText& rule = repository.rules[deletion.rule];
  Json row = {{"created_at", stamp(deletion.created_at, 6)},
              {"id", deletion.id},
              {"namespace", repository.repo_namespace},
              {"repo", repository.name},
              {"retention_id", rule.id},
              {"rule_type", rule_json(rule).dump()},
              {"tag", "v" + std::to_string(deletion.tag)}};
  if (lies.loose) {
    row["id"] = std::to_string(deletion.id);
    row["retention_id"] = std::to_string(rule.id);
  }
  return row;
}

net::HttpResponse list_histories(const World& world, const SwrRepository& asked,
                                 const SwrCall& call) {
  Listing listing = listing_of(call);
  if (listing.refusal) return refuse(*listing.refusal, call.now);
  const Lies& lies = call.lies;
  const SwrRepository& repository = lies.other_repository ? other_repository(world, asked) : asked;
  const int largest = world.options().page_size_max;
  if (largest > 0) listing.limit = std::min(listing.limit, static_cast<std::size_t>(largest));
  const LastingFaults& lasting = world.options().lasting;
  if (lasting.breaks_repository(repository.index)) return broken_for_good(world, call);
  const auto all = world.listed(repository, lies.rows_hidden);
  const auto about = static_cast<std::ptrdiff_t>(all.size()) + lies.total_off;
  const auto total = static_cast<std::size_t>(std::max<std::ptrdiff_t>(about, 0));
  Json log = Json::array();
  const std::size_t first = lies.first_page ? 0 : listing.offset;
  const std::size_t end = std::min(all.size(), first + listing.limit);
  if (lasting.is_too_deep(first, end)) return broken_for_good(world, call);
  for (std::size_t i = first; i < end && !lies.empty; ++i) {
    if (lasting.breaks_record(all[i]->tag)) return broken_for_good(world, call);
    log.push_back(deletion_json(repository, *all[i], lies));
  }
  const std::size_t shown = log.size();
  Json body = {{"retention_log", std::move(log)}};
  const auto said = said_total(lasting.totals, total, shown, lies.dice);
  if (said) body["total"] = *said;
  if (lasting.totals == Totals::null) body["total"] = nullptr;
  if (lies.loose && said) body["total"] = std::to_string(*said);
  net::HttpResponse response = respond(200, body, call.now);
  put_range(response, listing, shown, said);
  return response;
}

Json sync_json(const World& world, const SyncTask& task, const Lies& lies) {
  const bool regressed = lies.regressed && task.ended_at && (task.tag + lies.dice) % 3 == 0;
  Json row = {{"id", task.tag},
              {"namespace", task.repo_namespace},
              {"repoName", task.repo},
              {"tag", "v" + std::to_string(task.tag)},
              {"remoteNamespace", "mirror"},
              {"remoteRegionId", "other-region"},
              {"override", false},
              {"status", regressed ? "running" : world.swr_syncs().status_of(task)},
              {"createdAt", stamp(UnixMicros(task.created_at), 6)},
              {"updatedAt", stamp(UnixMicros(task.ended_at.value_or(task.created_at)), 6)},
              {"domainID", "demo-domain-id"},
              {"domainName", "demo-domain"},
              {"syncOperatorId", "demo-user-id"},
              {"syncOperatorName", "demo-user"}};
  if (!lies.loose) return row;
  row["id"] = std::to_string(task.tag);
  row["override"] = "false";
  row["status"] = row["status"].get<std::string>() + " ";
  return row;
}

/// `filter` is mandatory here, with limit and offset.
net::HttpResponse list_sync_jobs(const World& world, const SwrRepository& asked,
                                 const SwrCall& call) {
  Listing listing = listing_of(call);
  if (listing.refusal) return refuse(*listing.refusal, call.now);
  if (!has_key(call.query, "filter") || !listing.paged) {
    return swr_error(400, "SVCSTG.SWR.4001035", "The filter is invalid.", call.now);
  }
  const Lies& lies = call.lies;
  const SwrRepository& other = other_repository(world, asked);
  const bool takes_other = lies.other_repository && !world.listed_syncs(other).empty();
  const SwrRepository& repository = takes_other ? other : asked;
  const int largest = world.options().page_size_max;
  if (largest > 0) listing.limit = std::min(listing.limit, static_cast<std::size_t>(largest));
  const LastingFaults& lasting = world.options().lasting;
  if (lasting.breaks_repository(repository.index)) return broken_for_good(world, call);
  auto all = world.listed_syncs(repository, lies.rows_hidden);
  const bool in_order = world.options().order != Order::shuffled;
  if (in_order && value_of(listing.terms, "order") == "asc") std::reverse(all.begin(), all.end());
  const auto about = static_cast<std::ptrdiff_t>(all.size()) + lies.total_off;
  const std::size_t first = lies.first_page ? 0 : listing.offset;
  const std::size_t end = std::min(all.size(), first + listing.limit);
  if (lasting.is_too_deep(first, end)) return broken_for_good(world, call);
  Json body = Json::array();
  for (std::size_t i = first; i < end && !lies.empty; ++i) {
    if (lasting.breaks_record(all[i]->tag)) return broken_for_good(world, call);
    body.push_back(sync_json(world, *all[i], lies));
  }
  const auto total = static_cast<std::size_t>(std::max<std::ptrdiff_t>(about, 0));
  const auto said = said_total(lasting.totals, total, body.size(), lies.dice);
  net::HttpResponse response = respond(200, body, call.now);
  put_range(response, listing, body.size(), said);
  return response;
}

net::HttpResponse no_such_url(const SwrCall& call) {
  return gateway_error(404, "APIGW.0101", "The API does not exist or has not been published.",
                       call.now);
}

/// …/namespaces/{ns}/repos/{repo}/sync_job and …/retentions[/histories | /{id}]
net::HttpResponse below_repository(const World& world, const SwrCall& call) {
  const auto& path = call.path;  // v2 manage namespaces NS repos REPO [retentions [LAST]]
  std::string name = path[5];
  std::replace(name.begin(), name.end(), '$', '/');
  const auto& spaces = world.swr_namespaces();
  if (std::find(spaces.begin(), spaces.end(), path[3]) == spaces.end()) {
    return swr_error(404, "SVCSTG.SWR.4040058", "The organization does not exist.", call.now);
  }
  const SwrRepository* repository = world.find_swr(path[3], name);
  if (repository == nullptr) {
    return swr_error(404, "SVCSTG.SWR.4040010", "The image does not exist.", call.now);
  }
  if (path.size() == 7 && path[6] == "sync_job") {
    if (world.is_denied(*repository)) {
      return swr_error(403, "SVCSTG.SWR.4030170", "You do not have permission.", call.now);
    }
    return list_sync_jobs(world, *repository, call);
  }
  if (path.size() < 7 || path[6] != "retentions" || path.size() > 8) return no_such_url(call);
  if (path.size() == 7) {
    Json body = Json::array();
    if (!repository->rules.empty()) body.push_back(retention_json(repository->rules.back()));
    return respond(200, body, call.now);
  }
  if (path[7] == "histories" && world.is_denied(*repository)) {
    return swr_error(403, "SVCSTG.SWR.4030170", "You do not have permission.", call.now);
  }
  if (path[7] == "histories") return list_histories(world, *repository, call);
  const bool in_force =
      !repository->rules.empty() && path[7] == std::to_string(repository->rules.back().id);
  if (in_force) return respond(200, retention_json(repository->rules.back()), call.now);
  return swr_error(400, "SVCSTG.SWR.4000306", "The retention rule does not exist.", call.now);
}

net::HttpResponse run(const World& world, const SwrCall& call) {
  const auto& path = call.path;
  if (call.request.method != "GET" || path.size() < 3 || path[1] != "manage") {
    return no_such_url(call);
  }
  if (path[0] == "v3" && path.size() == 3 && path[2] == "repos") {
    return list_repositories_v3(world, call);
  }
  if (path[0] != "v2") return no_such_url(call);
  if (path.size() == 3 && path[2] == "namespaces") return list_namespaces(world, call);
  if (path.size() == 3 && path[2] == "repos") return list_repositories(world, call);
  const bool deep = path.size() >= 6 && path[2] == "namespaces" && path[4] == "repos";
  return deep ? below_repository(world, call) : no_such_url(call);
}

SwrCall take_apart(const WireRequest& request, UnixMillis now, const Lies& lies) {
  SwrCall call{.request = request, .now = now, .lies = lies, .path = {}, .query = {}};
  std::string_view rest = request.raw_path();
  while (!rest.empty()) {
    rest.remove_prefix(1);  // The slash.
    const std::string_view segment = rest.substr(0, rest.find('/'));
    call.path.push_back(percent_decode(segment, false).value_or(std::string(segment)));
    rest.remove_prefix(segment.size());
  }
  if (!call.path.empty() && call.path.back().empty()) call.path.pop_back();
  call.query = parse_query(request.raw_query()).value_or(QueryPairs{});
  return call;
}

net::HttpResponse iam_error(int code, std::string_view title, std::string_view message,
                            UnixMillis now) {
  return respond(code, {{"error", {{"code", code}, {"message", message}, {"title", title}}}}, now);
}

std::string text_at(const Json& json, const char* pointer) {
  const Json::json_pointer at(pointer);
  if (!json.contains(at) || !json.at(at).is_string()) return {};
  return json.at(at).get<std::string>();
}

/// The form of SWR's own times and of IAM's: microseconds.
std::string expiry_text(UnixMillis time) { return stamp(UnixMicros(time), 6); }

}  // namespace

SwrWire::SwrWire(const World& world, SwrAccount account)
    : world_(world), account_(std::move(account)) {}

net::HttpResponse swr_error(int status, std::string_view code, std::string_view message,
                            UnixMillis now) {
  const Json first = {{"errorCode", code}, {"errorMessage", message}, {"detail", ""}};
  return respond(status,
                 {{"errors", Json::array({first})},
                  {"error_code", code},
                  {"error_msg", message},
                  {"details", Json::array({Json{{"error_code", code}, {"error_msg", ""}}})}},
                 now);
}

net::HttpResponse gateway_error(int status, std::string_view code, std::string_view message,
                                UnixMillis now) {
  return respond(status, {{"error_msg", message}, {"error_code", code}, {"request_id", "demo"}},
                 now);
}

net::HttpResponse SwrWire::answer(const WireRequest& request, UnixMillis now, const Lies& lies) {
  const SwrCall call = take_apart(request, now, lies);
  const bool is_iam = !call.path.empty() &&
                      (call.path[0].starts_with("v3") || call.path[0] == "v5") &&
                      (call.path.size() < 2 || call.path[1] != "manage");
  if (is_iam) return sign_in(call);
  if (const auto refusal = admit(call)) return refuse(*refusal, now);
  if (is_ee_path(call.path)) {
    return answer_ee(world_.ee(), world_.options(),
                     {request, now, lies, call.path, call.query, account_.project_id});
  }
  return run(world_, call);
}

bool SwrWire::revoke_token(const WireRequest& request) {
  return tokens_.erase(std::string(request.header("x-auth-token"))) > 0;
}

std::optional<SwrRefusal> SwrWire::admit(const SwrCall& call) {
  if (!call.request.header("x-auth-token").empty()) return admit_token(call);
  if (call.request.header("authorization").empty()) {
    return bad_authentication("x-auth-token not found");
  }
  return admit_signature(call);
}

std::optional<SwrRefusal> SwrWire::admit_token(const SwrCall& call) {
  const auto token = tokens_.find(call.request.header("x-auth-token"));
  if (token == tokens_.end()) return bad_authentication("decrypt token fail");
  if (token->second <= call.now) {
    return SwrRefusal{401, "APIGW.0307", "The token must be updated."};
  }
  return std::nullopt;
}

std::optional<SwrRefusal> SwrWire::admit_signature(const SwrCall& call) {
  const WireRequest& request = call.request;
  const auto authorization = parse_authorization(request.header("authorization"));
  if (!authorization || authorization->scheme != "SDK-HMAC-SHA256") {
    return bad_authentication("the authorization header is not understood");
  }
  const auto& names = authorization->signed_headers;
  if (std::find(names.begin(), names.end(), "x-sdk-date") == names.end()) {
    return bad_authentication("x-sdk-date is not signed");
  }
  const Secret secret =
      secret_of(authorization->access_key, request.header("x-security-token"), call.now);
  if (secret.refusal) return secret.refusal;
  Failures& failures = failures_[authorization->access_key];
  if (failures.locked_until && call.now < *failures.locked_until) {
    return bad_authentication("AK access failed to reach the limit,forbidden.");
  }
  const auto expected = sign_sdk(request, *authorization, secret.value);
  if (!expected || !equal_constant_time(expected->signature, authorization->signature)) {
    if (++failures.in_a_row >= kFailuresMax) {
      failures = {.in_a_row = 0, .locked_until = call.now + kLockTime};
    }
    return bad_signature(expected ? expected->canonical : "");
  }
  failures = {};
  // "20260102T030405Z" → "2026-01-02T03:04:05Z"
  std::string date(request.header("x-sdk-date"));
  if (date.size() == 16) date.insert(13, ":").insert(11, ":").insert(6, "-").insert(4, "-");
  const auto time = parse_rfc3339(date);
  if (!time || std::chrono::abs(*time - call.now) > kSkewMax) {
    return bad_authentication("verify aksk signature fail:signature expired, signature time:" +
                              std::string(request.header("x-sdk-date")) +
                              ",server time:" + format_basic(call.now));
  }
  const std::string_view project = request.header("x-project-id");
  if (!project.empty() && project != account_.project_id) {
    return bad_authentication("the project does not exist");
  }
  return std::nullopt;
}

SwrWire::Secret SwrWire::secret_of(std::string_view access_key, std::string_view token,
                                   UnixMillis now) const {
  if (access_key == account_.access_key && token.empty()) return {account_.secret_key, {}};
  const auto key = temporary_.find(access_key);
  if (key == temporary_.end() || key->second.token != token) {
    return {{}, bad_authentication("ak " + std::string(access_key) + " not exist")};
  }
  if (key->second.expires_at <= now) return {{}, bad_authentication("token expires")};
  return {key->second.secret, {}};
}

/// The few IAM operations that turn a user, a token or a name into something to call SWR with.
net::HttpResponse SwrWire::sign_in(const SwrCall& call) {
  const std::string_view path = call.request.raw_path();
  const bool post = call.request.method == "POST";
  if (path == "/v3/auth/tokens" && post) return issue_token(call);
  if (path == "/v3.0/OS-AUTH/id-token/tokens" && post) return issue_token(call);
  if (path == "/v3.0/OS-CREDENTIAL/securitytokens" && post) return issue_keys(call);
  if (path == "/v5/agencies/assume" && post) return assume_agency(call, false);
  if (path == "/v5/agencies/assume-with-oidc" && post) return assume_agency(call, true);
  if (path == "/v3/projects" && call.request.method == "GET") {
    if (const auto refusal = admit(call)) return refuse(*refusal, call.now);
    const std::string_view name = value_of(call.query, "name");
    Json projects = Json::array();
    if (name.empty() || name == account_.region) {
      projects.push_back({{"id", account_.project_id},
                          {"name", account_.region},
                          {"domain_id", "demo"},
                          {"enabled", true}});
    }
    return respond(200, {{"projects", projects}}, call.now);
  }
  return iam_error(404, "Not Found", "The resource could not be found.", call.now);
}

net::HttpResponse SwrWire::issue_token(const SwrCall& call) {
  const Json body = Json::parse(call.request.body, nullptr, false);
  if (!body.is_object() || !body.contains("auth")) {
    return iam_error(400, "Bad Request", "The request body is invalid.", call.now);
  }
  const bool by_id_token = !text_at(body, "/auth/id_token/id").empty() &&
                           !text_at(body, "/auth/id_token/id").starts_with("bad") &&
                           !call.request.header("x-idp-id").empty();
  const bool by_password =
      text_at(body, "/auth/identity/password/user/name") == account_.user_name &&
      text_at(body, "/auth/identity/password/user/domain/name") == account_.domain_name &&
      text_at(body, "/auth/identity/password/user/password") == account_.password;
  if (!by_id_token && !by_password) {
    return iam_error(401, "Unauthorized", "The username or password is wrong.", call.now);
  }
  const std::string name = text_at(body, "/auth/scope/project/name");
  const std::string id = text_at(body, "/auth/scope/project/id");
  if ((!name.empty() && name != account_.region) || (!id.empty() && id != account_.project_id)) {
    return iam_error(401, "Unauthorized", "The project does not exist.", call.now);
  }
  // Real tokens are kilobytes long: no reader may have a small fixed place for them.
  std::string token;
  const std::string number = std::to_string(++issued_);
  for (int part = 0; part < 32; ++part) {
    token += hex(sha256("token" + number + "/" + std::to_string(part)));
  }
  const UnixMillis expires_at = call.now + std::min<Millis>(kTokenLife, life_max_);
  tokens_[token] = expires_at;
  net::HttpResponse response =
      respond(201,
              {{"token",
                {{"expires_at", expiry_text(expires_at)},
                 {"issued_at", expiry_text(call.now)},
                 {"methods", Json::array({"password"})},
                 {"project", {{"id", account_.project_id}, {"name", account_.region}}},
                 {"user", {{"name", account_.user_name}, {"id", "demo"}}}}}},
              call.now);
  response.headers.emplace_back("x-subject-token", token);
  return response;
}

LentKey SwrWire::lend_key(UnixMillis now, Millis life) {
  const std::string number = std::to_string(++issued_);
  LentKey key{.id = "DEMOTEMPORARY" + number,
              .secret = hex(sha256("secret" + number)),
              .token = hex(sha256("security" + number)),
              .lent_at = now,
              .expires_at = now + std::min(life, life_max_)};
  temporary_[key.id] = key;
  return key;
}

net::HttpResponse SwrWire::issue_keys(const SwrCall& call) {
  const Json body = Json::parse(call.request.body, nullptr, false);
  if (!text_at(body, "/auth/identity/assume_role/agency_name").empty()) {
    if (const auto refusal = admit(call)) return refuse(*refusal, call.now);
  } else {
    const auto known = tokens_.find(text_at(body, "/auth/identity/token/id"));
    if (known == tokens_.end() || known->second <= call.now) {
      return iam_error(401, "Unauthorized", "The token is invalid.", call.now);
    }
  }
  const LentKey key = lend_key(call.now, std::chrono::hours{6});
  return respond(201,
                 {{"credential",
                   {{"access", key.id},
                    {"secret", key.secret},
                    {"securitytoken", key.token},
                    {"expires_at", expiry_text(key.expires_at)}}}},
                 call.now);
}

/// STS: a trust agency is assumed with keys, or with the token of an identity provider.
net::HttpResponse SwrWire::assume_agency(const SwrCall& call, bool by_id_token) {
  const Json body = Json::parse(call.request.body, nullptr, false);
  const auto refused = [&call](int status, const char* code, const char* message) {
    return respond(status, {{"error_code", code}, {"error_msg", message}}, call.now);
  };
  const std::int64_t seconds = body.is_object() ? body.value("duration_seconds", 3600) : 0;
  const bool named = text_at(body, "/agency_urn").starts_with("iam::") &&
                     !text_at(body, "/agency_session_name").empty();
  if (!named || seconds < 900 || seconds > 43'200) {
    return refused(400, "STS5.0001", "The request body is invalid.");
  }
  if (by_id_token) {
    const std::string token = text_at(body, "/id_token");
    const bool good =
        !text_at(body, "/provider_urn").empty() && !token.empty() && !token.starts_with("bad");
    if (!good) return refused(403, "STS5.1001", "The trust policy does not allow it.");
  } else if (const auto refusal = admit(call)) {
    return refuse(*refusal, call.now);
  }
  const LentKey key = lend_key(call.now, std::chrono::seconds{seconds});
  return respond(200,
                 {{"assumed_agency", {{"urn", "sts::demo:assumed-agency:demo/session"}}},
                  {"credentials",
                   {{"access_key_id", key.id},
                    {"secret_access_key", key.secret},
                    {"security_token", key.token},
                    {"expiration", format_rfc3339_millis(key.expires_at)}}}},
                 call.now);
}

}  // namespace registry_exporter::simulator
