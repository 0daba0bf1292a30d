#include "exporter/acr/profiles.h"

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>

namespace registry_exporter::acr {
namespace {

/// A form in a few words.
std::string words(const Result<Profile>& found) {
  if (!found) return found.error().detail;
  const config::AcrCredentials& form = found->form;
  std::string text = found->process_command.empty() ? "" : "runs " + found->process_command;
  if (!form.access_key_id.empty()) {
    text = form.access_key_id.value.reveal() + "/" + form.access_key_secret.value.reveal() + "/" +
           form.security_token.value.reveal();
  }
  if (form.oidc) {
    text = form.oidc->role_arn + " by " + form.oidc->token_file + " for " +
           std::to_string(form.oidc->duration_seconds);
  }
  if (form.ecs_ram_role) text = "ecs " + *form.ecs_ram_role;
  if (!form.credentials_uri.empty()) text = "at " + form.credentials_uri;
  for (const auto& role : found->roles) {
    text += " then " + role.role_arn + " for " + std::to_string(role.duration_seconds);
    if (!role.sts.region.empty()) text += " in " + role.sts.region + (role.sts.vpc ? "'s VPC" : "");
    if (!role.sts.endpoint.empty()) text += " at " + role.sts.endpoint;
  }
  if (found->kept_until)
    text += " of " + found->name + " until " +
            std::to_string(found->kept_until->time_since_epoch().count());
  return text;
}

/// A CLI's file with this profile, current, and some others.
std::string cli(const std::string& keys) {
  return R"({"current":"p","profiles":[{"name":"p",)" + keys + R"(},
    {"name":"ak","mode":"AK","access_key_id":"A","access_key_secret":"S"},
    {"name":"ecs","mode":"EcsRamRole","ram_role_name":"web"},
    {"name":"first","mode":"ChainableRamRoleArn","source_profile":"ecs","ram_role_arn":"F"},
    {"name":"back","mode":"ChainableRamRoleArn","source_profile":"p","ram_role_arn":"B"},
    {"name":"odd","mode":"Odd"}]})";
}

TEST_CASE("cli config: every mode") {
  const std::string keys = R"("access_key_id":"A","access_key_secret":"S")";
  const std::string kept = keys + R"(,"sts_token":"T","sts_expiration":7)";
  const std::string role = R"("ram_role_arn":"R")";
  struct Row {
    const char* name;
    std::string profile;
    const char* expected;
  };
  const Row rows[] = {
      {"AK", R"("mode":"AK",)" + keys, "A/S/"},
      {"StsToken", R"("mode":"StsToken","sts_token":"T",)" + keys, "A/S/T"},
      {"RamRoleArn", R"("mode":"RamRoleArn",)" + role + "," + keys, "A/S/ then R for 3600"},
      {"with a token", R"("mode":"RamRoleArn","sts_token":"T",)" + role + "," + keys,
       "A/S/T then R for 3600"},
      {"in a region",
       R"("mode":"RamRoleArn","sts_region":"cn-x","enable_vpc":true,"expired_seconds":900,)" +
           role + "," + keys,
       "A/S/ then R for 900 in cn-x's VPC"},
      {"at an endpoint", R"("mode":"RamRoleArn","sts_endpoint":"h",)" + role + "," + keys,
       "A/S/ then R for 3600 at h"},
      {"EcsRamRole", R"("mode":"EcsRamRole","ram_role_name":"web")", "ecs web"},
      {"OIDC", R"("mode":"OIDC","oidc_provider_arn":"P","oidc_token_file":"/t",)" + role,
       "R by /t for 3600"},
      {"a chain of three", R"("mode":"ChainableRamRoleArn","source_profile":"first",)" + role,
       "ecs web then F for 3600 then R for 3600"},
      {"the older way", R"("mode":"RamRoleArnWithRoleName","ram_role_name":"w",)" + role,
       "ecs w then R for 3600"},
      {"CredentialsURI", R"("mode":"CredentialsURI","credentials_uri":"http://h/")",
       "at http://h/"},
      {"External", R"("mode":"External","process_command":"keys")", "runs keys"},
      {"CloudSSO", R"("mode":"CloudSSO",)" + kept, "A/S/T of p until 7000"},
      {"OAuth", R"("mode":"OAuth",)" + kept, "A/S/T of p until 7000"},
      {"OAuth that never signed in", R"("mode":"OAuth")", " of p until 0"},
      {"no mode", R"("sts_token":"T",)" + keys, "A/S/T"},
      {"no mode, a role", role + "," + keys, "A/S/ then R for 3600"},
      {"no mode, a program", R"("mode":"","process_command":"keys")", "runs keys"},
      {"half", R"("mode":"AK","access_key_id":"A")",
       "profile 'p': access_key_id or access_key_secret is missing"},
      {"no time at all", R"("mode":"RamRoleArn","expired_seconds":899,)" + keys,
       "profile 'p': expired_seconds must be between 900 and 86400"},
      {"round and round", R"("mode":"ChainableRamRoleArn","source_profile":"back")",
       "profile 'p': profile 'back': its source_profile 'p' is made of itself"},
      {"to itself", R"("mode":"ChainableRamRoleArn","source_profile":"p")",
       "profile 'p': its source_profile 'p' is made of itself"},
      {"to nowhere", R"("mode":"ChainableRamRoleArn","source_profile":"none")",
       "profile 'p': there is no profile 'none'"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(words(parse_cli_config(cli(row.profile), "")) == row.expected);
  }
  CHECK(words(parse_cli_config(cli(keys), "ecs")) == "ecs web");
  for (const char* mode : {"RsaKeyPair", "BearerToken", "Anonymous", "ak"}) {
    const std::string told =
        words(parse_cli_config(cli(R"("mode":")" + std::string(mode) + "\""), ""));
    CHECK(told.find("'" + std::string(mode) + "' is not supported") != std::string::npos);
  }
  for (const char* text : {"", "[]", "{", R"({"profiles":7})"}) {
    CHECK_FALSE(parse_cli_config(text, "p").has_value());
  }
}

