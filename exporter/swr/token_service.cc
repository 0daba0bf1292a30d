#include "exporter/swr/token_service.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "exporter/base/percent_encoding.h"
#include "exporter/base/time_text.h"
#include "exporter/base/url.h"
#include "exporter/net/json.h"

namespace registry_exporter::swr {
namespace {

/// Instance metadata is one hop away, or does not exist.
constexpr Millis kMetadataTimeout{3'000};
constexpr Millis kPodTimeout{5'000};
/// The documented life of tokens, for those without an expiry.
constexpr std::chrono::hours kTokenLife{24};
constexpr int kKeySeconds = 21'600;
/// Keys of agencies are valid for an hour.
constexpr int kAgencySeconds = 3'600;
constexpr const char* kSessionName = "registry-exporter";
constexpr std::size_t kProjectIdBytesMax = 64;

net::HttpRequest post(const std::string& origin, std::string target, const nlohmann::json& body) {
  net::HttpRequest request;
  request.method = "POST";
  request.origin = origin;
  request.target = std::move(target);
  request.headers = {{"content-type", "application/json"}};
  request.body = body.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return request;
}

net::HttpRequest post_securitytokens(const std::string& origin, nlohmann::json identity) {
  return post(origin, "/v3.0/OS-CREDENTIAL/securitytokens",
              {{"auth", {{"identity", std::move(identity)}}}});
}

nlohmann::json agency_session(const std::string& agency_urn, const std::string& session_name) {
  return {{"agency_urn", agency_urn},
          {"agency_session_name", session_name.empty() ? kSessionName : session_name},
          {"duration_seconds", kAgencySeconds}};
}

/// The value of the first of these names that has one.
std::string first_text(const net::json::Object& object, std::initializer_list<const char*> names) {
  for (const char* each : names) {
    if (std::string text = net::json::text_at(object, each); !text.empty()) return text;
  }
  return {};
}

}  // namespace

net::HttpRequest create_token(const std::string& iam_origin,
                              const config::SwrCredentials::IamUser& user, const Secret& password) {
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

net::HttpRequest create_token_with_id_token(const std::string& iam_origin,
                                            const std::string& idp_id, const Secret& id_token) {
  net::HttpRequest request = post(iam_origin, "/v3.0/OS-AUTH/id-token/tokens",
                                  {{"auth", {{"id_token", {{"id", id_token.reveal()}}}}}});
  request.headers.emplace_back("x-idp-id", idp_id);
  return request;
}

Result<cloud::IssuedKeys> parse_token(const net::HttpResponse& response) {
  cloud::IssuedKeys issued;
  issued.default_life = kTokenLife;
  issued.keys.iam_token = Secret(std::string(response.header("x-subject-token")));
  if (issued.keys.iam_token.empty()) {
    return fail(ErrorKind::malformed, "shape: no X-Subject-Token header");
  }
  if (const Result<net::json::Document> document = net::json::parse(response.body)) {
    if (const auto token = net::json::object_at(document->root, "token")) {
      issued.as_of = parse_rfc3339(net::json::text_at(*token, "issued_at"));
      issued.keys.expires_at = parse_rfc3339(net::json::text_at(*token, "expires_at"));
      const auto project = net::json::object_at(*token, "project");
      if (project) issued.keys.project_id = net::json::text_at(*project, "id");
    }
  }
  return issued;
}

net::HttpRequest create_temporary_keys(const std::string& iam_origin, const Secret& iam_token) {
  return post_securitytokens(
      iam_origin, {{"methods", {"token"}},
                   {"token", {{"id", iam_token.reveal()}, {"duration_seconds", kKeySeconds}}}});
}

net::HttpRequest assume_agency(const std::string& iam_origin,
                               const config::SwrCredentials::AssumeAgency& agency) {
  return post_securitytokens(iam_origin, {{"methods", {"assume_role"}},
                                          {"assume_role",
                                           {{"domain_name", agency.domain_name},
                                            {"agency_name", agency.agency_name},
                                            {"duration_seconds", kAgencySeconds}}}});
}

net::HttpRequest assume_trust_agency(const std::string& sts_origin,
                                     const config::SwrCredentials::AssumeAgency& agency) {
  nlohmann::json body = agency_session(agency.agency_urn, agency.session_name);
  if (!agency.external_id.empty()) body["external_id"] = agency.external_id;
  return post(sts_origin, "/v5/agencies/assume", body);
}

net::HttpRequest assume_with_oidc(const std::string& sts_origin,
                                  const config::SwrCredentials::Oidc& oidc,
                                  const Secret& id_token) {
  nlohmann::json body = agency_session(oidc.agency_urn, oidc.session_name);
  body["provider_urn"] = oidc.provider_urn;
  body["id_token"] = id_token.reveal();
  return post(sts_origin, "/v5/agencies/assume-with-oidc", body);
}

net::HttpRequest pod_keys(const std::string& uri, const Secret& token) {
  SplitUrl url = split_url(uri);
  net::HttpRequest request = post(url.origin, std::move(url.target), nlohmann::json::object());
  request.headers.emplace_back("authorization", token.reveal());
  request.timeout = kPodTimeout;
  return request;
}

net::HttpRequest metadata_token(const std::string& metadata_origin) {
  net::HttpRequest request;
  request.method = "PUT";
  request.origin = metadata_origin;
  request.target = "/meta-data/latest/api/token";
  request.headers = {{"x-metadata-token-ttl-seconds", "21600"}};
  request.timeout = kMetadataTimeout;
  return request;
}

net::HttpRequest metadata_keys(const std::string& metadata_origin, const std::string& token) {
  net::HttpRequest request;
  request.origin = metadata_origin;
  request.target = "/openstack/latest/securitykey";
  if (!token.empty()) request.headers = {{"x-metadata-token", token}};
  request.timeout = kMetadataTimeout;
  return request;
}

Result<cloud::IssuedKeys> parse_temporary_keys(const net::HttpResponse& response) {
  const Result<net::json::Document> document = net::json::parse(response.body);
  if (!document) return tl::unexpected(document.error());
  auto credential = net::json::object_at(document->root, "credential");
  if (!credential) credential = net::json::object_at(document->root, "credentials");
  if (!credential) return fail(ErrorKind::malformed, "shape: no credential in the answer");
  const auto text = [&](auto... names) { return first_text(*credential, {names...}); };
  cloud::IssuedKeys issued;
  issued.keys.access_key = text("access", "access_key_id", "accessKeyId");
  issued.keys.secret_key = Secret(text("secret", "secret_access_key", "secretAccessKey"));
  issued.keys.security_token = Secret(text("securitytoken", "security_token", "securityToken"));
  issued.keys.expires_at = parse_rfc3339(text("expires_at", "expiration"));
  issued.as_of = parse_http_date(response.header("date"));
  if (issued.keys.access_key.empty() || issued.keys.secret_key.empty() ||
      issued.keys.security_token.empty()) {
    return fail(ErrorKind::malformed, "shape: no access, secret and securitytoken in the answer");
  }
  return issued;
}

net::HttpRequest list_projects(const std::string& iam_origin, const std::string& name) {
  net::HttpRequest request;
  request.origin = iam_origin;
  request.target = "/v3/projects?name=" + percent_encode(name);
  request.headers = {{"content-type", "application/json"}};
  return request;
}

Result<std::string> parse_project(const net::HttpResponse& response, const std::string& name) {
  const Result<net::json::Document> document = net::json::parse(response.body);
  if (!document) return tl::unexpected(document.error());
  const auto field = net::json::field(document->root, "projects");
  simdjson::dom::array list;
  if (!field || field->get(list)) {
    return fail(ErrorKind::malformed, "shape: no projects in the answer");
  }
  std::vector<std::string> ids;
  for (const net::json::Element element : list) {
    net::json::Object row;
    if (element.get(row)) continue;
    const std::string called = net::json::text_at(row, "name");
    if (called.empty() || called == name) ids.push_back(net::json::text_at(row, "id"));
  }
  if (ids.empty()) {
    return fail(ErrorKind::invalid_config,
                "IAM shows these credentials no project called " + name + ": set project_id");
  }
  if (ids.size() > 1) {
    return fail(ErrorKind::invalid_config, "IAM shows " + std::to_string(ids.size()) +
                                               " projects called " + name +
                                               ": set project_id to one of them");
  }
  if (!is_project_id(ids.front())) return fail(ErrorKind::malformed, "shape: no id of a project");
  return ids.front();
}

bool is_project_id(std::string_view text) {
  return !text.empty() && text.size() <= kProjectIdBytesMax &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

}  // namespace registry_exporter::swr
