#include "exporter/doctor_remedies.h"

#include "exporter/base/proxy_url.h"
#include "exporter/cloud/credentials.h"
#include "exporter/doctor_operations.h"

namespace registry_exporter {
namespace {

// ── On the way ───────────────────────────────────────────────────────────────────────────────────

/// Follows "the certificate of X".
const char* of_certificate(ErrorCause cause) {
  switch (cause) {
    case ErrorCause::tls_expired:
      return " has expired: it has to be renewed there, unless this machine's clock is wrong";
    case ErrorCause::tls_not_yet_valid:
      return " is not valid yet: check this machine's clock, or the certificate's start date";
    case ErrorCause::tls_wrong_name:
      return " is for another name: check endpoint, or give that name by tls.server_name";
    case ErrorCause::tls_client_certificate:
      return " is accepted, but the server requires a client certificate: set tls.cert_file and "
             "tls.key_file";
    default:
      return " is not accepted: name its authority by tls.ca_file, or its name by tls.server_name";
  }
}

std::string of_unanswered(const Exam& exam, const Error& error) {
  const Place place = place_of(exam, error);
  if (error.operation == cloud::kInstanceMetadata) {
    return "instance metadata can't be reached: is this an instance (or pod) of the cloud? Else "
           "configure another form of credentials";
  }
  const std::string way = exam.proxy.empty() ? "" : " through the proxy " + exam.proxy;
  if (error.kind == ErrorKind::timeout) {
    return place.url + " doesn't answer within request_timeout" + way + ": check " + place.key +
           ", routes and firewalls, or whether a proxy is needed (proxy_url)";
  }
  return place.url + " can't be reached" + way + ": check " + place.key + ", routes and firewalls";
}

std::string of_transport(const Exam& exam, const Error& error) {
  const Place place = place_of(exam, error);
  switch (error.cause) {
    case ErrorCause::proxy_url:
      return "the proxy is " + error.proxy + ": " + kProxyForm;
    case ErrorCause::proxy:
      return "the proxy " + error.proxy +
             " can't be reached or refuses: check that setting, or what the proxy allows; NO_PROXY "
             "takes hosts out of the environment's proxies";
    case ErrorCause::dns:
      return "the name of " + place.url + " doesn't resolve: check " + place.key +
             " and region, and the DNS of this machine";
    case ErrorCause::tls:
    case ErrorCause::tls_expired:
    case ErrorCause::tls_not_yet_valid:
    case ErrorCause::tls_wrong_name:
    case ErrorCause::tls_client_certificate:
      return "the certificate of " + place.url + of_certificate(error.cause);
    case ErrorCause::truncated:
      return "answers of " + place.url +
             " break off in the middle: look at what is between (proxy, firewall), or lower "
             "page_size";
    default:
      return of_unanswered(exam, error);
  }
}

// ── Refused credentials ──────────────────────────────────────────────────────────────────────────

std::string of_lock(const Exam& exam) {
  const auto* swr = std::get_if<config::SwrConfig>(&exam.registry.cloud);
  if (swr != nullptr && swr->credentials.iam_user) {
    return "the user is locked for a quarter of an hour after too many wrong passwords: correct "
           "the password wherever it is used, then wait";
  }
  return "the access key is locked for five minutes after too many bad signatures: correct "
         "secret_key wherever it is used, then wait";
}

std::string of_cause(const Exam& exam, ErrorCause cause) {
  const bool is_acr = exam.registry.is_acr();
  switch (cause) {
    case ErrorCause::clock_skew:
      return "requests are refused for their time: set this machine's clock";
    case ErrorCause::wrong_secret:
      return is_acr ? "the secret does not belong to the access key: check access_key_secret"
                    : "the secret key does not belong to the access key: check secret_key";
    case ErrorCause::unknown_key:
      return is_acr ? "the access key is not known or disabled: check access_key_id"
                    : "the access key is not known (or its security token is wrong): check "
                      "access_key";
    case ErrorCause::key_locked:
      return of_lock(exam);
    case ErrorCause::token_expired:
      return is_acr ? "the security token has expired or belongs to other keys: renew "
                      "access_key_id, access_key_secret and security_token together"
                    : "the token or security token has expired: renew it";
    case ErrorCause::wrong_password:
      return "IAM refuses the user: check iam_user (domain_name is the account's name, Huawei IDs "
             "can't sign in), password and project_name";
    case ErrorCause::unknown_project:
      return "the project is not known in this region: check project_id and region";
    default:
      return "";
  }
}

/// What to say when an operation that gives keys is refused.
struct RefusedOperation {
  std::string_view name;
  bool wins_over_cause;  ///< The cause that the server names misleads here.
  const char* remedy;
};

constexpr RefusedOperation kRefusedOperations[] = {
    {cloud::kInstanceMetadata, true,
     "instance metadata gives no keys: attach a role (acr: RAM role, swr: agency) to the instance"},
    {cloud::kPodIdentity, true,
     "pod identity gives no keys: bind an agency to the pod's service account (CCE console)"},
    {"AssumeRoleWithOIDC", true,
     "STS refuses the OIDC token: check oidc.role_arn, oidc.provider_arn, the trust policy of the "
     "role, and that the token's audience is sts.aliyuncs.com"},
    {"CreateTokenWithIdToken", true,
     "IAM refuses the id token: check oidc.idp_id, that this identity provider knows the token's "
     "issuer, keys and audience, and its conversion rules"},
    {"AssumeAgencyWithOIDC", true,
     "STS refuses the id token: check oidc.agency_urn and oidc.provider_urn, and the trust policy "
     "of the agency (issuer, audience and subject of the token)"},
    {"AssumeRole", false,
     "the role can't be assumed: check assume_role.role_arn, its trust policy, external_id, and "
     "that the keys have sts:AssumeRole on it"},
    {"AssumeAgency", false,
     "the agency can't be assumed: check assume_agency.agency_urn, its trust policy, external_id, "
     "and that the keys have sts:agencies:assume on it"},
    {"CreateTemporaryAccessKeyByAgency", false,
     "the agency can't be assumed: check assume_agency, and that the agency delegates to this "
     "account"},
};

std::string of_refused_keys(const Exam& exam, const Error& error) {
  const RefusedOperation* refused = nullptr;
  for (const RefusedOperation& each : kRefusedOperations) {
    if (error.operation == each.name) refused = &each;
  }
  if (refused != nullptr && refused->wins_over_cause) return refused->remedy;
  if (std::string words = of_cause(exam, error.cause); !words.empty()) return words;
  if (refused != nullptr) return refused->remedy;
  return exam.registry.is_acr() ? "the credentials are refused: check them"
                                : "the credentials are refused: check them, project_id and region";
}

// ── Wrong or missing settings ────────────────────────────────────────────────────────────────────

std::string of_not_found(const Exam& exam, const Error& error) {
  if (!exam.registry.is_acr()) {
    return "not found: check project_id, region and static_repositories (" + error.detail + ")";
  }
  if (error.cause == ErrorCause::unknown_instance) {
    return "there is no instance " + std::get<config::AcrConfig>(exam.registry.cloud).instance_id +
           " at " + exam.registry.endpoint + ": check instance_id and region";
  }
  return "not found: check static_repositories (" + error.detail + ")";
}

/// Credentials, or another setting, that can't be used on this machine.
std::string of_setting(const Error& error) {
  switch (error.cause) {
    case ErrorCause::program_denied:
      return "allow this process's user to execute the program (chmod +x, and x on every folder on "
             "the way): " +
             error.detail;
    case ErrorCause::program_missing:
      return "install this program, or correct process_command: " + error.detail;
    case ErrorCause::file_denied:
      return "allow this process's user to read the file (chgrp, chmod g+r): " + error.detail;
    case ErrorCause::file_missing:
      return "write this file, or correct its name: " + error.detail;
    case ErrorCause::no_credentials:
      return "set up one of these: " + error.detail;
    default:
      return error.detail;
  }
}

}  // namespace

Place registry_place(const Exam& exam) { return {exam.registry.endpoint, "endpoint", "endpoint"}; }

Place place_of(const Exam& exam, const Error& error) {
  const config::RegistryConfig& registry = exam.registry;
  const auto given = [](const std::string& url, const char* otherwise) {
    return url.empty() ? std::string(otherwise) : url;
  };
  switch (service_of(exam, error.operation)) {
    case Service::registry:
      break;
    case Service::sts:
      return {given(registry.key_endpoints.sts, "STS"), "sts_endpoint", "sts_endpoint"};
    case Service::iam:
      return {std::get<config::SwrConfig>(registry.cloud).iam_endpoint, "iam_endpoint",
              "iam_endpoint"};
    case Service::instance_metadata:
      return {given(registry.key_endpoints.metadata, "instance metadata"), "metadata",
              "metadata_endpoint"};
    case Service::pod_identity:
      return {"pod identity", "pod identity", "HC_CONTAINER_CREDENTIALS_FULL_URI"};
    case Service::credentials_uri:
      return {"the credentials URI", "credentials", "credentials_uri"};
  }
  return registry_place(exam);
}

std::string remedy_for(const Exam& exam, const Error& error) {
  switch (error.kind) {
    case ErrorKind::transport:
    case ErrorKind::timeout:
      return of_transport(exam, error);
    case ErrorKind::unauthorized:
      return of_refused_keys(exam, error);
    case ErrorKind::forbidden:
      if (error.operation == "KeystoneListProjects") {
        return "or write project_id: then IAM is not asked for projects";
      }
      return "";  // The policy in the report says it.
    case ErrorKind::not_found:
      return of_not_found(exam, error);
    case ErrorKind::throttled:
      return "the cloud throttles: lower requests_per_second, ask for a higher quota, or see who "
             "else calls with this account";
    case ErrorKind::invalid_config:
      return of_setting(error);
    case ErrorKind::malformed:
      if (error.cause == ErrorCause::wrong_repository) {
        return "the cloud gives pages of other repositories: try again later, then ask its support";
      }
      return "what answers at " + exam.registry.endpoint +
             " is not the registry's API (a proxy's page?): check endpoint";
    case ErrorKind::server_error:
      return "the cloud fails by itself: try again later";
    default:
      return error.detail;
  }
}

}  // namespace registry_exporter
