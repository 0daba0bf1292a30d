#include "exporter/acr/credentials.h"

#include <cstdlib>
#include <mutex>
#include <string>
#include <utility>

namespace registry_exporter::acr {
namespace {

constexpr const char* kSupported =
    "supported are access_key_id with access_key_secret (and security_token), each also as _file, "
    "or ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and "
    "ALIBABA_CLOUD_SECURITY_TOKEN in the environment";

/// Keys that can be read again at any time, by a function without side effects.
class ReadAgain final : public Credentials {
 public:
  using Read = std::function<Result<AcrKeys>()>;
  explicit ReadAgain(Read read) : read_(std::move(read)) {}

  Result<AcrKeys> get() override {
    Result<AcrKeys> keys = read_();  // Files: not under the lock.
    const std::lock_guard lock(mutex_);
    const bool known = last_.generation > 0;
    if (!keys) return known ? Result<AcrKeys>(last_) : keys;
    keys->generation = last_.generation;
    if (*keys != last_) {
      ++keys->generation;
      last_ = *keys;
    }
    return keys;
  }

 private:
  Read read_;
  std::mutex mutex_;
  AcrKeys last_;
};

class NotSupported final : public Credentials {
 public:
  explicit NotSupported(std::string form) : form_(std::move(form)) {}
  Result<AcrKeys> get() override {
    return fail(ErrorKind::invalid_config,
                "credentials: " + form_ + " is not supported yet; " + kSupported);
  }

 private:
  std::string form_;
};

Result<AcrKeys> read_static(const AcrCredentials& from, const SecretReader& reader) {
  const Result<Secret> id = reader(from.access_key_id);
  if (!id) return within("access_key_id", id.error());
  const Result<Secret> secret = reader(from.access_key_secret);
  if (!secret) return within("access_key_secret", secret.error());
  Result<Secret> token = Secret();
  if (!from.security_token.empty()) token = reader(from.security_token);
  if (!token) return within("security_token", token.error());
  if (id->empty() || secret->empty()) {
    return fail(ErrorKind::invalid_config,
                "credentials: access_key_id or access_key_secret is empty");
  }
  return AcrKeys{id->reveal(), *secret, *token, std::nullopt, 0};
}

Result<AcrKeys> read_environment(const Environment& environment) {
  const auto text = [&](const char* name) { return environment(name).value_or(""); };
  AcrKeys keys{text("ALIBABA_CLOUD_ACCESS_KEY_ID"), Secret(text("ALIBABA_CLOUD_ACCESS_KEY_SECRET")),
               Secret(text("ALIBABA_CLOUD_SECURITY_TOKEN")), std::nullopt, 0};
  if (keys.access_key_id.empty() || keys.access_key_secret.empty()) {
    return fail(ErrorKind::invalid_config,
                std::string("credentials: none are configured and the environment has none; ") +
                    kSupported);
  }
  return keys;
}

/// The first form in use that can't be had yet; "" for none.
std::string unsupported_form(const AcrCredentials& credentials) {
  if (credentials.assume_role) return "assume_role";
  if (credentials.oidc) return "oidc";
  if (credentials.ecs_ram_role) return "ecs_ram_role";
  if (!credentials.credentials_uri.empty()) return "credentials_uri";
  return {};
}

}  // namespace

std::unique_ptr<Credentials> make_credentials(const RegistryConfig& config, Environment environment,
                                              SecretReader reader) {
  if (!config.credentials_given) {
    return std::make_unique<ReadAgain>(
        [environment = std::move(environment)] { return read_environment(environment); });
  }
  const AcrCredentials& credentials = std::get<AcrConfig>(config.cloud).credentials;
  std::string unsupported = unsupported_form(credentials);
  if (!unsupported.empty()) return std::make_unique<NotSupported>(std::move(unsupported));
  return std::make_unique<ReadAgain>(
      [credentials, reader = std::move(reader)] { return read_static(credentials, reader); });
}

std::unique_ptr<Credentials> make_credentials(const RegistryConfig& config) {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
  return make_credentials(config, environment, read_secret);
}

}  // namespace registry_exporter::acr
