#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "exporter/cloud/credentials.h"

/// Building blocks of the sources of both clouds.
namespace registry_exporter::cloud {

/// A digest, to detect changes. The parts can't be recovered from it.
std::string basis_of(std::initializer_list<std::string_view> parts);

/// A configured secret, and the name of its key.
struct NamedSecret {
  const char* name;
  const config::SecretSource& from;
};
/// Permanent keys. Errors: a secret that can't be read or is empty, by its name.
Result<CredentialCandidate> static_candidate(const HostEnvironment& host,
                                             const NamedSecret& access_key,
                                             const NamedSecret& secret_key,
                                             const config::SecretSource& security_token,
                                             const std::string& source);

/// Exchanges the keys of `base` for those of another identity: `then` describes it, `basis` detects
/// changes of it.
CredentialCandidate assumed_candidate(
    const CredentialCandidate& base, const std::string& then, std::string_view basis,
    std::function<Result<IssuedKeys>(const Keys& keys, bool in_good_time)> exchange);

/// Makes the errors of a source begin with `where`.
Source source_at(std::string where, Source look);
/// Marks a source that is asked although nobody set it up.
Source guessed(Source source);

/// The error of a source that has no credentials. `begun`: somebody set up a part of it.
tl::unexpected<Error> nothing(std::string why, bool begun = false);
/// A credentials file: at the path in the variable, or else in the home directory. A file that does
/// not exist at home was not set up; one that exists but can't be read is an error.
struct FoundFile {
  std::string path;
  Secret text;
};
Result<FoundFile> find_file(const HostEnvironment& host, const char* variable, const char* in_home);

}  // namespace registry_exporter::cloud
