#include "exporter/cloud/credential_candidates.h"

#include <utility>

#include "exporter/base/digest.h"
#include "exporter/base/files.h"

namespace registry_exporter::cloud {

std::string basis_of(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all.append(part).push_back('\0');
  return hex(sha256(all));
}

Result<CredentialCandidate> static_candidate(const HostEnvironment& host,
                                             const NamedSecret& access_key,
                                             const NamedSecret& secret_key,
                                             const config::SecretSource& security_token,
                                             const std::string& source) {
  const Result<Secret> access = host.read(access_key.from);
  if (!access) return within(access_key.name, access.error());
  const Result<Secret> secret = host.read(secret_key.from);
  if (!secret) return within(secret_key.name, secret.error());
  Result<Secret> token = Secret();
  if (!security_token.empty()) token = host.read(security_token);
  if (!token) return within("security_token", token.error());
  if (access->empty() || secret->empty()) {
    return fail(ErrorKind::invalid_config,
                std::string(access_key.name) + " or " + secret_key.name + " is empty");
  }
  CredentialCandidate candidate;
  candidate.source = source + ": access key " + access->reveal();
  candidate.keys.access_key = access->reveal();
  candidate.keys.secret_key = *secret;
  candidate.keys.security_token = *token;
  candidate.basis = basis_of({access->reveal(), secret->reveal(), token->reveal()});
  return candidate;
}

CredentialCandidate assumed_candidate(
    const CredentialCandidate& base, const std::string& then, std::string_view basis,
    std::function<Result<IssuedKeys>(const Keys& keys, bool in_good_time)> exchange) {
  CredentialCandidate candidate;
  candidate.source = base.source + ", then " + then;
  candidate.basis = basis_of({base.basis, basis});
  candidate.exchange = [base,
                        exchange = std::move(exchange)](bool in_good_time) -> Result<IssuedKeys> {
    if (!base.exchange) return exchange(base.keys, in_good_time);
    const Result<IssuedKeys> first = base.exchange(in_good_time);
    if (!first) return first;
    return exchange(first->keys, in_good_time);
  };
  return candidate;
}

Source guessed(Source source) {
  return [source = std::move(source)]() -> Result<CredentialCandidate> {
    Result<CredentialCandidate> candidate = source();
    if (candidate) candidate->is_a_guess = true;
    return candidate;
  };
}

tl::unexpected<Error> nothing(std::string why, bool begun) {
  return fail(ErrorKind::invalid_config, begun ? ErrorCause::unknown : ErrorCause::not_set_up,
              std::move(why));
}

Result<FoundFile> find_file(const HostEnvironment& host, const char* variable,
                            const char* in_home) {
  const std::string named = host.variable(variable);
  const std::string path = named.empty() ? host.in_home(in_home) : named;
  if (path.empty()) return nothing("there is no HOME to look in");
  Result<Secret> text = host.read({Secret(), path});
  if (text) return FoundFile{path, *std::move(text)};
  Error error = text.error();
  if (named.empty() && error.cause == ErrorCause::file_missing) return nothing(error.detail);
  if (!named.empty()) return within(variable, error);
  error.detail += "; let this process read that file, or move it away";
  return tl::unexpected<Error>(std::move(error));
}

Source source_at(std::string where, Source look) {
  return [where = std::move(where), look = std::move(look)]() -> Result<CredentialCandidate> {
    Result<CredentialCandidate> candidate = look();
    if (!candidate) return within(where, candidate.error());
    return candidate;
  };
}

}  // namespace registry_exporter::cloud
