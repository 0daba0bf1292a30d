#include "exporter/acr/profiles.h"

#include <algorithm>
#include <array>
#include <functional>
#include <tuple>
#include <utility>

#include "exporter/cloud/credentials.h"
#include "exporter/cloud/ini.h"
#include "exporter/net/json.h"

namespace registry_exporter::acr {
namespace {

/// The minimum of STS.
constexpr int kDurationSecondsMin = 900;
constexpr int kDurationSecondsDefault = 3600;

/// The value of a key, "" when there is none.
using Look = std::function<std::string(const char* key)>;

tl::unexpected<Error> wrong(const std::string& what) {
  return fail(ErrorKind::invalid_config, what);
}

/// The pair of keys, which both files name alike, and the token at `token`.
Result<Profile> read_keys(const Look& look, const char* token = nullptr) {
  Profile profile;
  config::AcrCredentials& form = profile.form;
  form.access_key_id.value = Secret(look("access_key_id"));
  form.access_key_secret.value = Secret(look("access_key_secret"));
  if (form.access_key_id.empty() || form.access_key_secret.empty()) {
    return wrong("access_key_id or access_key_secret is missing");
  }
  if (token == nullptr) return profile;
  form.security_token.value = Secret(look(token));
  if (form.security_token.empty()) return wrong(std::string(token) + " is missing");
  return profile;
}

Profile read_ecs_role(const std::string& name) {
  Profile profile;
  profile.form.ecs_ram_role = name;
  return profile;
}

Result<Profile> on_top(Result<Profile> base, config::AcrCredentials::AssumeRole role) {
  if (base) base->roles.push_back(std::move(role));
  return base;
}

// ── The CLI's profiles ───────────────────────────────────────────────────────────────────────────

/// The mode that the CLI assumes if a profile has none.
std::string guessed_mode(const Look& look) {
  if (!look("access_key_id").empty() && !look("access_key_secret").empty()) {
    if (!look("sts_token").empty()) return "StsToken";
    return look("ram_role_arn").empty() ? "AK" : "RamRoleArn";
  }
  constexpr std::array<std::pair<const char*, const char*>, 4> kTold{
      {{"ram_role_name", "EcsRamRole"},
       {"process_command", "External"},
       {"oidc_provider_arn", "OIDC"},
       {"cloud_sso_sign_in_url", "CloudSSO"}}};
  for (const auto& [key, mode] : kTold) {
    if (!look(key).empty()) return mode;
  }
  return "AK";
}

/// Reads a profile, and those that it is chained to by source_profile.
class ProfileReader {
 public:
  explicit ProfileReader(const net::json::Object& root) : root_(root) {}

  Result<Profile> read(const std::string& name) {
    if (std::find(seen_.begin(), seen_.end(), name) != seen_.end()) {
      return wrong("its source_profile '" + name + "' is made of itself");
    }
    seen_.push_back(name);
    const auto object = find(name);
    if (!object) return wrong("there is no profile '" + name + "'");
    const Look look = [&](const char* key) { return net::json::text_at(*object, key); };
    std::string mode = look("mode");
    if (mode.empty()) mode = guessed_mode(look);
    Result<Profile> profile = read_mode(mode, look, *object);
    if (!profile) return within("profile '" + name + "'", profile.error());
    if (profile->mode.empty()) std::tie(profile->name, profile->mode) = std::tie(name, mode);
    return profile;
  }

 private:
  std::optional<net::json::Object> find(const std::string& name) const {
    simdjson::dom::array profiles;
    const auto list = net::json::field(root_, "profiles");
    if (!list || list->get(profiles)) return std::nullopt;
    for (const net::json::Element each : profiles) {
      net::json::Object profile;
      if (!each.get(profile) && net::json::text_at(profile, "name") == name) return profile;
    }
    return std::nullopt;
  }
  Result<Profile> read_mode(const std::string& mode, const Look& look,
                            const net::json::Object& object);

