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
  cloud::KeyServices services;
  cloud::HostEnvironment host;
};

// ── Exchanges ────────────────────────────────────────────────────────────────────────────────────

/// For requests that are not signed.
std::optional<net::Refusal> classify_unsigned_response(const net::HttpResponse& response) {
  std::optional<net::Refusal> refusal = classify_response(response);
  if (refusal) refusal->sign_again = false;
  return refusal;
}

using Read = Result<cloud::IssuedKeys> (*)(const net::HttpResponse& response);

Result<cloud::IssuedKeys> ask_unsigned(const Context& context, std::string_view operation,
                                       const net::HttpRequest& question, Read read,
                                       bool in_good_time) {
  cloud::KeysCall call;
  call.operation = operation;
  call.prepare = [&](UnixMillis) -> Result<net::HttpRequest> { return question; };
  call.classify = classify_unsigned_response;
  call.read = read;
  return cloud::ask_for_keys(context.services, call, in_good_time);
}

Result<cloud::IssuedKeys> ask_signed(const Context& context, std::string_view operation,
                                     const net::HttpRequest& question, const cloud::Keys& keys,
                                     bool in_good_time) {
  cloud::KeysCall call;
  call.operation = operation;
  call.prepare = [&](UnixMillis now) -> Result<net::HttpRequest> {
    return sign(question, keys, "", now);
  };
  call.classify = classify_response;
  call.read = parse_temporary_keys;
  return cloud::ask_for_keys(context.services, call, in_good_time);
}

/// In two steps through a token of IAM, or in one through a trust agency of the newer IAM.
Result<cloud::IssuedKeys> exchange_id_token(const Context& context,
                                            const config::SwrCredentials::Oidc& oidc,
                                            const Secret& id_token, bool in_good_time) {
  if (oidc.idp_id.empty()) {
    return ask_unsigned(context, "AssumeAgencyWithOIDC",
                        assume_with_oidc(context.sts_origin, oidc, id_token), parse_temporary_keys,
                        in_good_time);
  }
  return context.iam->ask<cloud::IssuedKeys>([&](const std::string& origin) {
    const Result<cloud::IssuedKeys> token = ask_unsigned(
        context, "CreateTokenWithIdToken",
        create_token_with_id_token(origin, oidc.idp_id, id_token), parse_token, in_good_time);
    if (!token) return token;
    return ask_unsigned(context, "CreateTemporaryAccessKeyByToken",
                        create_temporary_keys(origin, token->keys.iam_token), parse_temporary_keys,
                        in_good_time);
  });
}

Result<cloud::IssuedKeys> exchange_keys(const Context& context,
                                        const config::SwrCredentials::AssumeAgency& agency,
                                        const cloud::Keys& keys, bool in_good_time) {
  if (!agency.agency_urn.empty()) {
    return ask_signed(context, "AssumeAgency", assume_trust_agency(context.sts_origin, agency),
                      keys, in_good_time);
  }
  return context.iam->ask<cloud::IssuedKeys>([&](const std::string& origin) {
    return ask_signed(context, "CreateTemporaryAccessKeyByAgency", assume_agency(origin, agency),
                      keys, in_good_time);
  });
}

Result<cloud::IssuedKeys> ask_pod_identity(const Context& context, const std::string& uri,
                                           const Secret& token) {
  const auto response = context.services.fetch(cloud::kPodIdentity, pod_keys(uri, token));
  if (!response) return tl::unexpected(response.error());
  if (response->status == 200 || response->status == 201) return parse_temporary_keys(*response);
  return fail(response->status >= 500 ? ErrorKind::server_error : ErrorKind::unauthorized,
              "HTTP " + std::to_string(response->status) +
                  ": is an agency bound to the pod's service account?");
}

