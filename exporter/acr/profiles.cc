#include "exporter/acr/profiles.h"

#include <functional>

#include "exporter/cloud/ini.h"
#include "exporter/net/json.h"

namespace registry_exporter::acr {
namespace {

/// The value of a key, "" when there is none.
using Look = std::function<std::string(const char* key)>;

tl::unexpected<Error> wrong(const std::string& what) {
  return fail(ErrorKind::invalid_config, what);
}

/// The pair that both files write alike.
Result<AcrCredentials> read_keys(const Look& look) {
  AcrCredentials credentials;
  credentials.access_key_id.value = Secret(look("access_key_id"));
  credentials.access_key_secret.value = Secret(look("access_key_secret"));
  if (credentials.access_key_id.empty() || credentials.access_key_secret.empty()) {
    return wrong("access_key_id or access_key_secret is missing");
  }
  return credentials;
}

Result<AcrCredentials> read_keys_with_token(const Look& look, const char* token) {
  Result<AcrCredentials> credentials = read_keys(look);
  if (!credentials) return credentials;
  credentials->security_token.value = Secret(look(token));
  if (credentials->security_token.empty()) return wrong(std::string(token) + " is missing");
  return credentials;
}

Result<AcrCredentials> on_top(Result<AcrCredentials> base, AcrCredentials::AssumeRole role) {
  if (!base) return base;
  if (role.role_arn.empty()) return wrong("the ARN of the role is missing");
  if (base->assume_role) return wrong("a role on top of a role on top of a role is not supported");
  base->assume_role = std::move(role);
  return base;
}

std::optional<json::Object> find_profile(const json::Object& root, const std::string& name) {
  simdjson::dom::array profiles;
  const auto list = json::field(root, "profiles");
  if (!list || list->get(profiles)) return std::nullopt;
  for (const json::Element each : profiles) {
    json::Object profile;
    if (!each.get(profile) && json::text_at(profile, "name") == name) return profile;
  }
  return std::nullopt;
}

Result<AcrCredentials> read_profile(const json::Object& root, const std::string& name,
                                    bool as_source) {
  const auto profile = find_profile(root, name);
  if (!profile) return wrong("there is no profile '" + name + "'");
  const Look look = [&](const char* key) { return json::text_at(*profile, key); };
  const AcrCredentials::AssumeRole role{look("ram_role_arn"), look("ram_session_name"),
                                        look("external_id"), look("policy")};
  const std::string mode = look("mode");
  if (mode.empty() || mode == "AK") return read_keys(look);
  if (mode == "StsToken") return read_keys_with_token(look, "sts_token");
  if (mode == "RamRoleArn") {
    const bool temporary = !look("sts_token").empty();
    return on_top(temporary ? read_keys_with_token(look, "sts_token") : read_keys(look), role);
  }
  if (mode == "ChainableRamRoleArn" && !as_source) {
    return on_top(read_profile(root, look("source_profile"), true), role);
  }
  AcrCredentials credentials;
  if (mode == "EcsRamRole") {
    credentials.ecs_ram_role = look("ram_role_name");
    return credentials;
  }
  if (mode == "OIDC") {
    credentials.oidc = {role.role_arn, look("oidc_provider_arn"), look("oidc_token_file"),
                        role.session_name};
    const AcrCredentials::Oidc& oidc = *credentials.oidc;
    if (!oidc.role_arn.empty() && !oidc.provider_arn.empty() && !oidc.token_file.empty()) {
      return credentials;
    }
    return wrong("ram_role_arn, oidc_provider_arn or oidc_token_file is missing");
  }
  return wrong("profile '" + name +
               "' has a mode that is not supported here; those are AK, "
               "StsToken, RamRoleArn, EcsRamRole, OIDC and ChainableRamRoleArn");
}

}  // namespace

Result<AcrCredentials> parse_cli_config(std::string_view text, const std::string& name) {
  const Result<json::Document> document = json::parse(text);
  if (!document) return wrong("not JSON");
  const std::string current = json::text_at(document->root, "current");
  return read_profile(document->root, name.empty() ? current : name, false);
}

Result<AcrCredentials> parse_credentials_file(std::string_view text, const std::string& name) {
  const Ini ini = parse_ini(text);
  const std::string section = name.empty() ? "default" : name;
  const auto found = ini.find(section);
  if (found == ini.end()) return wrong("there is no section [" + section + "]");
  const Look look = [&](const char* key) {
    const auto value = found->second.find(key);
    return value == found->second.end() ? std::string() : value->second;
  };
  const std::string type = look("type");
  if (type == "access_key") return read_keys(look);
  if (type == "sts") return read_keys_with_token(look, "security_token");
  if (type == "ram_role_arn") {
    return on_top(read_keys(look),
                  {look("role_arn"), look("role_session_name"), "", look("policy")});
  }
  if (type == "ecs_ram_role") {
    AcrCredentials credentials;
    credentials.ecs_ram_role = look("role_name");
    return credentials;
  }
  return wrong("section [" + section +
               "] has a type that is not supported here; those are "
               "access_key, sts, ram_role_arn and ecs_ram_role");
}

}  // namespace registry_exporter::acr
