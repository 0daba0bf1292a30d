#include "exporter/swr/default_chain.h"

#include "exporter/base/url.h"
#include "exporter/cloud/credential_candidates.h"
#include "exporter/cloud/ini.h"

namespace registry_exporter::swr {
namespace {

/// An identity provider's token, or else keys: in this order when both are there.
Result<FoundForm> oidc_or_keys(FoundForm found, const std::string& idp_id,
                               const std::string& token_file, const char* otherwise) {
  config::SwrCredentials& form = found.credentials;
  if (!idp_id.empty() && !token_file.empty()) {
    form = {};
    form.oidc = {idp_id, token_file};
    return found;
  }
  if (!form.access_key.empty() && !form.secret_key.empty()) return found;
  return cloud::nothing(otherwise, !form.access_key.empty() || !form.secret_key.empty() ||
                                       !idp_id.empty() || !token_file.empty());
}

}  // namespace

Result<FoundForm> in_environment(const cloud::HostEnvironment& host) {
  FoundForm found;
  found.credentials.access_key.value = Secret(host.variable("HUAWEICLOUD_SDK_AK"));
  found.credentials.secret_key.value = Secret(host.variable("HUAWEICLOUD_SDK_SK"));
  found.credentials.security_token.value = Secret(host.variable("HUAWEICLOUD_SDK_SECURITY_TOKEN"));
  found.project_id = host.variable("HUAWEICLOUD_SDK_PROJECT_ID");
  return oidc_or_keys(std::move(found), host.variable("HUAWEICLOUD_SDK_IDP_ID"),
                      host.variable("HUAWEICLOUD_SDK_ID_TOKEN_FILE"),
                      "neither HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK nor "
                      "HUAWEICLOUD_SDK_IDP_ID and HUAWEICLOUD_SDK_ID_TOKEN_FILE are set");
}

Result<FoundForm> in_profile(const cloud::HostEnvironment& host) {
  const Result<cloud::FoundFile> file =
      cloud::find_file(host, "HUAWEICLOUD_SDK_CREDENTIALS_FILE", ".huaweicloud/credentials");
  if (!file) return tl::unexpected(file.error());
  const cloud::Ini ini = cloud::parse_ini(file->text.reveal());
  const auto section = ini.find("basic");
  if (section == ini.end()) {
    const bool global = ini.contains("global");
    return fail(ErrorKind::invalid_config,
                file->path + ": there is no section [basic]" +
                    (global ? "; [global] is for services without a region; SWR is regional" : ""));
  }
  const auto look = [&](const char* key) {
    const auto value = section->second.find(key);
    return value == section->second.end() ? std::string() : value->second;
  };
  FoundForm found;
  found.credentials.access_key.value = Secret(look("ak"));
  found.credentials.secret_key.value = Secret(look("sk"));
  found.credentials.security_token.value = Secret(look("security_token"));
  found.project_id = look("project_id");
  found.iam_endpoint = look("iam_endpoint");
  auto form = oidc_or_keys(std::move(found), look("idp_id"), look("id_token_file"),
                           "[basic] has neither ak and sk nor idp_id and id_token_file");
  if (!form) return within(file->path, form.error());
  return form;
}

Result<FoundForm> on_instance(const cloud::HostEnvironment&) {
  FoundForm found;
  found.credentials.ecs_agency = true;
  return found;
}

Result<FoundForm> in_pod(const cloud::HostEnvironment& host) {
  constexpr const char* kUri = "HC_CONTAINER_CREDENTIALS_FULL_URI";
  constexpr const char* kTokenFile = "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE";
  const config::SwrCredentials::PodIdentity pod{host.variable(kUri), host.variable(kTokenFile)};
  if (pod.uri.empty() || pod.token_file.empty()) {
    return cloud::nothing(std::string(kUri) + " or " + kTokenFile + " is not set",
                          !pod.uri.empty() || !pod.token_file.empty());
  }
  if (!is_http(pod.uri)) {
    return cloud::nothing(std::string(kUri) + " must begin with http:// or https://", true);
  }
  FoundForm found;
  found.credentials.pod_identity = pod;
  return found;
}

}  // namespace registry_exporter::swr