/// An instance without an agency answers 401 and says why. A refused token is renewed once.
Result<cloud::IssuedKeys> ask_metadata(const Context& context) {
  for (bool again = false;; again = true) {
    const auto token =
        context.services.fetch(cloud::kInstanceMetadata, metadata_token(context.metadata_origin));
    if (!token) return within("token", token.error());
    const int status = token->status;
    const bool older = status == 404 || status == 405 || status == 503;
    if (status != 200 && !older) {
      return fail(ErrorKind::unauthorized, "token: HTTP " + std::to_string(status));
    }
    const auto keys = context.services.fetch(
        cloud::kInstanceMetadata,
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
Result<Secret> read_token(const cloud::HostEnvironment& host, const std::string& file) {
  const Result<Secret> text = host.read({Secret(), file});
  if (!text) return text;
  Secret token(std::string(trim(text->reveal())));
  if (token.empty()) return fail(ErrorKind::invalid_config, file + ": the file is empty");
  return token;
}

Result<cloud::CredentialCandidate> user_candidate(const SharedContext& context,
                                                  const config::SwrCredentials::IamUser& user,
                                                  const std::string& source) {
  const Result<Secret> password = context->host.read(user.password);
  if (!password) return within("iam_user.password", password.error());
  cloud::CredentialCandidate candidate;
  candidate.source = source + ": iam_user " + user.domain_name + "/" + user.user_name;
  candidate.basis = cloud::basis_of({password->reveal()});
  candidate.exchange = [context, user, password = *password](bool in_good_time) {
    return context->iam->ask<cloud::IssuedKeys>([&](const std::string& origin) {
      return ask_unsigned(*context, "CreateToken", create_token(origin, user, password),
                          parse_token, in_good_time);
    });
  };
  return candidate;
}

Result<cloud::CredentialCandidate> oidc_candidate(const SharedContext& context,
                                                  const config::SwrCredentials::Oidc& oidc,
                                                  const std::string& source) {
  const Result<Secret> token = read_token(context->host, oidc.token_file);
  if (!token) return within("oidc: token_file", token.error());
  cloud::CredentialCandidate candidate;
  candidate.source =
      source + (oidc.idp_id.empty() ? ": oidc as " + oidc.agency_urn : ": oidc by " + oidc.idp_id);
  candidate.basis =
      cloud::basis_of({oidc.idp_id, oidc.provider_urn, oidc.agency_urn, token->reveal()});
  candidate.exchange = [context, oidc, token = *token](bool in_good_time) {
    return exchange_id_token(*context, oidc, token, in_good_time);
  };
  return candidate;
}

Result<cloud::CredentialCandidate> pod_candidate(const SharedContext& context,
                                                 const config::SwrCredentials::PodIdentity& pod,
                                                 const std::string& source) {
  const Result<Secret> token = read_token(context->host, pod.token_file);
  if (!token) return within("HC_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.error());
  cloud::CredentialCandidate candidate;
  candidate.source = source + ": pod identity";
  candidate.basis = cloud::basis_of({pod.uri, token->reveal()});
  candidate.exchange = [context, uri = pod.uri, token = *token](bool) {
    return attributed(cloud::kPodIdentity, ask_pod_identity(*context, uri, token));
  };
  return candidate;
}

Result<cloud::CredentialCandidate> plain_candidate(const SharedContext& context,
                                                   const config::SwrCredentials& from,
                                                   const std::string& source) {
  if (from.iam_user) return user_candidate(context, *from.iam_user, source);
  if (from.oidc) return oidc_candidate(context, *from.oidc, source);
  if (from.pod_identity) return pod_candidate(context, *from.pod_identity, source);
  if (!from.ecs_agency) {
    return cloud::static_candidate(context->host, {"access_key", from.access_key},
                                   {"secret_key", from.secret_key}, from.security_token, source);
  }
  cloud::CredentialCandidate candidate;
  candidate.source = source + ": instance metadata";
  candidate.basis = "agency";
  candidate.exchange = [context](bool) {
    return attributed(cloud::kInstanceMetadata, ask_metadata(*context));
  };
  return candidate;
}

/// The agency is assumed with the keys of the form that it is combined with.
Result<cloud::CredentialCandidate> candidate_of(const SharedContext& context,
                                                const config::SwrCredentials& from,
                                                const std::string& source) {
  Result<cloud::CredentialCandidate> base = plain_candidate(context, from, source);
  if (!base || !from.assume_agency) return base;
  const config::SwrCredentials::AssumeAgency agency = *from.assume_agency;
  const std::string called =
      agency.agency_urn.empty() ? agency.domain_name + "/" + agency.agency_name : agency.agency_urn;
  return cloud::assumed_candidate(*base, "agency " + called,
                                  cloud::basis_of({called, agency.external_id}),
                                  [context, agency](const cloud::Keys& keys, bool in_good_time) {
                                    return exchange_keys(*context, agency, keys, in_good_time);
                                  });
}

// ── The default chain ────────────────────────────────────────────────────────────────────────────

/// Adds the settings that were found with the keys.
cloud::CredentialCandidate told_more(cloud::CredentialCandidate candidate, const FoundForm& found,
                                     const std::string& iam_origin) {
  const auto tell = [project_id = found.project_id, iam_origin](cloud::Keys& keys) {
    keys.project_id = project_id;
    keys.iam_origin = iam_origin;
  };
  candidate.basis = cloud::basis_of({candidate.basis, found.project_id, iam_origin});
  if (!candidate.exchange) {
    tell(candidate.keys);
    return candidate;
  }
  candidate.exchange = [exchange = candidate.exchange, tell](bool in_good_time) {
    Result<cloud::IssuedKeys> issued = exchange(in_good_time);
    if (issued) tell(issued->keys);
    return issued;
  };
  return candidate;
}

cloud::Source source_of(const SharedContext& context, const std::string& where,
                        Result<FoundForm> (*look)(const cloud::HostEnvironment& host)) {
  return cloud::source_at(where, [context, where, look]() -> Result<cloud::CredentialCandidate> {
    const Result<FoundForm> found = look(context->host);
    if (!found) return tl::unexpected<Error>(found.error());
    SharedContext here = context;
    std::string iam_origin;
    if (!found->iam_endpoint.empty() && context->iam_may_be_told) {
      const auto endpoint = config::read_client_endpoint(found->iam_endpoint);
      if (!endpoint) return fail(ErrorKind::invalid_config, "iam_endpoint" + endpoint.error());
      iam_origin = *endpoint;
      Context elsewhere = *context;
      elsewhere.iam = std::make_shared<const IamHosts>(iam_origin);
      here = std::make_shared<const Context>(std::move(elsewhere));
    }
    Result<cloud::CredentialCandidate> candidate = candidate_of(here, found->credentials, where);
    if (!candidate) return candidate;
    return told_more(*std::move(candidate), *found, iam_origin);
  });
}

}  // namespace

/// Our configuration wins over the environment variables of the official clients.
std::shared_ptr<const IamHosts> iam_hosts(const config::RegistryConfig& config,
                                          const cloud::HostEnvironment& host) {
  const config::SwrConfig& swr = std::get<config::SwrConfig>(config.cloud);
  if (swr.iam_endpoint_given) return std::make_shared<const IamHosts>(swr.iam_endpoint);
  const std::string named = host.variable("HUAWEICLOUD_SDK_IAM_ENDPOINT");
  const auto endpoint = config::read_client_endpoint(named);
  if (!config.credentials_given && !named.empty() && endpoint) {
    return std::make_shared<const IamHosts>(*endpoint);
  }
  return std::make_shared<const IamHosts>(swr.iam_endpoint,
                                          config::global_iam_endpoint(config.region));
}

std::vector<cloud::Source> credential_sources(const config::RegistryConfig& config,
                                              cloud::KeyServices services,
                                              cloud::HostEnvironment host) {
  Context made;
  made.iam = iam_hosts(config, host);
  made.iam_may_be_told = !std::get<config::SwrConfig>(config.cloud).iam_endpoint_given;
  made.sts_origin = config.key_endpoints.sts.empty() ? config::swr_sts_endpoint(config.region)
                                                     : config.key_endpoints.sts;
  made.metadata_origin = config.key_endpoints.metadata.empty() ? "http://169.254.169.254"
                                                               : config.key_endpoints.metadata;
  made.services = std::move(services);
  made.host = std::move(host);
  const auto context = std::make_shared<const Context>(std::move(made));
  if (config.credentials_given) {
    const config::SwrCredentials given = std::get<config::SwrConfig>(config.cloud).credentials;
    return {[context, given] { return candidate_of(context, given, "the configuration"); }};
  }
  return {source_of(context, "the environment", in_environment),
          source_of(context, "profile", in_profile),
          cloud::guessed(source_of(context, "the default chain", on_instance)),
          source_of(context, "the environment", in_pod)};
}

}  // namespace registry_exporter::swr
