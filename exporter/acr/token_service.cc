#include "exporter/acr/token_service.h"

#include <algorithm>

#include "exporter/acr/requests.h"
#include "exporter/acr/signer.h"
#include "exporter/base/time_text.h"
#include "exporter/base/url.h"
#include "exporter/net/json.h"

namespace registry_exporter::acr {
namespace {

constexpr const char* kVersion = "2015-04-01";
/// Instance metadata is one hop away, or does not exist.
constexpr Millis kMetadataTimeout{1'000};
constexpr Millis kUriTimeout{5'000};
/// The life of keys that a program prints without an expiry.
constexpr std::chrono::minutes kCommandLife{15};
constexpr const char* kRolePath = "/latest/meta-data/ram/security-credentials/";

std::string session_name(const std::string& given) {
  return given.empty() ? "registry_exporter" : given;
}

net::HttpRequest metadata(const std::string& origin, std::string target, const std::string& token) {
  net::HttpRequest request;
  request.origin = origin;
  request.target = std::move(target);
  if (!token.empty()) request.headers = {{"x-aliyun-ecs-metadata-token", token}};
  request.timeout = kMetadataTimeout;
  return request;
}

Result<cloud::IssuedKeys> read_keys(const net::json::Object& object,
                                    const net::HttpResponse& response) {
  cloud::IssuedKeys issued;
  issued.keys.access_key = net::json::text_at(object, "AccessKeyId");
  issued.keys.secret_key = Secret(net::json::text_at(object, "AccessKeySecret"));
  issued.keys.security_token = Secret(net::json::text_at(object, "SecurityToken"));
  issued.keys.expires_at = parse_rfc3339(net::json::text_at(object, "Expiration"));
  issued.as_of = parse_http_date(response.header("date"));
  if (issued.keys.access_key.empty() || issued.keys.secret_key.empty() ||
      issued.keys.security_token.empty()) {
    return fail(ErrorKind::malformed,
                "shape: no AccessKeyId, AccessKeySecret and SecurityToken in the answer");
  }
  return issued;
}

}  // namespace

net::HttpRequest assume_role(const std::string& sts_origin,
                             const config::AcrCredentials::AssumeRole& role,
                             const cloud::Keys& keys, UnixMillis now, std::string_view nonce) {
  QueryPairs query{{"RoleArn", role.role_arn},
                   {"RoleSessionName", session_name(role.session_name)},
                   {"DurationSeconds", std::to_string(role.duration_seconds)}};
  if (!role.external_id.empty()) query.emplace_back("ExternalId", role.external_id);
  if (!role.policy.empty()) query.emplace_back("Policy", role.policy);
  net::HttpRequest request;
  request.method = "POST";
  request.origin = sts_origin;
  request.target = rpc_target(query);
  request.headers = {
      {"x-acs-action", "AssumeRole"}, {"x-acs-version", kVersion}, {"accept", "application/json"}};
  return sign_v3(std::move(request), keys, now, nonce);
}

net::HttpRequest assume_role_with_oidc(const std::string& sts_origin,
                                       const config::AcrCredentials::Oidc& oidc,
                                       const Secret& token, UnixMillis now) {
  QueryPairs form{{"RoleArn", oidc.role_arn},
                  {"OIDCProviderArn", oidc.provider_arn},
                  {"OIDCToken", token.reveal()},
                  {"RoleSessionName", session_name(oidc.session_name)},
                  {"DurationSeconds", std::to_string(oidc.duration_seconds)}};
  if (!oidc.policy.empty()) form.emplace_back("Policy", oidc.policy);
  net::HttpRequest request;
  request.method = "POST";
  request.origin = sts_origin;
  request.target = rpc_target({{"Action", "AssumeRoleWithOIDC"},
                               {"Format", "JSON"},
                               {"Version", kVersion},
                               {"Timestamp", format_rfc3339(now)}});
  request.headers = {{"accept", "application/json"},
                     {"content-type", "application/x-www-form-urlencoded"}};
  request.body = rpc_target(form).substr(2);
  return request;
}

Result<cloud::IssuedKeys> parse_sts_answer(const net::HttpResponse& response) {
  const Result<net::json::Document> document = net::json::parse(response.body);
  if (!document) return tl::unexpected(document.error());
  const auto credentials = net::json::object_at(document->root, "Credentials");
  if (!credentials) return fail(ErrorKind::malformed, "shape: no Credentials in the answer");
  return read_keys(*credentials, response);
}

net::HttpRequest metadata_token(const std::string& metadata_origin) {
  net::HttpRequest request = metadata(metadata_origin, "/latest/api/token", "");
  request.method = "PUT";
  request.headers = {{"x-aliyun-ecs-metadata-token-ttl-seconds", "21600"}};
  return request;
}

net::HttpRequest metadata_role(const std::string& metadata_origin, const std::string& token) {
  return metadata(metadata_origin, kRolePath, token);
}

net::HttpRequest metadata_keys(const std::string& metadata_origin, const std::string& role,
                               const std::string& token) {
  return metadata(metadata_origin, kRolePath + percent_encode(role), token);
}

net::HttpRequest keys_at(const std::string& uri) {
  SplitUrl url = split_url(uri);
  net::HttpRequest request;
  request.origin = std::move(url.origin);
  request.target = std::move(url.target);
  request.timeout = kUriTimeout;
  return request;
}

Result<cloud::IssuedKeys> parse_command_output(const Secret& output) {
  const Result<net::json::Document> document = net::json::parse(output.reveal());
  const auto wrong = [](const std::string& what) {
    return fail(ErrorKind::invalid_config, "its output " + what);
  };
  if (!document) return wrong("is not JSON");
  const net::json::Object& object = document->root;
  const std::string mode = net::json::text_at(object, "mode");
  if (!mode.empty() && mode != "AK" && mode != "StsToken") {
    return wrong("has the mode '" + mode + "', which is not supported; those are AK and StsToken");
  }
  cloud::IssuedKeys issued;
  issued.default_life = kCommandLife;
  issued.keys.access_key = net::json::text_at(object, "access_key_id");
  issued.keys.secret_key = Secret(net::json::text_at(object, "access_key_secret"));
  issued.keys.security_token = Secret(net::json::text_at(object, "sts_token"));
  issued.keys.expires_at = parse_rfc3339(net::json::text_at(object, "expiration"));
  if (issued.keys.access_key.empty() || issued.keys.secret_key.empty()) {
    return wrong("lacks access_key_id or access_key_secret");
  }
  if (mode == "StsToken" && issued.keys.security_token.empty()) return wrong("lacks sts_token");
  return issued;
}

Result<cloud::IssuedKeys> parse_key_document(const net::HttpResponse& response) {
  const Result<net::json::Document> document = net::json::parse(response.body);
  if (!document) return tl::unexpected(document.error());
  const std::string code = net::json::text_at(document->root, "Code");
  if (!code.empty() && code != "Success") {
    return fail(ErrorKind::malformed, "shape: Code is not Success in the answer");
  }
  return read_keys(document->root, response);
}

}  // namespace registry_exporter::acr
