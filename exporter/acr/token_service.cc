#include "exporter/acr/token_service.h"

#include <algorithm>

#include "exporter/acr/requests.h"
#include "exporter/acr/signer.h"
#include "exporter/base/time_text.h"
#include "exporter/net/json.h"

namespace registry_exporter::acr {
namespace {

constexpr const char* kDurationSeconds = "3600";
/// Instance metadata is a hop away, or not there at all.
constexpr Millis kMetadataTimeout{1'000};
constexpr Millis kUriTimeout{5'000};
constexpr const char* kRolePath = "/latest/meta-data/ram/security-credentials/";

HttpRequest post_form(const std::string& origin, const QueryPairs& query, const QueryPairs& form) {
  HttpRequest request;
  request.method = "POST";
  request.origin = origin;
  request.target = rpc_target(query);
  request.headers = {{"accept", "application/json"},
                     {"content-type", "application/x-www-form-urlencoded"}};
  request.body = rpc_target(form).substr(2);
  return request;
}

QueryPairs common_query(const char* action, UnixMillis now) {
  return {{"Action", action},
          {"Format", "JSON"},
          {"Version", "2015-04-01"},
          {"Timestamp", format_rfc3339(now)}};
}

std::string session_name(const std::string& given) {
  return given.empty() ? "registry_exporter" : given;
}

HttpRequest metadata(const std::string& origin, std::string target, const std::string& token) {
  HttpRequest request;
  request.origin = origin;
  request.target = std::move(target);
  if (!token.empty()) request.headers = {{"x-aliyun-ecs-metadata-token", token}};
  request.timeout = kMetadataTimeout;
  return request;
}

Result<Grant> read_keys(const json::Object& object, const HttpResponse& response) {
  Grant grant;
  grant.keys.access_key = json::text_at(object, "AccessKeyId");
  grant.keys.secret_key = Secret(json::text_at(object, "AccessKeySecret"));
  grant.keys.security_token = Secret(json::text_at(object, "SecurityToken"));
  grant.keys.expires_at = parse_rfc3339(json::text_at(object, "Expiration"));
  grant.as_of = parse_http_date(response.header("date"));
  if (grant.keys.access_key.empty() || grant.keys.secret_key.empty() ||
      grant.keys.security_token.empty()) {
    return fail(ErrorKind::malformed,
                "shape: no AccessKeyId, AccessKeySecret and SecurityToken in the answer");
  }
  return grant;
}

}  // namespace

HttpRequest assume_role(const std::string& sts_origin, const AcrCredentials::AssumeRole& role,
                        const Keys& keys, UnixMillis now, std::string_view nonce) {
  QueryPairs query = common_query("AssumeRole", now);
  query.emplace_back("AccessKeyId", keys.access_key);
  query.emplace_back("SignatureMethod", "HMAC-SHA1");
  query.emplace_back("SignatureVersion", "1.0");
  query.emplace_back("SignatureNonce", nonce);
  if (!keys.security_token.empty()) {
    query.emplace_back("SecurityToken", keys.security_token.reveal());
  }
  QueryPairs form{{"RoleArn", role.role_arn},
                  {"RoleSessionName", session_name(role.session_name)},
                  {"DurationSeconds", kDurationSeconds}};
  if (!role.external_id.empty()) form.emplace_back("ExternalId", role.external_id);
  if (!role.policy.empty()) form.emplace_back("Policy", role.policy);
  QueryPairs all = query;
  all.insert(all.end(), form.begin(), form.end());
  query.emplace_back("Signature", signature_v1("POST", all, keys.secret_key));
  return post_form(sts_origin, query, form);
}

HttpRequest assume_role_with_oidc(const std::string& sts_origin, const AcrCredentials::Oidc& oidc,
                                  const Secret& token, UnixMillis now) {
  return post_form(sts_origin, common_query("AssumeRoleWithOIDC", now),
                   {{"RoleArn", oidc.role_arn},
                    {"OIDCProviderArn", oidc.provider_arn},
                    {"OIDCToken", token.reveal()},
                    {"RoleSessionName", session_name(oidc.session_name)},
                    {"DurationSeconds", kDurationSeconds}});
}

Result<Grant> parse_sts_answer(const HttpResponse& response) {
  const Result<json::Document> document = json::parse(response.body);
  if (!document) return tl::unexpected(document.error());
  const auto credentials = json::object_at(document->root, "Credentials");
  if (!credentials) return fail(ErrorKind::malformed, "shape: no Credentials in the answer");
  return read_keys(*credentials, response);
}

HttpRequest metadata_token(const std::string& metadata_origin) {
  HttpRequest request = metadata(metadata_origin, "/latest/api/token", "");
  request.method = "PUT";
  request.headers = {{"x-aliyun-ecs-metadata-token-ttl-seconds", "21600"}};
  return request;
}

HttpRequest metadata_role(const std::string& metadata_origin, const std::string& token) {
  return metadata(metadata_origin, kRolePath, token);
}

HttpRequest metadata_keys(const std::string& metadata_origin, const std::string& role,
                          const std::string& token) {
  return metadata(metadata_origin, kRolePath + percent_encode(role), token);
}

HttpRequest keys_at(const std::string& uri) {
  const std::size_t host = uri.find("://") + 3;
  const std::size_t path = std::min(uri.find_first_of("/?#", host), uri.size());
  HttpRequest request;
  request.origin = uri.substr(0, path);
  request.target = uri.substr(path, uri.find('#', path) - path);
  if (!request.target.starts_with('/')) request.target.insert(0, "/");
  request.timeout = kUriTimeout;
  return request;
}

Result<Grant> parse_key_document(const HttpResponse& response) {
  const Result<json::Document> document = json::parse(response.body);
  if (!document) return tl::unexpected(document.error());
  const std::string code = json::text_at(document->root, "Code");
  if (!code.empty() && code != "Success") {
    return fail(ErrorKind::malformed, "shape: Code is not Success in the answer");
  }
  return read_keys(document->root, response);
}

}  // namespace registry_exporter::acr
