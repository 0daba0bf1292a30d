#include "exporter/acr/credentials.h"

#include <functional>
#include <memory>
#include <utility>

#include "exporter/acr/hosts.h"
#include "exporter/acr/profiles.h"
#include "exporter/acr/refusal.h"
#include "exporter/acr/token_service.h"
#include "exporter/base/text.h"
#include "exporter/base/time_text.h"
#include "exporter/base/url.h"
#include "exporter/cloud/credential_candidates.h"

namespace registry_exporter::acr {
namespace {

/// A form of credentials, from our configuration or elsewhere.
using Found = Result<Profile>;

/// Everything that a source needs to get keys.
struct Context {
  config::RegistryConfig config;
  std::string metadata_origin;
  cloud::KeyServices services;
  cloud::HostEnvironment host;
  Runtime runtime;

  std::string sts(const config::AcrCredentials::Sts& told) const {
    return sts_origin(config, told, host.environment);
  }
};

// ── Exchanges ────────────────────────────────────────────────────────────────────────────────────

/// STS's answers have no `IsSuccess`.
std::optional<net::Refusal> classify_sts_response(const net::HttpResponse& response) {
  if (response.status >= 200 && response.status < 300) return std::nullopt;
  return classify_response(response);
}

/// Refused tokens may be quoted.
std::optional<net::Refusal> classify_oidc_response(const net::HttpResponse& response) {
  std::optional<net::Refusal> refusal = classify_sts_response(response);
  if (refusal) {
    refusal->error.detail = "HTTP " + std::to_string(response.status) + " " + refusal->error.code;
    refusal->sign_again = false;  // Nothing is signed.
  }
  return refusal;
}

Result<cloud::IssuedKeys> exchange_oidc(const Context& context,
                                        const config::AcrCredentials::Oidc& oidc,
                                        const Secret& token, bool in_good_time) {
  cloud::KeysCall call;
  call.operation = "AssumeRoleWithOIDC";
  call.prepare = [&](UnixMillis now) -> Result<net::HttpRequest> {
    return assume_role_with_oidc(context.sts(oidc.sts), oidc, token, now);
  };
  call.classify = classify_oidc_response;
  call.read = parse_sts_answer;
  return cloud::ask_for_keys(context.services, call, in_good_time);
}

Result<cloud::IssuedKeys> exchange_keys(const Context& context,
                                        const config::AcrCredentials::AssumeRole& role,
                                        const cloud::Keys& keys, bool in_good_time) {
  cloud::KeysCall call;
  call.operation = "AssumeRole";
  call.prepare = [&](UnixMillis now) -> Result<net::HttpRequest> {
    return assume_role(context.sts(role.sts), role, keys, now, make_nonce(context.runtime.entropy));
  };
  call.classify = classify_sts_response;
  call.read = parse_sts_answer;
  return cloud::ask_for_keys(context.services, call, in_good_time);
}

/// An answer of a local service, if it is HTTP 200.
Result<net::HttpResponse> fetch(const Context& context, const char* operation,
                                const net::HttpRequest& request) {
  Result<net::HttpResponse> response = context.services.fetch(operation, request);
  if (!response || response->status == 200) return response;
  return fail(response->status >= 500 ? ErrorKind::server_error : ErrorKind::unauthorized,
              "HTTP " + std::to_string(response->status));
}

/// Asks instance metadata. If the token is refused, once more without it, unless that is disabled.
Result<net::HttpResponse> fetch_metadata(
    const Context& context, const std::string& token,
    const std::function<net::HttpRequest(const std::string&)>& ask) {
  Result<net::HttpResponse> response = fetch(context, cloud::kInstanceMetadata, ask(token));
  const bool refused = !response && response.error().kind == ErrorKind::unauthorized;
  const bool again =
      refused && !token.empty() && !context.host.is_on("ALIBABA_CLOUD_IMDSV1_DISABLED");
  return again ? fetch(context, cloud::kInstanceMetadata, ask("")) : response;
}

Result<cloud::IssuedKeys> ask_metadata(const Context& context, std::string role) {
  const std::string& origin = context.metadata_origin;
  const Result<net::HttpResponse> token =
      fetch(context, cloud::kInstanceMetadata, metadata_token(origin));
  if (!token && context.host.is_on("ALIBABA_CLOUD_IMDSV1_DISABLED")) {
    return within("token", token.error());
  }
  const std::string token_text = std::string(token ? trim(token->body) : "");
  if (role.empty()) {
    const auto named = fetch_metadata(
        context, token_text, [&](const std::string& with) { return metadata_role(origin, with); });
    if (!named) return within("is a RAM role attached to the instance?", named.error());
    role = trim(named->body);
  }
  const auto keys = fetch_metadata(context, token_text, [&](const std::string& with) {
    return metadata_keys(origin, role, with);
  });
  if (!keys) return within("role " + role, keys.error());
  return parse_key_document(*keys);
}

Result<cloud::IssuedKeys> run_command(const Context& context, const std::string& command) {
  const Result<Secret> output = context.services.run(command);
  if (!output) return within("process_command", output.error());
  const Result<cloud::IssuedKeys> issued = parse_command_output(*output);
  if (!issued) return within("process_command", issued.error());
  const std::optional<UnixMillis> until = issued->keys.expires_at;
  if (until && *until <= context.runtime.clock.now()) {
    return fail(ErrorKind::invalid_config,
                "process_command: it prints keys that expired at " + format_rfc3339(*until));
  }
  return issued;
}

// ── Candidates
// ────────────────────────────────────────────────────────────────────────────────────────

using SharedContext = std::shared_ptr<const Context>;

Result<cloud::CredentialCandidate> oidc_candidate(const SharedContext& context,
                                                  const config::AcrCredentials::Oidc& oidc,
                                                  const std::string& source) {
  const Result<Secret> token = context->host.read({Secret(), oidc.token_file});
  if (!token) return within("oidc: token_file", token.error());
  cloud::CredentialCandidate candidate;
  candidate.source = source + ": oidc as " + oidc.role_arn;
  candidate.basis = cloud::basis_of({oidc.role_arn, oidc.provider_arn, oidc.session_name,
                                     oidc.policy, std::to_string(oidc.duration_seconds),
                                     context->sts(oidc.sts), token->reveal()});
  candidate.exchange = [context, oidc, token = *token](bool in_good_time) {
    return exchange_oidc(*context, oidc, token, in_good_time);
  };
  return candidate;
}

Result<cloud::CredentialCandidate> plain_candidate(const SharedContext& context,
                                                   const config::AcrCredentials& from,
                                                   const std::string& source) {
  if (from.oidc) return oidc_candidate(context, *from.oidc, source);
  cloud::CredentialCandidate candidate;
  if (from.ecs_ram_role) {
    const std::string role = *from.ecs_ram_role;
    candidate.source = source + ": instance metadata" + (role.empty() ? "" : ", role " + role);
    candidate.basis = cloud::basis_of({role});
    candidate.exchange = [context, role](bool) {
      return attributed(cloud::kInstanceMetadata, ask_metadata(*context, role));
    };
    return candidate;
  }
  if (!from.credentials_uri.empty()) {
    const std::string uri = from.credentials_uri;
    candidate.source = source + ": credentials URI";
    candidate.basis = cloud::basis_of({uri});
    candidate.exchange = [context, uri](bool) -> Result<cloud::IssuedKeys> {
      const auto response = fetch(*context, cloud::kCredentialsUri, keys_at(uri));
      return attributed(cloud::kCredentialsUri, response ? parse_key_document(*response)
                                                         : tl::unexpected(response.error()));
    };
    return candidate;
  }
  return cloud::static_candidate(context->host, {"access_key_id", from.access_key_id},
                                 {"access_key_secret", from.access_key_secret}, from.security_token,
                                 source);
}

/// Keys that the CLI fetched, while they are valid.
Result<cloud::CredentialCandidate> kept_candidate(const SharedContext& context, const Profile& from,
                                                  const std::string& source) {
  if (*from.kept_until <= context->runtime.clock.now()) {
    const bool never = *from.kept_until == UnixMillis();
    return fail(ErrorKind::invalid_config,
                "profile '" + from.name + "' is of the mode " + from.mode +
                    ", where only the CLI " + "can get keys, and " +
                    (never ? "it has got none" : "those that it got expired at ") +
                    (never ? "" : format_rfc3339(*from.kept_until)) +
                    "; run `aliyun sts GetCallerIdentity --profile " + from.name +
                    "`, or `aliyun configure --profile " + from.name + "` to sign in again");
  }
  Result<cloud::CredentialCandidate> candidate = plain_candidate(context, from.form, source);
  if (candidate) candidate->keys.expires_at = from.kept_until;
  return candidate;
}

Result<cloud::CredentialCandidate> base_candidate(const SharedContext& context, const Profile& from,
                                                  const std::string& source) {
  if (from.kept_until) return kept_candidate(context, from, source);
  if (from.process_command.empty()) return plain_candidate(context, from.form, source);
  cloud::CredentialCandidate candidate;
  candidate.source = source + ": process_command of profile '" + from.name + "'";
  candidate.basis = cloud::basis_of({from.process_command});
  candidate.exchange = [context, command = from.process_command](bool) {
    return run_command(*context, command);
  };
  return candidate;
}

/// Each role is assumed with the keys of the one before it.
Result<cloud::CredentialCandidate> candidate_of(const SharedContext& context, const Profile& from,
                                                const std::string& source) {
  Result<cloud::CredentialCandidate> candidate = base_candidate(context, from, source);
  for (const config::AcrCredentials::AssumeRole& role : from.roles) {
    if (!candidate) return candidate;
    candidate = cloud::assumed_candidate(
        *candidate, role.role_arn,
        cloud::basis_of({role.role_arn, role.session_name, role.external_id, role.policy,
                         std::to_string(role.duration_seconds), context->sts(role.sts)}),
        [context, role](const cloud::Keys& keys, bool in_good_time) {
          return exchange_keys(*context, role, keys, in_good_time);
        });
  }
  return candidate;
}

// ── Where the default chain looks ────────────────────────────────────────────────────────────────

Found form(config::AcrCredentials credentials) {
  Profile profile;
  profile.form = std::move(credentials);
  return profile;
}

Found in_environment(const cloud::HostEnvironment& host) {
  config::AcrCredentials found;
  found.access_key_id.value = Secret(host.variable("ALIBABA_CLOUD_ACCESS_KEY_ID"));
  found.access_key_secret.value = Secret(host.variable("ALIBABA_CLOUD_ACCESS_KEY_SECRET"));
  found.security_token.value = Secret(host.variable("ALIBABA_CLOUD_SECURITY_TOKEN"));
  const bool id = !found.access_key_id.empty();
  const bool secret = !found.access_key_secret.empty();
  if (id && secret) return form(found);
  return cloud::nothing("ALIBABA_CLOUD_ACCESS_KEY_ID or ALIBABA_CLOUD_ACCESS_KEY_SECRET is not set",
                        id || secret);
}

Found oidc_in_environment(const cloud::HostEnvironment& host) {
  const config::AcrCredentials::Oidc oidc{host.variable("ALIBABA_CLOUD_ROLE_ARN"),
                                          host.variable("ALIBABA_CLOUD_OIDC_PROVIDER_ARN"),
                                          host.variable("ALIBABA_CLOUD_OIDC_TOKEN_FILE"),
                                          host.variable("ALIBABA_CLOUD_ROLE_SESSION_NAME")};
  if (oidc.role_arn.empty() || oidc.provider_arn.empty() || oidc.token_file.empty()) {
    return cloud::nothing(
        "ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN or "
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE is not set",
        !oidc.provider_arn.empty() || !oidc.token_file.empty());
  }
  config::AcrCredentials found;
  found.oidc = oidc;
  return form(found);
}

using Parse = Result<Profile> (*)(std::string_view text, const std::string& name);

Found in_file(const cloud::HostEnvironment& host, const char* path_variable, const char* in_home,
              Parse parse) {
  const Result<cloud::FoundFile> file = cloud::find_file(host, path_variable, in_home);
  if (!file) return tl::unexpected(file.error());
  auto found = parse(file->text.reveal(), host.variable("ALIBABA_CLOUD_PROFILE"));
  if (found) found = completed(*found, host.environment);
  if (!found) return within(file->path, found.error());
  return found;
}

Found in_cli_config(const cloud::HostEnvironment& host) {
  if (host.is_on("ALIBABA_CLOUD_CLI_PROFILE_DISABLED")) {
    return cloud::nothing("ALIBABA_CLOUD_CLI_PROFILE_DISABLED is set");
  }
  return in_file(host, "ALIBABA_CLOUD_CONFIG_FILE", ".aliyun/config.json", parse_cli_config);
}

constexpr const char* kCredentialsFile = "ALIBABA_CLOUD_CREDENTIALS_FILE";

Found in_credentials_file(const cloud::HostEnvironment& host) {
  return in_file(host, kCredentialsFile, ".alibabacloud/credentials", parse_credentials_file);
}

/// The file that Python's and Java's clients read.
Found in_credentials_ini(const cloud::HostEnvironment& host) {
  if (!host.variable(kCredentialsFile).empty()) return cloud::nothing("another file is named");
  return in_file(host, kCredentialsFile, ".alibabacloud/credentials.ini", parse_credentials_file);
}

Found on_instance(const cloud::HostEnvironment& host) {
  if (host.is_on("ALIBABA_CLOUD_ECS_METADATA_DISABLED")) {
    return cloud::nothing("ALIBABA_CLOUD_ECS_METADATA_DISABLED is set");
  }
  config::AcrCredentials found;
  found.ecs_ram_role = host.variable("ALIBABA_CLOUD_ECS_METADATA");
  return form(found);
}

Found at_uri(const cloud::HostEnvironment& host) {
  config::AcrCredentials found;
  found.credentials_uri = host.variable("ALIBABA_CLOUD_CREDENTIALS_URI");
  if (has_scheme(found.credentials_uri)) return form(found);
  return cloud::nothing("ALIBABA_CLOUD_CREDENTIALS_URI is not set");
}

cloud::Source source_of(const SharedContext& context, const std::string& where,
                        Found (*look)(const cloud::HostEnvironment& host)) {
  return cloud::source_at(where, [context, where, look]() -> Result<cloud::CredentialCandidate> {
    const Found found = look(context->host);
    if (!found) return tl::unexpected<Error>(found.error());
    return candidate_of(context, *found, where);
  });
}

}  // namespace

std::vector<cloud::Source> credential_sources(const config::RegistryConfig& config,
                                              cloud::KeyServices services,
                                              cloud::HostEnvironment host, Runtime runtime) {
  const std::string metadata_origin = config.key_endpoints.metadata.empty()
                                          ? "http://100.100.100.200"
                                          : config.key_endpoints.metadata;
  const auto context = std::make_shared<const Context>(
      Context{config, metadata_origin, std::move(services), std::move(host), runtime});
  if (config.credentials_given) {
    Profile given;
    given.form = std::get<config::AcrConfig>(config.cloud).credentials;
    if (given.form.assume_role) given.roles.push_back(*std::exchange(given.form.assume_role, {}));
    return {[context, given] { return candidate_of(context, given, "the configuration"); }};
  }
  const cloud::Source on_this = source_of(context, "the default chain", on_instance);
  const bool named = !context->host.variable("ALIBABA_CLOUD_ECS_METADATA").empty();
  return {source_of(context, "the environment", in_environment),
          source_of(context, "the environment", oidc_in_environment),
          source_of(context, "profile of the CLI", in_cli_config),
          source_of(context, "credentials file", in_credentials_file),
          source_of(context, "credentials file", in_credentials_ini),
          named ? on_this : cloud::guessed(on_this),
          source_of(context, "the environment", at_uri)};
}

}  // namespace registry_exporter::acr
