#include "tests/simulator/local_services.h"

#include <nlohmann/json.hpp>

#include "exporter/base/time_text.h"
#include "tests/simulator/ee_wire.h"

namespace registry_exporter::simulator {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kAcrRoles = "/latest/meta-data/ram/security-credentials/";
constexpr std::string_view kRole = "demo-role";
constexpr const char* kToken = "demo-metadata-token";
constexpr std::chrono::hours kLife{6};

net::HttpResponse text(int status, std::string body, UnixMillis now) {
  return {.status = status,
          .headers = {{"date", format_http_date(now)}, {"content-type", "text/plain"}},
          .body = std::move(body)};
}

net::HttpResponse give_token(const WireRequest& request, std::string_view ttl_header,
                             UnixMillis now) {
  if (request.method != "PUT") return text(405, "", now);
  if (request.header(ttl_header).empty()) return text(400, "", now);
  return text(200, kToken, now);
}

bool is_refused(const WireRequest& request, std::string_view token_header) {
  const std::string_view token = request.header(token_header);
  return !token.empty() && token != kToken;
}

template <class Lend>
const LentKey& fresh(std::optional<LentKey>& held, UnixMillis now, const Lend& lend) {
  const bool old = held && held->expires_at - now < (held->expires_at - held->lent_at) / 2;
  if (!held || old) held = lend(now, kLife);
  return *held;
}

}  // namespace

bool LocalServices::owns(std::string_view path) {
  return path.starts_with("/latest/") || path.starts_with("/openstack/") ||
         path.starts_with("/meta-data/") || path == "/credentials" || path == "/pod-credentials";
}

net::HttpResponse LocalServices::answer(const WireRequest& request, UnixMillis now) {
  const std::string_view path = request.raw_path();
  if (path == "/credentials") return acr_keys(now);
  if (path == "/pod-credentials") return pod_keys(request, now);
  if (path == "/latest/api/token") {
    return give_token(request, "x-aliyun-ecs-metadata-token-ttl-seconds", now);
  }
  if (path == "/meta-data/latest/api/token") {
    return give_token(request, "x-metadata-token-ttl-seconds", now);
  }
  return path.starts_with("/latest/") ? acr_metadata(request, now) : swr_metadata(request, now);
}

net::HttpResponse LocalServices::acr_metadata(const WireRequest& request, UnixMillis now) {
  if (is_refused(request, "x-aliyun-ecs-metadata-token")) return text(401, "", now);
  const std::string_view path = request.raw_path();
  if (path == kAcrRoles) return text(200, std::string(kRole), now);
  if (path == std::string(kAcrRoles).append(kRole)) return acr_keys(now);
  return text(404, "", now);
}

net::HttpResponse LocalServices::acr_keys(UnixMillis now) {
  const LentKey& key =
      fresh(acr_key_, now, [this](UnixMillis at, Millis life) { return acr_.lend_key(at, life); });
  const Json body = {{"Code", "Success"},
                     {"AccessKeyId", key.id},
                     {"AccessKeySecret", key.secret},
                     {"SecurityToken", key.token},
                     {"Expiration", format_rfc3339(key.expires_at)},
                     {"LastUpdated", format_rfc3339(key.lent_at)}};
  return text(200, body.dump(), now);
}

net::HttpResponse LocalServices::swr_metadata(const WireRequest& request, UnixMillis now) {
  if (is_refused(request, "x-metadata-token")) return text(401, "", now);
  if (request.raw_path() != "/openstack/latest/securitykey") return text(404, "", now);
  const LentKey& key =
      fresh(swr_key_, now, [this](UnixMillis at, Millis life) { return swr_.lend_key(at, life); });
  const Json body = {{"credential",
                      {{"access", key.id},
                       {"secret", key.secret},
                       {"securitytoken", key.token},
                       {"expires_at", format_rfc3339_millis(key.expires_at)}}}};
  return text(200, body.dump(), now);
}

/// The token of a service account stands in the header as it is, the body is an empty object.
net::HttpResponse LocalServices::pod_keys(const WireRequest& request, UnixMillis now) {
  const std::string_view token = request.header("authorization");
  const bool bare = !token.empty() && token.find_first_of(" \t\r\n") == std::string_view::npos;
  if (request.method != "POST") return text(405, "", now);
  if (Json::parse(request.body, nullptr, false) != Json::object()) return text(400, "", now);
  if (!bare || token.starts_with("bad")) return text(403, "", now);
  const LentKey& key =
      fresh(swr_key_, now, [this](UnixMillis at, Millis life) { return swr_.lend_key(at, life); });
  const Json body = {{"assumedAgency", {{"urn", "sts::demo:assumed-agency:demo/pod"}}},
                     {"credentials",
                      {{"accessKeyId", key.id},
                       {"secretAccessKey", key.secret},
                       {"securityToken", key.token},
                       {"expiration", format_rfc3339_millis(key.expires_at)}}}};
  return text(200, body.dump(), now);
}

std::string_view swr_operation(const WireRequest& request) {
  const std::string_view path = request.raw_path();
  if (path == "/v3/auth/tokens") return "CreateToken";
  if (path == "/v3.0/OS-AUTH/id-token/tokens") return "CreateTokenWithIdToken";
  if (path == "/v3.0/OS-CREDENTIAL/securitytokens") {
    const bool agency = request.body.find("agency_name") != std::string::npos;
    return agency ? "CreateTemporaryAccessKeyByAgency" : "CreateTemporaryAccessKeyByToken";
  }
  if (path == "/v3/projects") return "KeystoneListProjects";
  if (path == "/v5/agencies/assume") return "AssumeAgency";
  if (path == "/v5/agencies/assume-with-oidc") return "AssumeAgencyWithOIDC";
  if (path == "/v2/manage/namespaces") return "ListNamespaces";
  if (path == "/v2/manage/repos") return "ListReposDetails";
  if (path.ends_with("/retentions/histories")) return "ListRetentionHistories";
  if (path.ends_with("/sync_job")) return "ShowSyncJob";
  if (path.ends_with("/retentions")) return "ListRetentions";
  return ee_operation(path);
}

}  // namespace registry_exporter::simulator
