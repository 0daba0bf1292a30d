#include "exporter/acr/profiles.h"

#include <doctest/doctest.h>

namespace registry_exporter::acr {
namespace {

/// A form in a few words.
std::string words(const Result<AcrCredentials>& found) {
  if (!found) return found.error().detail;
  std::string text;
  if (!found->access_key_id.empty()) {
    text = found->access_key_id.value.reveal() + "/" + found->access_key_secret.value.reveal() +
           "/" + found->security_token.value.reveal();
  }
  if (found->oidc) text = found->oidc->role_arn + " by " + found->oidc->token_file;
  if (found->ecs_ram_role) text = "ecs " + *found->ecs_ram_role;
  if (found->assume_role) text += " then " + found->assume_role->role_arn;
  return text;
}

constexpr const char* kConfig = R"({"current":"ak","profiles":[
 {"name":"ak","mode":"AK","access_key_id":"A","access_key_secret":"S"},
 {"name":"sts","mode":"StsToken","access_key_id":"A","access_key_secret":"S","sts_token":"T"},
 {"name":"role","mode":"RamRoleArn","access_key_id":"A","access_key_secret":"S",
  "ram_role_arn":"R","ram_session_name":"n"},
 {"name":"ecs","mode":"EcsRamRole","ram_role_name":"web"},
 {"name":"oidc","mode":"OIDC","ram_role_arn":"R","oidc_provider_arn":"P","oidc_token_file":"/t"},
 {"name":"chain","mode":"ChainableRamRoleArn","source_profile":"ecs","ram_role_arn":"R"},
 {"name":"loop","mode":"ChainableRamRoleArn","source_profile":"loop","ram_role_arn":"R"},
 {"name":"twice","mode":"ChainableRamRoleArn","source_profile":"role","ram_role_arn":"R"},
 {"name":"half","mode":"AK","access_key_id":"A"},
 {"name":"sso","mode":"CloudSSO"}]})";

TEST_CASE("cli config: every mode that can be had without the CLI is had") {
  struct Row {
    const char* profile;
    const char* expected;
  };
  const Row rows[] = {{"", "A/S/"},
                      {"ak", "A/S/"},
                      {"sts", "A/S/T"},
                      {"role", "A/S/ then R"},
                      {"ecs", "ecs web"},
                      {"oidc", "R by /t"},
                      {"chain", "ecs web then R"},
                      {"half", "access_key_id or access_key_secret is missing"},
                      {"twice", "a role on top of a role on top of a role is not supported"},
                      {"none", "there is no profile 'none'"}};
  for (const Row& row : rows) {
    CAPTURE(row.profile);
    CHECK(words(parse_cli_config(kConfig, row.profile)) == row.expected);
  }
  for (const char* odd : {"sso", "loop"}) {
    CHECK(words(parse_cli_config(kConfig, odd)).find("not supported") != std::string::npos);
  }
  for (const char* text : {"", "[]", "{", R"({"profiles":7})"}) {
    CHECK_FALSE(parse_cli_config(text, "p").has_value());
  }
}

TEST_CASE("credentials file: every type, by section") {
  constexpr const char* kFile =
      "[default]\ntype = access_key\naccess_key_id = A\naccess_key_secret = S\n"
      "[role]\ntype=ram_role_arn\naccess_key_id=A\naccess_key_secret=S\nrole_arn=R\n"
      "[ecs]\ntype=ecs_ram_role\nrole_name=web\n"
      "[sts]\ntype=sts\naccess_key_id=A\naccess_key_secret=S\nsecurity_token=T\n"
      "[odd]\ntype=bearer\n";
  CHECK(words(parse_credentials_file(kFile, "")) == "A/S/");
  CHECK(words(parse_credentials_file(kFile, "role")) == "A/S/ then R");
  CHECK(words(parse_credentials_file(kFile, "ecs")) == "ecs web");
  CHECK(words(parse_credentials_file(kFile, "sts")) == "A/S/T");
  CHECK(words(parse_credentials_file(kFile, "odd")).find("not supported") != std::string::npos);
  CHECK(words(parse_credentials_file(kFile, "none")).find("[none]") != std::string::npos);
}

}  // namespace
}  // namespace registry_exporter::acr
