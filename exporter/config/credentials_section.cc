#include "exporter/config/credentials_section.h"

#include "exporter/base/text.h"
#include "exporter/base/url.h"

namespace registry_exporter::config {
namespace {

constexpr const char* kAtTheRegistry = "belongs beside endpoint, at the registry";
constexpr const char* kOfAcr = "belongs to credentials of type acr";
constexpr const char* kOfSwr = "belongs to credentials of type swr";

// Huawei's older and newer IAM use different names for the same things.
constexpr const char* kWithUrn = "goes with agency_urn alone";
constexpr const char* kNotWithUrn = "does not go with agency_urn: keep one of the two forms";

template <class T>
void assign(T& target, std::optional<T> value) {
  if (value) target = *std::move(value);
}

/// Keys that are needed together: one problem if one of them is missing.
void check_pair(Section& section, const std::string& id, const std::string& secret) {
  if (section.has_secret(id) == section.has_secret(secret)) return;
  const std::string& given = section.has_secret(id) ? id : secret;
  section.problem(section.has(given) ? given : given + "_file",
                  ": " + id + " and " + secret + " go together");
}

/// One way to get keys, and whether it is given.
struct Form {
  const char* key;
  bool given;
};

/// Checks that exactly one form is given. `all_known`: no key is misspelt; a misspelt key is
/// reported already.
void check_forms(Section& section, const std::vector<Form>& forms, bool all_known) {
  if (!section.is_mapping()) return;
  std::vector<std::string> given;
  std::string all;
  for (const Form& form : forms) {
    if (form.given) given.emplace_back(form.key);
    all += (all.empty() ? "" : ", ") + std::string(form.key);
  }
  if (given.size() > 1) {
    section.problem_here(": " + given[0] + " and " + given[1] +
                         " are two forms of credentials; keep one");
  } else if (given.empty() && all_known) {
    section.problem_here(" names no form (" + all +
                         "); leave credentials out for the provider's default chain");
  }
}

void check_token(Section& section, const std::string& id, const std::string& secret) {
  if (!section.has_secret("security_token")) return;
  if (section.has_secret(id) || section.has_secret(secret)) return;
  section.problem(section.has("security_token") ? "security_token" : "security_token_file",
                  " needs " + id + " and " + secret);
}

AcrCredentials::AssumeRole read_assume_role(Section section) {
  AcrCredentials::AssumeRole role;
  role.role_arn = section.required_text("role_arn");
  assign(role.session_name, section.text_not_empty("session_name"));
  assign(role.external_id, section.text_not_empty("external_id"));
  section.refuse_the_rest();
  return role;
}

AcrCredentials::Oidc read_acr_oidc(Section section) {
  AcrCredentials::Oidc oidc;
  oidc.role_arn = section.required_text("role_arn");
  oidc.provider_arn = section.required_text("provider_arn");
  oidc.token_file = section.required_text("token_file");
  assign(oidc.session_name, section.text_not_empty("session_name"));
  section.refuse_the_rest();
  return oidc;
}

/// Empty: the metadata service knows the name.
std::optional<std::string> read_ram_role(Section& section) {
  if (!section.has("ecs_ram_role")) return std::nullopt;
  if (section.get("ecs_ram_role").IsNull()) return "";
  return section.text("ecs_ram_role").value_or("");
}

std::string read_credentials_uri(Section& section) {
  const std::string uri = section.text_not_empty("credentials_uri").value_or("");
  const bool has_host = is_http(uri) && !uri.ends_with("://");
  if (!uri.empty() && (!has_host || contains(uri, " "))) {
    section.problem("credentials_uri", " must be a URL that begins with http:// or https://");
  }
  return uri;
}

SwrCredentials::IamUser read_iam_user(Section section, const std::string& region) {
  SwrCredentials::IamUser user;
  user.domain_name = section.required_text("domain_name");
  user.user_name = section.required_text("user_name");
  user.password = section.secret("password");
  if (!section.has_secret("password")) section.missing("password (or password_file)");
  user.project_name = region;
  assign(user.project_name, section.text_not_empty("project_name"));
  section.refuse_the_rest();
  return user;
}

/// Of a trust agency. IAM checks the rest of it.
std::string read_agency_urn(Section& section) {
  std::string urn = section.required_text("agency_urn");
  if (!urn.empty() && (!urn.starts_with("iam::") || urn.find(' ') != std::string::npos)) {
    section.problem("agency_urn", " must be like iam::<account id>:agency:<name>");
  }
  return urn;
}

SwrCredentials::Oidc read_swr_oidc(Section section) {
  SwrCredentials::Oidc oidc;
  oidc.token_file = section.required_text("token_file");
  if (section.has("provider_urn") || section.has("agency_urn")) {
    oidc.provider_urn = section.required_text("provider_urn");
    oidc.agency_urn = read_agency_urn(section);
    assign(oidc.session_name, section.text_not_empty("session_name"));
  } else if (section.has("idp_id")) {
    oidc.idp_id = section.required_text("idp_id");
  } else {
    section.missing("idp_id (or provider_urn and agency_urn)");
  }
  section.refuse_the_rest({{"idp_id", kNotWithUrn}, {"session_name", kWithUrn}});
  return oidc;
}

SwrCredentials::AssumeAgency read_assume_agency(Section section) {
  SwrCredentials::AssumeAgency agency;
  if (section.has("agency_urn")) {
    agency.agency_urn = read_agency_urn(section);
    assign(agency.session_name, section.text_not_empty("session_name"));
    assign(agency.external_id, section.text_not_empty("external_id"));
  } else {
    agency.domain_name = section.required_text("domain_name");
    agency.agency_name = section.required_text("agency_name");
  }
  section.refuse_the_rest({{"domain_name", kNotWithUrn},
                           {"agency_name", kNotWithUrn},
                           {"session_name", kWithUrn},
                           {"external_id", kWithUrn}});
  return agency;
}

void check_acr_forms(Section& section, bool all_known) {
  const bool keys = section.has_secret("access_key_id") || section.has_secret("access_key_secret");
  const bool others =
      section.has("oidc") || section.has("ecs_ram_role") || section.has("credentials_uri");
  if (!keys && !others) {
    if (section.has_secret("security_token")) return;  // Reported already.
    if (section.has("assume_role")) {
      section.problem("assume_role",
                      " goes on top of access_key_id and access_key_secret (or of another form)");
      return;
    }
  }
  check_forms(section,
              {{"access_key_id", keys},
               {"oidc", section.has("oidc")},
               {"ecs_ram_role", section.has("ecs_ram_role")},
               {"credentials_uri", section.has("credentials_uri")}},
              all_known);
}

void check_swr_forms(Section& section, bool ecs_agency, bool all_known) {
  const bool keys = section.has_secret("access_key") || section.has_secret("secret_key");
  const bool others = section.has("iam_user") || section.has("oidc") || ecs_agency;
  if (!keys && !others) {
    if (section.has_secret("security_token")) return;  // Reported already.
    if (section.has("assume_agency")) {
      section.problem("assume_agency",
                      " goes on top of access_key and secret_key (or of another form)");
      return;
    }
  }
  check_forms(section,
              {{"access_key", keys},
               {"iam_user", section.has("iam_user")},
               {"oidc", section.has("oidc")},
               {"ecs_agency", ecs_agency}},
              all_known);
}

}  // namespace

AcrCredentials read_acr_credentials(Section section) {
  AcrCredentials credentials;
  credentials.access_key_id = section.secret("access_key_id");
  credentials.access_key_secret = section.secret("access_key_secret");
  credentials.security_token = section.secret("security_token");
  if (auto role = section.section("assume_role")) credentials.assume_role = read_assume_role(*role);
  if (auto oidc = section.section("oidc")) credentials.oidc = read_acr_oidc(*oidc);
  credentials.ecs_ram_role = read_ram_role(section);
  credentials.credentials_uri = read_credentials_uri(section);
  check_pair(section, "access_key_id", "access_key_secret");
  check_token(section, "access_key_id", "access_key_secret");
  const bool all_known = section.refuse_the_rest({{"access_key", kOfSwr},
                                                  {"access_key_file", kOfSwr},
                                                  {"secret_key", kOfSwr},
                                                  {"secret_key_file", kOfSwr},
                                                  {"iam_user", kOfSwr},
                                                  {"ecs_agency", kOfSwr},
                                                  {"assume_agency", kOfSwr},
                                                  {"sts_endpoint", kAtTheRegistry},
                                                  {"metadata_endpoint", kAtTheRegistry}});
  check_acr_forms(section, all_known);
  return credentials;
}

SwrCredentials read_swr_credentials(Section section, const std::string& region) {
  SwrCredentials credentials;
  credentials.access_key = section.secret("access_key");
  credentials.secret_key = section.secret("secret_key");
  credentials.security_token = section.secret("security_token");
  if (auto user = section.section("iam_user")) credentials.iam_user = read_iam_user(*user, region);
  if (auto oidc = section.section("oidc")) credentials.oidc = read_swr_oidc(*oidc);
  if (auto agency = section.section("assume_agency")) {
    credentials.assume_agency = read_assume_agency(*agency);
  }
  const std::optional<bool> agency = section.boolean("ecs_agency");
  credentials.ecs_agency = agency.value_or(false);
  check_pair(section, "access_key", "secret_key");
  check_token(section, "access_key", "secret_key");
  const bool all_known = section.refuse_the_rest({{"access_key_id", kOfAcr},
                                                  {"access_key_id_file", kOfAcr},
                                                  {"access_key_secret", kOfAcr},
                                                  {"access_key_secret_file", kOfAcr},
                                                  {"assume_role", kOfAcr},
                                                  {"ecs_ram_role", kOfAcr},
                                                  {"credentials_uri", kOfAcr},
                                                  {"iam_endpoint", kAtTheRegistry},
                                                  {"metadata_endpoint", kAtTheRegistry}});
  check_swr_forms(section, agency.value_or(section.has("ecs_agency")), all_known);
  return credentials;
}

}  // namespace registry_exporter::config
