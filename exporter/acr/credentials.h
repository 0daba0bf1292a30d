#pragma once

#include <functional>
#include <memory>

#include "exporter/acr/signer.h"
#include "exporter/base/result.h"
#include "exporter/config/config.h"

namespace registry_exporter::acr {

/// Where the keys of one registry come from. Thread-safe.
class Credentials {
 public:
  virtual ~Credentials() = default;
  /// The keys to sign with now; files are read again, so that a changed secret is used at the next
  /// request. When something can't be read any more, the last good keys stay in use.
  /// Errors: invalid_config (says what to set), and what reading a file can fail with.
  virtual Result<AcrKeys> get() = 0;
};

using SecretReader = std::function<Result<Secret>(const SecretSource& source)>;

/// The credentials that `config` describes. Forms that are not supported yet give an object whose
/// get() says so.
std::unique_ptr<Credentials> make_credentials(const RegistryConfig& config, Environment environment,
                                              SecretReader reader);

/// The same with this process's environment and files.
std::unique_ptr<Credentials> make_credentials(const RegistryConfig& config);

}  // namespace registry_exporter::acr
