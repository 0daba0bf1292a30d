#include "exporter/swr/credentials.h"

#include <memory>

#include "exporter/base/text.h"
#include "exporter/cloud/credential_candidates.h"
#include "exporter/config/endpoint.h"
#include "exporter/swr/default_chain.h"
#include "exporter/swr/refusal.h"
#include "exporter/swr/signer.h"
#include "exporter/swr/token_service.h"

namespace registry_exporter::swr {
namespace {

/// Everything that a source needs to get keys.
struct Context {
  std::shared_ptr<const IamHosts> iam;
  bool iam_may_be_told = false;  ///< An IAM given with the keys wins over the region's.
  std::string sts_origin, metadata_origin;
  KeyServices services;
  HostEnvironment host;
};

// ── Exchanges ────────────────────────────────────────────────────────────────────────────────────

/// For requests that are not signed.
std::optional<Refusal> classify_unsigned_response(const HttpResponse& response) {
  std::optional<Refusal> refusal = classify_response(response);
  if (refusal) refusal->sign_again = false;
  return refusal;
}

using Read = Result<IssuedKeys> (*)(const HttpResponse& response);

Result<IssuedKeys> ask_unsigned(const Context& context, std::string_view operation,
                                const HttpRequest& question, Read read, bool in_good_time) {
  KeysCall call;
  call.operation = operation;
  call.prepare = [&](UnixMillis) -> Result<HttpRequest> { return question; };
  call.classify = classify_unsigned_response;
  call.read = read;
  return ask_for_keys(context.services, call, in_good_time);
}

Result<IssuedKeys> ask_signed(const Context& context, std::string_view operation,
                              const HttpRequest& question, const Keys& keys, bool in_good_time) {
  KeysCall call;
  call.operation = operation;
  call.prepare = [&](UnixMillis now) -> Result<HttpRequest> {
    return sign(question, keys, "", now);
  };
  call.classify = classify_response;
  call.read = parse_temporary_keys;
  return ask_for_keys(context.services, call, in_good_time);
}

/// In two steps through a token of IAM, or in one through a trust agency of the newer IAM.
Result<IssuedKeys> exchange_id_token(const Context& context, const SwrCredentials::Oidc& oidc,
                                     const Secret& id_token, bool in_good_time) {
  if (oidc.idp_id.empty()) {
    return ask_unsigned(context, "AssumeAgencyWithOIDC",
                        assume_with_oidc(context.sts_origin, oidc, id_token), parse_temporary_keys,
                        in_good_time);
  }
  return context.iam->ask<IssuedKeys>([&](const std::string& origin) {
    const Result<IssuedKeys> token = ask_unsigned(
        context, "CreateTokenWithIdToken",
        create_token_with_id_token(origin, oidc.idp_id, id_token), parse_token, in_good_time);
    if (!token) return token;
    return ask_unsigned(context, "CreateTemporaryAccessKeyByToken",
                        create_temporary_keys(origin, token->keys.iam_token), parse_temporary_keys,
                        in_good_time);
  });
}

Result<IssuedKeys> exchange_keys(const Context& context, const SwrCredentials::AssumeAgency& agency,
                                 const Keys& keys, bool in_good_time) {
  if (!agency.agency_urn.empty()) {
    return ask_signed(context, "AssumeAgency", assume_trust_agency(context.sts_origin, agency),
                      keys, in_good_time);
  }
  return context.iam->ask<IssuedKeys>([&](const std::string& origin) {
    return ask_signed(context, "CreateTemporaryAccessKeyByAgency", assume_agency(origin, agency),
                      keys, in_good_time);
  });
}

Result<IssuedKeys> ask_pod_identity(const Context& context, const std::string& uri,
                                    const Secret& token) {
  const auto response = context.services.fetch(kPodIdentity, pod_keys(uri, token));
  if (!response) return tl::unexpected(response.error());
  if (response->status == 200 || response->status == 201) return parse_temporary_keys(*response);
  return fail(response->status >= 500 ? ErrorKind::server_error : ErrorKind::unauthorized,
              "HTTP " + std::to_string(response->status) +
                  ": is an agency bound to the pod's service account?");
}

/// An instance without an agency answers 401 and says why. A refused token is renewed once.
Result<IssuedKeys> ask_metadata(const Context& context) {
  for (bool again = false;; again = true) {
    const auto token =
        context.services.fetch(kInstanceMetadata, metadata_token(context.metadata_origin));
    if (!token) return within("token", token.error());
    const int status = token->status;
    const bool older = status == 404 || status == 405 || status == 503;
    if (status != 200 && !older) {
      return fail(ErrorKind::unauthorized, "token: HTTP " + std::to_string(status));
    }
    const auto keys = context.services.fetch(
        kInstanceMetadata,
        metadata_keys(context.metadata_origin, status == 200 ? token->body : ""));
    if (!keys) return tl::unexpected(keys.error());
    if (keys->status == 200) return parse_temporary_keys(*keys);
    const bool no_agency = contains(keys->body, "Cloud Service Agency");
    if (keys->status == 401 && !no_agency && !again) continue;
    const auto kind = keys->status >= 500 ? ErrorKind::server_error : ErrorKind::unauthorized;
    return fail(kind, "HTTP " + std::to_string(keys->status) +
                          ": is an agency set for the instance (ECS console, Agency)?");
  }
}

// ── Candidates
// ────────────────────────────────────────────────────────────────────────────────────────

using SharedContext = std::shared_ptr<const Context>;

/// The content of the file, without the white space that editors and tools add.
Result<Secret> read_token(const HostEnvironment& host, const std::string& file) {
  const Result<Secret> text = host.read({Secret(), file});
  if (!text) return text;
  Secret token(std::string(trim(text->reveal())));
  if (token.empty()) return fail(ErrorKind::invalid_config, file + ": the file is empty");
  return token;
}

Result<CredentialCandidate> user_candidate(const SharedContext& context,
                                           const SwrCredentials::IamUser& user,
                                           const std::string& source) {
  const Result<Secret> password = context->host.read(user.password);
  if (!password) return within("iam_user.password", password.error());
  CredentialCandidate candidate;
  candidate.source = source + ": iam_user " + user.domain_name + "/" + user.user_name;
  candidate.basis = basis_of({password->reveal()});
  candidate.exchange = [context, user, password = *password](bool in_good_time) {
    return context->iam->ask<IssuedKeys>([&](const std::string& origin) {
      return ask_unsigned(*context, "CreateToken", create_token(origin, user, password),
                          parse_token, in_good_time);
    });
  };
  return candidate;
}

Result<CredentialCandidate> oidc_candidate(const SharedContext& context,
                                           const SwrCredentials::Oidc& oidc,
                                           const std::string& source) {
  const Result<Secret> token = read_token(context->host, oidc.token_file);
  if (!token) return within("oidc: token_file", token.error());
  CredentialCandidate candidate;
  candidate.source =
      source + (oidc.idp_id.empty() ? ": oidc as " + oidc.agency_urn : ": oidc by " + oidc.idp_id);
  candidate.basis = basis_of({oidc.idp_id, oidc.provider_urn, oidc.agency_urn, token->reveal()});
  candidate.exchange = [context, oidc, token = *token](bool in_good_time) {
    return exchange_id_token(*context, oidc, token, in_good_time);
  };
  return candidate;
}

Result<CredentialCandidate> pod_candidate(const SharedContext& context,
                                          const SwrCredentials::PodIdentity& pod,
                                          const std::string& source) {
  const Result<Secret> token = read_token(context->host, pod.token_file);
  if (!token) return within("HC_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.error());
  CredentialCandidate candidate;
  candidate.source = source + ": pod identity";
  candidate.basis = basis_of({pod.uri, token->reveal()});
  candidate.exchange = [context, uri = pod.uri, token = *token](bool) {
    return attributed(kPodIdentity, ask_pod_identity(*context, uri, token));
  };
  return candidate;
}

Result<CredentialCandidate> plain_candidate(const SharedContext& context,
                                            const SwrCredentials& from, const std::string& source) {
  if (from.iam_user) return user_candidate(context, *from.iam_user, source);
  if (from.oidc) return oidc_candidate(context, *from.oidc, source);
  if (from.pod_identity) return pod_candidate(context, *from.pod_identity, source);
  if (!from.ecs_agency) {
    return static_candidate(context->host, {"access_key", from.access_key},
                            {"secret_key", from.secret_key}, from.security_token, source);
  }
  CredentialCandidate candidate;
  candidate.source = source + ": instance metadata";
  candidate.basis = "agency";
  candidate.exchange = [context](bool) {
    return attributed(kInstanceMetadata, ask_metadata(*context));
  };
  return candidate;
}

/// The agency is assumed with the keys of the form that it is combined with.
Result<CredentialCandidate> candidate_of(const SharedContext& context, const SwrCredentials& from,
                                         const std::string& source) {
  Result<CredentialCandidate> base = plain_candidate(context, from, source);
  if (!base || !from.assume_agency) return base;
  const SwrCredentials::AssumeAgency agency = *from.assume_agency;
  const std::string called =
      agency.agency_urn.empty() ? agency.domain_name + "/" + agency.agency_name : agency.agency_urn;
  return assumed_candidate(*base, "agency " + called, basis_of({called, agency.external_id}),
                           [context, agency](const Keys& keys, bool in_good_time) {
                             return exchange_keys(*context, agency, keys, in_good_time);
                           });
}

// ── The default chain ────────────────────────────────────────────────────────────────────────────

/// Adds the settings that were found with the keys.
CredentialCandidate told_more(CredentialCandidate candidate, const FoundForm& found,
                              const std::string& iam_origin) {
  const auto tell = [project_id = found.project_id, iam_origin](Keys& keys) {
    keys.project_id = project_id;
    keys.iam_origin = iam_origin;
  };
  candidate.basis = basis_of({candidate.basis, found.project_id, iam_origin});
  if (!candidate.exchange) {
    tell(candidate.keys);
    return candidate;
  }
  candidate.exchange = [exchange = candidate.exchange, tell](bool in_good_time) {
    Result<IssuedKeys> issued = exchange(in_good_time);
    if (issued) tell(issued->keys);
    return issued;
  };
  return candidate;
}

Source source_of(const SharedContext& context, const std::string& where,
                 Result<FoundForm> (*look)(const HostEnvironment& host)) {
  return source_at(where, [context, where, look]() -> Result<CredentialCandidate> {
    const Result<FoundForm> found = look(context->host);
    if (!found) return tl::unexpected<Error>(found.error());
    SharedContext here = context;
    std::string iam_origin;
    if (!found->iam_endpoint.empty() && context->iam_may_be_told) {
      const auto endpoint = read_client_endpoint(found->iam_endpoint);
      if (!endpoint) return fail(ErrorKind::invalid_config, "iam_endpoint" + endpoint.error());
      iam_origin = *endpoint;
      Context elsewhere = *context;
      elsewhere.iam = std::make_shared<const IamHosts>(iam_origin);
      here = std::make_shared<const Context>(std::move(elsewhere));
    }
    Result<CredentialCandidate> candidate = candidate_of(here, found->credentials, where);
    if (!candidate) return candidate;
    return told_more(*std::move(candidate), *found, iam_origin);
  });
}

}  // namespace

/// Our configuration wins over the environment variables of the official clients.
std::shared_ptr<const IamHosts> iam_hosts(const RegistryConfig& config,
                                          const HostEnvironment& host) {
  const SwrConfig& swr = std::get<SwrConfig>(config.cloud);
  if (swr.iam_endpoint_given) return std::make_shared<const IamHosts>(swr.iam_endpoint);
  const std::string named = host.variable("HUAWEICLOUD_SDK_IAM_ENDPOINT");
  const auto endpoint = read_client_endpoint(named);
  if (!config.credentials_given && !named.empty() && endpoint) {
    return std::make_shared<const IamHosts>(*endpoint);
  }
  return std::make_shared<const IamHosts>(swr.iam_endpoint, global_iam_endpoint(config.region));
}

std::vector<Source> credential_sources(const RegistryConfig& config, KeyServices services,
                                       HostEnvironment host) {
  Context made;
  made.iam = iam_hosts(config, host);
  made.iam_may_be_told = !std::get<SwrConfig>(config.cloud).iam_endpoint_given;
  made.sts_origin =
      config.key_endpoints.sts.empty() ? swr_sts_endpoint(config.region) : config.key_endpoints.sts;
  made.metadata_origin = config.key_endpoints.metadata.empty() ? "http://169.254.169.254"
                                                               : config.key_endpoints.metadata;
  made.services = std::move(services);
  made.host = std::move(host);
  const auto context = std::make_shared<const Context>(std::move(made));
  if (config.credentials_given) {
    const SwrCredentials given = std::get<SwrConfig>(config.cloud).credentials;
    return {[context, given] { return candidate_of(context, given, "the configuration"); }};
  }
  return {source_of(context, "the environment", in_environment),
          source_of(context, "profile", in_profile),
          guessed(source_of(context, "the default chain", on_instance)),
          source_of(context, "the environment", in_pod)};
}

}  // namespace registry_exporter::swr