  const net::json::Object& root_;
  std::vector<std::string> seen_;
};

Result<int> read_duration(const net::json::Object& object) {
  const auto seconds = net::json::integer_at(object, "expired_seconds").value_or(0);
  if (seconds == 0) return kDurationSecondsDefault;
  constexpr int kDay = 86'400;
  if (seconds >= kDurationSecondsMin && seconds <= kDay) return static_cast<int>(seconds);
  return wrong("expired_seconds must be between 900 and 86400");
}

config::AcrCredentials::Sts read_sts(const Look& look, const net::json::Object& object) {
  const auto vpc = net::json::field(object, "enable_vpc");
  return {look("sts_endpoint"), look("sts_region"),
          vpc && net::json::bool_of(*vpc).value_or(false)};
}

Result<Profile> read_kept_keys(const Look& look, const net::json::Object& object) {
  Result<Profile> profile = read_keys(look, "sts_token");
  if (!profile) profile = Profile();  // Never fetched any: the same as expired keys.
  const auto seconds = net::json::integer_at(object, "sts_expiration").value_or(0);
  profile->kept_until = UnixMillis(std::chrono::seconds(seconds));
  return profile;
}

Result<Profile> ProfileReader::read_mode(const std::string& mode, const Look& look,
                                         const net::json::Object& object) {
  const Result<int> duration = read_duration(object);
  if (!duration) return tl::unexpected(duration.error());
  const config::AcrCredentials::AssumeRole role{look("ram_role_arn"),
                                                look("ram_session_name"),
                                                look("external_id"),
                                                look("policy"),
                                                *duration,
                                                read_sts(look, object)};
  if (mode == "AK") return read_keys(look);
  if (mode == "StsToken") return read_keys(look, "sts_token");
  if (mode == "RamRoleArn") {
    const bool temporary = !look("sts_token").empty();
    return on_top(read_keys(look, temporary ? "sts_token" : nullptr), role);
  }
  if (mode == "EcsRamRole") return read_ecs_role(look("ram_role_name"));
  if (mode == "RamRoleArnWithRoleName") return on_top(read_ecs_role(look("ram_role_name")), role);
  if (mode == "ChainableRamRoleArn") return on_top(read(look("source_profile")), role);
  if (mode == "CloudSSO" || mode == "OAuth") return read_kept_keys(look, object);
  Profile profile;
  if (mode == "OIDC") {
    profile.form.oidc = {role.role_arn,
                         look("oidc_provider_arn"),
                         look("oidc_token_file"),
                         role.session_name,
                         role.policy,
                         *duration,
                         role.sts};
    return profile;
  }
  if (mode == "CredentialsURI") {
    profile.form.credentials_uri = look("credentials_uri");
    return profile;
  }
  if (mode == "External") {
    profile.process_command = look("process_command");
    if (profile.process_command.empty()) return wrong("process_command is missing");
    return profile;
  }
  return wrong("its mode '" + mode +
               "' is not supported here; those are AK, StsToken, RamRoleArn, EcsRamRole, OIDC, "
               "ChainableRamRoleArn, RamRoleArnWithRoleName, CredentialsURI, External, CloudSSO "
               "and OAuth");
}

// ── What is left to the environment ──────────────────────────────────────────────────────────────

std::string text_of(const config::Environment& environment, const char* name) {
  return environment(name).value_or("");
}

void fill(std::string& value, const config::Environment& environment, const char* name) {
  if (value.empty()) value = text_of(environment, name);
}

std::optional<Error> missing(const std::string& value, const char* key) {
  if (!value.empty()) return std::nullopt;
  return Error{ErrorKind::invalid_config, std::string(key) + " is missing", {}, {}};
}

}  // namespace

Result<Profile> parse_cli_config(std::string_view text, const std::string& name) {
  const Result<net::json::Document> document = net::json::parse(text);
  if (!document) return wrong("not JSON");
  const std::string current = net::json::text_at(document->root, "current");
  return ProfileReader(document->root).read(name.empty() ? current : name);
}

Result<Profile> parse_credentials_file(std::string_view text, const std::string& name) {
  const cloud::Ini ini = cloud::parse_ini(text);
  const std::string section = name.empty() ? "default" : name;
  const auto found = ini.find(section);
  if (found == ini.end()) return wrong("there is no section [" + section + "]");
  const Look look = [&](const char* key) {
    const auto value = found->second.find(key);
    return value == found->second.end() ? std::string() : value->second;
  };
  const std::string type = look("type");
  if (type == "access_key") return read_keys(look);
  if (type == "sts") return read_keys(look, "security_token");
  if (type == "ram_role_arn") {
    return on_top(read_keys(look), {look("role_arn"), look("role_session_name"),
                                    look("external_id"), look("policy")});
  }
  if (type == "ecs_ram_role") return read_ecs_role(look("role_name"));
  if (type == "oidc_role_arn") {
    Profile profile;
    profile.form.oidc = {look("role_arn"), look("oidc_provider_arn"), look("oidc_token_file_path"),
                         look("role_session_name"), look("policy")};
    return profile;
  }
  const std::string what =
      type.empty() ? "has no type" : "has the type '" + type + "', which is not supported here";
  return wrong("section [" + section + "] " + what +
               "; those are access_key, sts, ram_role_arn, ecs_ram_role and oidc_role_arn");
}

Result<Profile> completed(Profile profile, const config::Environment& environment) {
  constexpr const char* kRole = "ALIBABA_CLOUD_ROLE_ARN";
  constexpr const char* kSession = "ALIBABA_CLOUD_ROLE_SESSION_NAME";
  constexpr const char* kNoMetadata = "ALIBABA_CLOUD_ECS_METADATA_DISABLED";
  // The file of the other clients has names of its own.
  const bool of_cli = !profile.mode.empty();
  const char* const role_key = of_cli ? "ram_role_arn" : "role_arn";
  std::optional<Error> problem;
  for (config::AcrCredentials::AssumeRole& role : profile.roles) {
    fill(role.role_arn, environment, kRole);
    fill(role.session_name, environment, kSession);
    if (!problem) problem = missing(role.role_arn, role_key);
  }
  if (profile.form.oidc) {
    config::AcrCredentials::Oidc& oidc = *profile.form.oidc;
    fill(oidc.role_arn, environment, kRole);
    fill(oidc.session_name, environment, kSession);
    fill(oidc.provider_arn, environment, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN");
    fill(oidc.token_file, environment, "ALIBABA_CLOUD_OIDC_TOKEN_FILE");
    if (!problem) problem = missing(oidc.role_arn, role_key);
    if (!problem) problem = missing(oidc.provider_arn, "oidc_provider_arn");
    if (!problem)
      problem = missing(oidc.token_file, of_cli ? "oidc_token_file" : "oidc_token_file_path");
  }
  if (profile.form.ecs_ram_role) {
    fill(*profile.form.ecs_ram_role, environment, "ALIBABA_CLOUD_ECS_METADATA");
    if (cloud::HostEnvironment{environment, {}}.is_on(kNoMetadata))
      return wrong(std::string(kNoMetadata) + " is set");
  }
  if (profile.mode == "CredentialsURI") {
    fill(profile.form.credentials_uri, environment, "ALIBABA_CLOUD_CREDENTIALS_URI");
    if (!problem) problem = missing(profile.form.credentials_uri, "credentials_uri");
  }
  if (problem) return tl::unexpected(*problem);
  return profile;
}

}  // namespace registry_exporter::acr
