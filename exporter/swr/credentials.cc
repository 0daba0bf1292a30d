#include "exporter/swr/credentials.h"

#include <cstdlib>
#include <mutex>
#include <string>
#include <utility>

namespace registry_exporter::swr {
namespace {

constexpr const char* kSupported =
    "supported are access_key with secret_key (and security_token), iam_user with password, each "
    "secret also as _file, or HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK and "
    "HUAWEICLOUD_SDK_SECURITY_TOKEN in the environment";

/// A token that doesn't tell its life, or not in earnest, has the documented one.
constexpr std::chrono::hours kTokenLife{24};
constexpr std::chrono::hours kTokenLifeMax{24 * 7};
/// After a renewal that failed while the old token serves. IAM locks users who fail too often.
constexpr std::chrono::minutes kRenewalPause{6};
/// Renewed after this share of its life.
constexpr int kRenewNumerator = 4;
constexpr int kRenewDenominator = 5;

/// Keys that can be read again at any time, by a function without side effects.
class ReadAgain final : public Credentials {
 public:
  using Read = std::function<Result<SwrKeys>()>;
  explicit ReadAgain(Read read) : read_(std::move(read)) {}

  Result<SwrKeys> get() override {
    Result<SwrKeys> keys = read_();  // Files: not under the lock.
    const std::lock_guard lock(mutex_);
    const bool known = last_.generation > 0;
    if (!keys) return known ? Result<SwrKeys>(last_) : keys;
    keys->generation = last_.generation;
    if (*keys != last_) {
      ++keys->generation;
      last_ = *keys;
    }
    return keys;
  }
  void expired(std::uint64_t) override {}
  std::optional<UnixMillis> expires_at() const override { return std::nullopt; }

 private:
  Read read_;
  std::mutex mutex_;
  SwrKeys last_;
};

/// A token for an IAM user: fetched by one thread at a time, kept, renewed in good time. While it
/// is valid, a renewal that fails changes nothing.
class UserToken final : public Credentials {
 public:
  UserToken(SwrCredentials::IamUser user, Runtime runtime, TokenSource ask, SecretReader reader)
      : user_(std::move(user)),
        runtime_(runtime),
        ask_(std::move(ask)),
        reader_(std::move(reader)),
        changed_(runtime.threads.make_waiter()) {}

  Result<SwrKeys> get() override {
    const Result<Secret> password = reader_(user_.password);
    std::unique_lock lock(mutex_);
    const std::uint64_t answers_before = answers_;
    while (asking_ && !usable()) changed_->wait_until(lock, SteadyTime::max());
    if (asking_) return keys_;
    // Who waited for the asker shares its failure, instead of asking the same again.
    if (answers_ != answers_before && !usable() && failure_) {
      return tl::unexpected<Error>(*failure_);
    }
    const bool other_password = password && *password != password_;
    if (!other_password && !renewal_due()) return keys_;
    if (!password) {
      if (usable()) return keys_;
      return within("iam_user.password", password.error());
    }
    return renew(lock, *password);
  }

  void expired(std::uint64_t generation) override {
    const std::lock_guard lock(mutex_);
    if (generation == keys_.generation) keys_.iam_token = Secret();
  }

  std::optional<UnixMillis> expires_at() const override {
    const std::lock_guard lock(mutex_);
    return keys_.expires_at;
  }

 private:
  bool usable() const {
    return !keys_.iam_token.empty() && runtime_.clock.steady_now() < usable_until_;
  }
  bool renewal_due() const { return !usable() || runtime_.clock.steady_now() >= renew_at_; }

  /// Asks without the lock; nobody else asks meanwhile.
  Result<SwrKeys> renew(std::unique_lock<std::mutex>& lock, const Secret& password) {
    asking_ = true;
    password_ = password;
    const bool in_good_time = usable();
    lock.unlock();
    const Result<IamToken> token = ask_({user_, password, in_good_time});
    lock.lock();
    asking_ = false;
    ++answers_;
    changed_->notify_all();
    if (token) {
      take(*token);
      return keys_;
    }
    failure_ = token.error();
    renew_at_ = runtime_.clock.steady_now() + kRenewalPause;
    if (usable()) return keys_;
    return tl::unexpected<Error>(token.error());
  }