TEST_CASE("profiles: what they leave to the environment") {
  const auto from = [](std::map<std::string, std::string> variables) {
    return [variables](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
  };
  const std::string role = R"("mode":"RamRoleArnWithRoleName")";
  const auto bare = *parse_cli_config(cli(role), "");
  CHECK(words(completed(bare, from({}))) == "ram_role_arn is missing");
  const auto whole = completed(bare, from({{"ALIBABA_CLOUD_ROLE_ARN", "R"},
                                           {"ALIBABA_CLOUD_ROLE_SESSION_NAME", "me"},
                                           {"ALIBABA_CLOUD_ECS_METADATA", "web"}}));
  CHECK(words(whole) == "ecs web then R for 3600");
  CHECK(whole->roles.front().session_name == "me");
  const auto forbidden = completed(bare, from({{"ALIBABA_CLOUD_ROLE_ARN", "R"},
                                               {"ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"}}));
  CHECK(words(forbidden) == "ALIBABA_CLOUD_ECS_METADATA_DISABLED is set");
  const auto oidc = *parse_cli_config(cli(R"("mode":"OIDC","ram_role_arn":"R")"), "");
  CHECK(words(completed(oidc, from({}))) == "oidc_provider_arn is missing");
  CHECK(words(completed(oidc, from({{"ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "P"},
                                    {"ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/t"}}))) ==
        "R by /t for 3600");
  const auto uri = *parse_cli_config(cli(R"("mode":"CredentialsURI")"), "");
  CHECK(words(completed(uri, from({}))) == "credentials_uri is missing");
  CHECK(words(completed(uri, from({{"ALIBABA_CLOUD_CREDENTIALS_URI", "http://h"}}))) ==
        "at http://h");
}

TEST_CASE("credentials file: every type, by section") {
  constexpr const char* kFile =
      "[default]\ntype = access_key\naccess_key_id = A\naccess_key_secret = S\n"
      "[role]  # by STS\ntype=ram_role_arn\naccess_key_id=A\naccess_key_secret=S\nrole_arn=R\n"
      "[ecs]\ntype=ecs_ram_role\nrole_name=web\n"
      "[sts]\ntype=sts\naccess_key_id=A\naccess_key_secret=S\nsecurity_token=T\n"
      "[oidc]\ntype=oidc_role_arn\nrole_arn=R\noidc_provider_arn=P\noidc_token_file_path=/t\n"
      "[odd]\ntype=bearer\n[none]\n";
  CHECK(words(parse_credentials_file(kFile, "")) == "A/S/");
  CHECK(words(parse_credentials_file(kFile, "role")) == "A/S/ then R for 3600");
  CHECK(words(parse_credentials_file(kFile, "ecs")) == "ecs web");
  CHECK(words(parse_credentials_file(kFile, "sts")) == "A/S/T");
  CHECK(words(parse_credentials_file(kFile, "oidc")) == "R by /t for 3600");
  CHECK(words(parse_credentials_file(kFile, "odd")).find("'bearer', which is not supported") !=
        std::string::npos);
  CHECK(words(parse_credentials_file(kFile, "none")).find("[none] has no type") !=
        std::string::npos);
  CHECK(words(parse_credentials_file(kFile, "other")).find("no section [other]") !=
        std::string::npos);
}

}  // namespace
}  // namespace registry_exporter::acr
