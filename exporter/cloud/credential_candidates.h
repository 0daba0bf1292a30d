#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "exporter/cloud/credentials.h"

/// Building blocks of the sources of both clouds.
namespace registry_exporter {

/// A digest to compare; the parts can't be told from it.
std::string basis_of(std::initializer_list<std::string_view> parts);

/// A configured secret, and what its key is called.
struct NamedSecret {
  const char* name;
  const SecretSource& from;
};
/// Keys that are used as they are. Errors: what the machine can't read, or an empty key, by name.
Result<CredentialCandidate> static_candidate(const HostEnvironment& host,
                                             const NamedSecret& access_key,
                                             const NamedSecret& secret_key,
                                             const SecretSource& security_token,
                                             const std::string& source);

/// What `base` gives, exchanged for the keys of another identity. `then` and `basis` tell of that.
CredentialCandidate assumed_candidate(
    const CredentialCandidate& base, const std::string& then, std::string_view basis,
    std::function<Result<IssuedKeys>(const Keys& keys, bool in_good_time)> exchange);

/// A source whose errors begin with where it looked.
Source source_at(std::string where, Source look);
/// A source that is asked although nobody set it up.
Source guessed(Source source);

/// Why a source has nothing. `begun`: somebody set up a part of it.
tl::unexpected<Error> nothing(std::string why, bool begun = false);
/// A file with credentials: where the variable says, or else in the home, where it need not be; one
/// that is there but can't be read is told of, as somebody set it up.
struct FoundFile {
  std::string path;
  Secret text;
};
Result<FoundFile> find_file(const HostEnvironment& host, const char* variable, const char* in_home);

}  // namespace registry_exporter
