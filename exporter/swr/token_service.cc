#include "exporter/swr/token_service.h"

#include <nlohmann/json.hpp>

#include "exporter/base/time_text.h"
#include "exporter/net/json.h"

namespace registry_exporter::swr {
namespace {

/// Instance metadata is a hop away, or not there at all.
constexpr Millis kMetadataTimeout{3'000};
/// A token that doesn't tell its life has the documented one.
constexpr std::chrono::hours kTokenLife{24};
constexpr int kKeySeconds = 21'600;
/// Agencies are lent for an hour at a time.
constexpr int kAgencySeconds = 3'600;

HttpRequest post(const std::string& origin, std::string target, const nlohmann::json& body) {
  HttpRequest request;
  request.method = "POST";
  request.origin = origin;
  request.target = std::move(target);
  request.headers = {{"content-type", "application/json"}};
  request.body = body.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return request;
}

HttpRequest post_securitytokens(const std::string& origin, nlohmann::json identity) {
  return post(origin, "/v3.0/OS-CREDENTIAL/securitytokens",
              {{"auth", {{"identity", std::move(identity)}}}});
}

}  // namespace

HttpRequest create_token(const std::string& iam_origin, const SwrCredentials::IamUser& user,
                         const Secret& password) {
  return post(iam_origin, "/v3/auth/tokens?nocatalog=true",
              {{"auth",
                {{"identity",
                  {{"methods", {"password"}},
                   {"password",
                    {{"user",
                      {{"name", user.user_name},
                       {"password", password.reveal()},
                       {"domain", {{"name", user.domain_name}}}}}}}}},
                 {"scope", {{"project", {{"name", user.project_name}}}}}}}});
}

HttpRequest create_token_with_id_token(const std::string& iam_origin, const std::string& idp_id,
                                       const Secret& id_token) {
  HttpRequest request = post(iam_origin, "/v3.0/OS-AUTH/id-token/tokens",
                             {{"auth", {{"id_token", {{"id", id_token.reveal()}}}}}});
  request.headers.emplace_back("x-idp-id", idp_id);
  return request;
}

Result<Grant> parse_token(const HttpResponse& response) {
  Grant grant;
  grant.default_life = kTokenLife;
  grant.keys.iam_token = Secret(std::string(response.header("x-subject-token")));
  if (grant.keys.iam_token.empty()) {
    return fail(ErrorKind::malformed, "shape: no X-Subject-Token header");
  }
  if (const Result<json::Document> document = json::parse(response.body)) {
    if (const auto token = json::object_at(document->root, "token")) {
      grant.as_of = parse_rfc3339(json::text_at(*token, "issued_at"));
      grant.keys.expires_at = parse_rfc3339(json::text_at(*token, "expires_at"));
    }
  }
  return grant;
}

HttpRequest create_temporary_keys(const std::string& iam_origin, const Secret& iam_token) {
  return post_securitytokens(
      iam_origin, {{"methods", {"token"}},
                   {"token", {{"id", iam_token.reveal()}, {"duration_seconds", kKeySeconds}}}});
}

HttpRequest assume_agency(const std::string& iam_origin,
                          const SwrCredentials::AssumeAgency& agency) {
  return post_securitytokens(iam_origin, {{"methods", {"assume_role"}},
                                          {"assume_role",
                                           {{"domain_name", agency.domain_name},
                                            {"agency_name", agency.agency_name},
                                            {"duration_seconds", kAgencySeconds}}}});
}

HttpRequest metadata_token(const std::string& metadata_origin) {
  HttpRequest request;
  request.method = "PUT";
  request.origin = metadata_origin;
  request.target = "/meta-data/latest/api/token";
  request.headers = {{"x-metadata-token-ttl-seconds", "21600"}};
  request.timeout = kMetadataTimeout;
  return request;
}

HttpRequest metadata_keys(const std::string& metadata_origin, const std::string& token) {
  HttpRequest request;
  request.origin = metadata_origin;
  request.target = "/openstack/latest/securitykey";
  if (!token.empty()) request.headers = {{"x-metadata-token", token}};
  request.timeout = kMetadataTimeout;
  return request;
}

Result<Grant> parse_temporary_keys(const HttpResponse& response) {
  const Result<json::Document> document = json::parse(response.body);
  if (!document) return tl::unexpected(document.error());
  const auto credential = json::object_at(document->root, "credential");
  if (!credential) return fail(ErrorKind::malformed, "shape: no credential in the answer");
  Grant grant;
  grant.keys.access_key = json::text_at(*credential, "access");
  grant.keys.secret_key = Secret(json::text_at(*credential, "secret"));
  grant.keys.security_token = Secret(json::text_at(*credential, "securitytoken"));
  grant.keys.expires_at = parse_rfc3339(json::text_at(*credential, "expires_at"));
  grant.as_of = parse_http_date(response.header("date"));
  if (grant.keys.access_key.empty() || grant.keys.secret_key.empty() ||
      grant.keys.security_token.empty()) {
    return fail(ErrorKind::malformed, "shape: no access, secret and securitytoken in the answer");
  }
  return grant;
}

}  // namespace registry_exporter::swr