  /// Lives are counted from now by the steady clock: ours may be wrong by hours.
  void take(const IamToken& token) {
    const UnixMillis now = runtime_.clock.now();
    Millis life{0};
    if (token.expires_at) life = *token.expires_at - token.issued_at.value_or(now);
    if (life <= Millis{0} || life > kTokenLifeMax) life = kTokenLife;
    const SteadyTime steady_now = runtime_.clock.steady_now();
    keys_.iam_token = Secret(token.token);
    keys_.expires_at = token.expires_at.value_or(now + life);
    usable_until_ = steady_now + life;
    renew_at_ = steady_now + life * kRenewNumerator / kRenewDenominator;
    ++keys_.generation;
    failure_.reset();
  }

  const SwrCredentials::IamUser user_;
  Runtime runtime_;
  const TokenSource ask_;
  const SecretReader reader_;
  mutable std::mutex mutex_;
  std::unique_ptr<Waiter> changed_;
  bool asking_ = false;
  std::uint64_t answers_ = 0;     ///< How often IAM was asked, with whatever result.
  std::optional<Error> failure_;  ///< Of the newest question.
  SwrKeys keys_;
  SteadyTime usable_until_;
  SteadyTime renew_at_;
  Secret password_;  ///< The newest that was tried.
};

class NotSupported final : public Credentials {
 public:
  explicit NotSupported(std::string form) : form_(std::move(form)) {}
  Result<SwrKeys> get() override {
    return fail(ErrorKind::invalid_config,
                "credentials: " + form_ + " is not supported yet; " + kSupported);
  }
  void expired(std::uint64_t) override {}
  std::optional<UnixMillis> expires_at() const override { return std::nullopt; }

 private:
  std::string form_;
};

Result<SwrKeys> read_static(const SwrCredentials& from, const SecretReader& reader) {
  const Result<Secret> access_key = reader(from.access_key);
  if (!access_key) return within("access_key", access_key.error());
  const Result<Secret> secret_key = reader(from.secret_key);
  if (!secret_key) return within("secret_key", secret_key.error());
  Result<Secret> token = Secret();
  if (!from.security_token.empty()) token = reader(from.security_token);
  if (!token) return within("security_token", token.error());
  if (access_key->empty() || secret_key->empty()) {
    return fail(ErrorKind::invalid_config, "credentials: access_key or secret_key is empty");
  }
  SwrKeys keys;
  keys.access_key = access_key->reveal();
  keys.secret_key = *secret_key;
  keys.security_token = *token;
  return keys;
}

Result<SwrKeys> read_environment(const Environment& environment) {
  const auto text = [&](const char* name) { return environment(name).value_or(""); };
  SwrKeys keys;
  keys.access_key = text("HUAWEICLOUD_SDK_AK");
  keys.secret_key = Secret(text("HUAWEICLOUD_SDK_SK"));
  keys.security_token = Secret(text("HUAWEICLOUD_SDK_SECURITY_TOKEN"));
  if (keys.access_key.empty() || keys.secret_key.empty()) {
    return fail(ErrorKind::invalid_config,
                std::string("credentials: none are configured and the environment has none; ") +
                    kSupported);
  }
  return keys;
}

}  // namespace

std::unique_ptr<Credentials> make_credentials(const RegistryConfig& config, Runtime runtime,
                                              TokenSource ask_for_token, Environment environment,
                                              SecretReader reader) {
  if (!config.credentials_given) {
    return std::make_unique<ReadAgain>(
        [environment = std::move(environment)] { return read_environment(environment); });
  }
  const SwrCredentials& credentials = std::get<SwrConfig>(config.cloud).credentials;
  if (credentials.oidc) return std::make_unique<NotSupported>("oidc");
  if (credentials.ecs_agency) return std::make_unique<NotSupported>("ecs_agency");
  if (credentials.iam_user) {
    return std::make_unique<UserToken>(*credentials.iam_user, runtime, std::move(ask_for_token),
                                       std::move(reader));
  }
  return std::make_unique<ReadAgain>(
      [credentials, reader = std::move(reader)] { return read_static(credentials, reader); });
}

std::unique_ptr<Credentials> make_credentials(const RegistryConfig& config, Runtime runtime,
                                              TokenSource ask_for_token) {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
  return make_credentials(config, runtime, std::move(ask_for_token), environment, read_secret);
}

}  // namespace registry_exporter::swr
