#pragma once

#include <functional>
#include <memory>

#include "exporter/base/result.h"
#include "exporter/base/runtime.h"
#include "exporter/config/config.h"
#include "exporter/swr/codec.h"
#include "exporter/swr/signer.h"

namespace registry_exporter::swr {

/// Where the keys of one registry come from. Thread-safe.
class Credentials {
 public:
  virtual ~Credentials() = default;
  /// The keys to use now; files are read again, so that a changed secret is used at the next
  /// request. May ask IAM: never call it while a call of the same registry is being prepared.
  /// Errors: invalid_config (says what to set), and what asking IAM can fail with.
  virtual Result<SwrKeys> get() = 0;
  /// The keys of this generation were refused as expired: get() brings others, if it can.
  virtual void expired(std::uint64_t generation) = 0;
  /// When the keys in use expire, without asking anybody.
  virtual std::optional<UnixMillis> expires_at() const = 0;
};

using SecretReader = std::function<Result<Secret>(const SecretSource& source)>;
struct TokenQuestion {
  const SwrCredentials::IamUser& user;
  const Secret& password;
  /// The token in use still serves: a refusal says nothing about that one.
  bool in_good_time = false;
};
/// Asks IAM for a token of the user.
using TokenSource = std::function<Result<IamToken>(const TokenQuestion& question)>;

/// The credentials that `config` describes. Forms that are not supported yet give an object whose
/// get() says so.
std::unique_ptr<Credentials> make_credentials(const RegistryConfig& config, Runtime runtime,
                                              TokenSource ask_for_token, Environment environment,
                                              SecretReader reader);

/// The same with this process's environment and files.
std::unique_ptr<Credentials> make_credentials(const RegistryConfig& config, Runtime runtime,
                                              TokenSource ask_for_token);

}  // namespace registry_exporter::swr
