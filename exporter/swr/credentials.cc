#include "exporter/swr/credentials.h"

#include <memory>

#include "exporter/cloud/ini.h"
#include "exporter/cloud/leads.h"
#include "exporter/config/endpoint.h"
#include "exporter/swr/refusal.h"
#include "exporter/swr/signer.h"
#include "exporter/swr/token_service.h"

namespace registry_exporter::swr {
namespace {

/// A form of credentials that was found, whether in our configuration or elsewhere.
using Found = Result<SwrCredentials>;

/// All that a source needs to follow up a form of credentials.
struct Context {
  std::string iam_origin, metadata_origin;
  KeyServices services;
  Machine machine;
};

// ── Exchanges ────────────────────────────────────────────────────────────────────────────────────

/// For questions that aren't signed.
std::optional<Refusal> judge_unsigned(const HttpResponse& response) {
  std::optional<Refusal> refusal = judge(response);
  if (refusal) refusal->sign_again = false;
  return refusal;
}

Result<Grant> ask_iam(const Context& context, std::string_view operation, HttpRequest question,
                      Result<Grant> (*read)(const HttpResponse& response), bool in_good_time) {
  GrantCall call;
  call.operation = operation;
  call.prepare = [&](UnixMillis) -> Result<HttpRequest> { return question; };
  call.judge = judge_unsigned;
  call.read = read;
  return ask_for_keys(context.services, call, in_good_time);
}

Result<Grant> exchange_id_token(const Context& context, const std::string& idp_id,
                                const Secret& id_token, bool in_good_time) {
  const Result<Grant> token = ask_iam(
      context, "CreateTokenWithIdToken",
      create_token_with_id_token(context.iam_origin, idp_id, id_token), parse_token, in_good_time);
  if (!token) return token;
  return ask_iam(context, "CreateTemporaryAccessKeyByToken",
                 create_temporary_keys(context.iam_origin, token->keys.iam_token),
                 parse_temporary_keys, in_good_time);
}

Result<Grant> exchange_keys(const Context& context, const SwrCredentials::AssumeAgency& agency,
                            const Keys& keys, bool in_good_time) {
  GrantCall call;
  call.operation = "CreateTemporaryAccessKeyByAgency";
  call.prepare = [&](UnixMillis now) -> Result<HttpRequest> {
    return sign(assume_agency(context.iam_origin, agency), keys, "", now);
  };
  call.judge = judge;
  call.read = parse_temporary_keys;
  return ask_for_keys(context.services, call, in_good_time);
}

/// Instances where no agency was set say so with 401; a token that is refused is got anew once.
Result<Grant> ask_metadata(const Context& context) {
  constexpr const char* kOperation = "InstanceMetadata";
  for (bool again = false;; again = true) {
    const auto token = context.services.fetch(kOperation, metadata_token(context.metadata_origin));
    if (!token) return within("token", token.error());
    const int status = token->status;
    const bool older = status == 404 || status == 405 || status == 503;
    if (status != 200 && !older) {
      return fail(ErrorKind::unauthorized, "token: HTTP " + std::to_string(status));
    }
    const auto keys = context.services.fetch(
        kOperation, metadata_keys(context.metadata_origin, status == 200 ? token->body : ""));
    if (!keys) return tl::unexpected(keys.error());
    if (keys->status == 200) return parse_temporary_keys(*keys);
    const bool no_agency = keys->body.find("Cloud Service Agency") != std::string::npos;
    if (keys->status == 401 && !no_agency && !again) continue;
    const auto kind = keys->status >= 500 ? ErrorKind::server_error : ErrorKind::unauthorized;
    return fail(kind, "HTTP " + std::to_string(keys->status) +
                          ": is an agency set for the instance (ECS console, Agency)?");
  }
}

// ── Leads ────────────────────────────────────────────────────────────────────────────────────────

using SharedContext = std::shared_ptr<const Context>;

Result<Lead> user_lead(const SharedContext& context, const SwrCredentials::IamUser& user,
                       const std::string& source) {
  const Result<Secret> password = context->machine.read(user.password);
  if (!password) return within("iam_user.password", password.error());
  Lead lead;
  lead.source = source + ": iam_user " + user.domain_name + "/" + user.user_name;
  lead.basis = basis_of({password->reveal()});
  lead.exchange = [context, user, password = *password](bool in_good_time) {
    return ask_iam(*context, "CreateToken", create_token(context->iam_origin, user, password),
                   parse_token, in_good_time);
  };
  return lead;
}

Result<Lead> oidc_lead(const SharedContext& context, const SwrCredentials::Oidc& oidc,
                       const std::string& source) {
  const Result<Secret> token = context->machine.read({Secret(), oidc.token_file});
  if (!token) return within("oidc: token_file", token.error());
  Lead lead;
  lead.source = source + ": oidc by " + oidc.idp_id;
  lead.basis = basis_of({oidc.idp_id, token->reveal()});
  lead.exchange = [context, idp_id = oidc.idp_id, token = *token](bool in_good_time) {
    return exchange_id_token(*context, idp_id, token, in_good_time);
  };
  return lead;
}

Result<Lead> plain_lead(const SharedContext& context, const SwrCredentials& from,
                        const std::string& source) {
  if (from.iam_user) return user_lead(context, *from.iam_user, source);
  if (from.oidc) return oidc_lead(context, *from.oidc, source);
  if (!from.ecs_agency) {
    return static_lead(context->machine, {"access_key", from.access_key},
                       {"secret_key", from.secret_key}, from.security_token, source);
  }
  Lead lead;
  lead.source = source + ": instance metadata";
  lead.basis = "agency";
  lead.exchange = [context](bool) { return ask_metadata(*context); };
  return lead;
}

/// The agency is assumed with whatever keys the form beneath gives.
Result<Lead> lead_of(const SharedContext& context, const SwrCredentials& from,
                     const std::string& source) {
  Result<Lead> base = plain_lead(context, from, source);
  if (!base || !from.assume_agency) return base;
  const SwrCredentials::AssumeAgency agency = *from.assume_agency;
  return assumed_lead(*base, "agency " + agency.domain_name + "/" + agency.agency_name,
                      basis_of({agency.domain_name, agency.agency_name}),
                      [context, agency](const Keys& keys, bool in_good_time) {
                        return exchange_keys(*context, agency, keys, in_good_time);
                      });
}

// ── Where the default chain looks ────────────────────────────────────────────────────────────────

/// Keys, or else a token of an identity provider, under the names of one place.
Found keys_or_oidc(const SwrCredentials& keys, const SwrCredentials::Oidc& oidc,
                   const char* otherwise) {
  if (!keys.access_key.empty() && !keys.secret_key.empty()) return keys;
  const bool begun = !keys.access_key.empty() || !keys.secret_key.empty() || !oidc.idp_id.empty() ||
                     !oidc.token_file.empty();
  if (oidc.idp_id.empty() || oidc.token_file.empty()) return nothing(otherwise, begun);
  SwrCredentials found;
  found.oidc = oidc;
  return found;
}

Found in_environment(const Machine& machine) {
  SwrCredentials keys;
  keys.access_key.value = Secret(machine.variable("HUAWEICLOUD_SDK_AK"));
  keys.secret_key.value = Secret(machine.variable("HUAWEICLOUD_SDK_SK"));
  keys.security_token.value = Secret(machine.variable("HUAWEICLOUD_SDK_SECURITY_TOKEN"));
  return keys_or_oidc(keys,
                      {machine.variable("HUAWEICLOUD_SDK_IDP_ID"),
                       machine.variable("HUAWEICLOUD_SDK_ID_TOKEN_FILE")},
                      "neither HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK nor "
                      "HUAWEICLOUD_SDK_IDP_ID and HUAWEICLOUD_SDK_ID_TOKEN_FILE are set");
}

Found in_profile(const Machine& machine) {
  const Result<FoundFile> file =
      find_file(machine, "HUAWEICLOUD_SDK_CREDENTIALS_FILE", ".huaweicloud/credentials");
  if (!file) return tl::unexpected(file.error());
  const std::string& path = file->path;
  const Ini ini = parse_ini(file->text.reveal());
  const auto section = ini.find("basic");
  if (section == ini.end()) {
    return fail(ErrorKind::invalid_config, path + ": there is no section [basic]");
  }
  const auto look = [&](const char* key) {
    const auto found = section->second.find(key);
    return found == section->second.end() ? std::string() : found->second;
  };
  SwrCredentials keys;
  keys.access_key.value = Secret(look("ak"));
  keys.secret_key.value = Secret(look("sk"));
  keys.security_token.value = Secret(look("security_token"));
  const Found found = keys_or_oidc(keys, {look("idp_id"), look("id_token_file")},
                                   "[basic] has neither ak and sk nor idp_id and id_token_file");
  if (!found) return within(path, found.error());
  return found;
}

Found on_instance(const Machine&) {
  SwrCredentials found;
  found.ecs_agency = true;
  return found;
}

Source source_of(const SharedContext& context, const std::string& where,
                 Found (*look)(const Machine& machine)) {
  return source_at(where, [context, where, look]() -> Result<Lead> {
    const Found found = look(context->machine);
    if (!found) return tl::unexpected<Error>(found.error());
    return lead_of(context, *found, where);
  });
}

/// What is configured wins over the environment of the official clients.
std::string iam_origin_of(const RegistryConfig& config, const Machine& machine) {
  const std::string& configured = std::get<SwrConfig>(config.cloud).iam_endpoint;
  if (config.credentials_given || configured != iam_endpoint(config.region)) return configured;
  const auto given = read_endpoint(machine.variable("HUAWEICLOUD_SDK_IAM_ENDPOINT"));
  return given ? *given : configured;
}

}  // namespace

std::vector<Source> credential_sources(const RegistryConfig& config, KeyServices services,
                                       Machine machine) {
  const std::string metadata_origin =
      config.metadata_endpoint.empty() ? "http://169.254.169.254" : config.metadata_endpoint;
  std::string iam_origin = iam_origin_of(config, machine);
  const auto context = std::make_shared<const Context>(
      Context{std::move(iam_origin), metadata_origin, std::move(services), std::move(machine)});
  if (config.credentials_given) {
    const SwrCredentials given = std::get<SwrConfig>(config.cloud).credentials;
    return {[context, given] { return lead_of(context, given, "the configuration"); }};
  }
  return {source_of(context, "the environment", in_environment),
          source_of(context, "profile", in_profile),
          guessed(source_of(context, "the default chain", on_instance))};
}

}  // namespace registry_exporter::swr
