#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/mutex.h"
#include "exporter/base/result.h"
#include "exporter/base/runtime.h"
#include "exporter/cloud/keys.h"
#include "exporter/config/config.h"
#include "exporter/net/api_caller.h"
#include "exporter/net/http_transport.h"

/// Where the keys of a registry come from. A cloud's chain is a list of sources; storage, renewal
/// and fallback are the same for all of them.
namespace registry_exporter::cloud {

/// Temporary keys, as a service issued them.
struct IssuedKeys {
  Keys keys;                        ///< `expires_at` by the service's clock.
  std::optional<UnixMillis> as_of;  ///< Now, by the clock of `expires_at`; up to 1 s early.
  Millis default_life{std::chrono::hours(1)};  ///< For keys without a plausible expiry.
};

/// Asks a service for keys. `in_good_time`: the keys in use are still valid, and a refusal says
/// nothing about them.
using Exchange = std::function<Result<IssuedKeys>(bool in_good_time)>;

/// Credentials that a source found on this host: keys, or a way to get some.
struct CredentialCandidate {
  std::string source;  ///< For people, e.g. "the environment"; never a secret.
  Keys keys;           ///< If there is no exchange: used as they are, until they expire.
  Exchange exchange;   ///< How to get keys from a service.
  /// Digest of the exchange's inputs: when it changes, new keys are requested at once.
  std::string basis;
  bool is_a_guess = false;  ///< Nobody set it up, but it may exist.
};

/// One place where credentials may be. Looks at configuration, environment and files; makes no
/// calls. Errors: why it has none, and what to set; the next source is asked then. The cause is
/// not_set_up if nothing was set.
using Source = std::function<Result<CredentialCandidate>()>;

/// The files and environment variables of the host this runs on.
struct HostEnvironment {
  config::Environment environment;
  std::function<Result<Secret>(const config::SecretSource& source)> read;

  std::string variable(const std::string& name) const { return environment(name).value_or(""); }
  /// "true", "1" or "yes", in any case.
  bool is_on(const std::string& name) const;
  /// `~/relative`, or "" without a home.
  std::string in_home(const std::string& relative) const;
};

/// That of this process.
HostEnvironment this_host();

/// Operation names of calls to local services, which have no official names.
inline constexpr const char* kInstanceMetadata = "InstanceMetadata";
inline constexpr const char* kPodIdentity = "PodIdentity";
inline constexpr const char* kCredentialsUri = "CredentialsUri";

/// Services that issue keys.
struct KeyServices {
  /// A service of the cloud, within the limits for all calls.
  std::function<Result<net::HttpResponse>(const net::ApiCall& call)> call;
  /// A local service such as instance metadata: one attempt, no proxy, counted in the metrics.
  std::function<Result<net::HttpResponse>(std::string_view operation, net::HttpRequest request)>
      fetch;
  /// A program that prints keys; returns its output.
  std::function<Result<Secret>(std::string_view command)> run = {};
};

/// One call to a service of the cloud that issues keys.
struct KeysCall {
  std::string_view operation;  ///< The cloud's own name, e.g. "AssumeRole".
  std::function<Result<net::HttpRequest>(UnixMillis now)> prepare;
  std::function<std::optional<net::Refusal>(const net::HttpResponse& response)> classify;
  std::function<Result<IssuedKeys>(const net::HttpResponse& response)> read;
};
/// Every lasting refusal counts as unauthorized: without keys nothing else can be done.
Result<IssuedKeys> ask_for_keys(const KeyServices& services, const KeysCall& call,
                                bool in_good_time);

/// The keys of one registry, from the first of its sources that has any. Thread-safe.
///
/// Permanent keys are read again for every request, so that a changed secret is used at once; while
/// they can't be read, the last good ones stay in use. Temporary keys are requested by one thread
/// at a time, stored, and renewed after 70 to 80 % of their life; a failed renewal changes nothing
/// until they have expired. The source of the keys in use is asked first; the others only if it has
/// none. A source that failed is not asked again for a while, unless its inputs change.
class Credentials {
 public:
  /// `secret_changed` is called when the keys come from other secrets than before, or replace
  /// expired ones, or when another source was refused before; it must not block.
  Credentials(Runtime runtime, std::vector<Source> sources, std::function<void()> secret_changed);

  /// The keys to use now. May call a service: never call it while a call of the same registry is
  /// being prepared. Errors: invalid_config (says what to set; its cause is known), and what a
  /// service can fail with.
  Result<Keys> get();
  /// The newest keys that are available without a call; nullopt: there are none.
  std::optional<Keys> at_hand();
  /// The keys of this generation were refused as expired: the next get() requests new ones.
  void expired(std::uint64_t generation);

  /// When the keys in use expire.
  std::optional<UnixMillis> expires_at() const;
  /// False when the newest get() failed.
  bool available() const;
  /// Where the keys in use came from, for people; "" before there were any.
  std::string source() const;

 private:
  /// The candidates and errors of all sources at one moment.
  struct Look {
    std::vector<CredentialCandidate> candidates;
    std::vector<Error> errors;
  };
  /// The newest attempt to get keys from a source.
  struct Attempt {
    std::string basis;
    std::optional<Error> failure;
    int failures = 0;  ///< In a row.
    SteadyTime retry_at;
  };

  Look look_around() const;
  bool usable() const REQUIRES(mutex_);
  const CredentialCandidate* next_to_ask(const Look& look) const REQUIRES(mutex_);
  Result<Keys> settle(const Look& look) REQUIRES(mutex_);
  bool begin_asking(const CredentialCandidate& candidate) REQUIRES(mutex_);
  void finish_asking(const CredentialCandidate& candidate, const Result<IssuedKeys>& issued)
      REQUIRES(mutex_);
  void keep(const CredentialCandidate& candidate) REQUIRES(mutex_);
  void take(const CredentialCandidate& candidate, const IssuedKeys& issued) REQUIRES(mutex_);
  void put_off(Attempt& attempt, Error error) REQUIRES(mutex_);
  void adopt(Keys keys, const std::string& source) REQUIRES(mutex_);
  Error failure_of(const Look& look) const REQUIRES(mutex_);

  Runtime runtime_;
  const std::vector<Source> sources_;
  const std::function<void()> secret_changed_;

  mutable Mutex mutex_;
  std::unique_ptr<Waiter> changed_;
  bool asking_ GUARDED_BY(mutex_) = false;
  bool available_ GUARDED_BY(mutex_) = true;
  Keys keys_ GUARDED_BY(mutex_);
  std::string source_ GUARDED_BY(mutex_);
  bool for_good_ GUARDED_BY(mutex_) = false;  ///< The keys in use are permanent.
  SteadyTime usable_until_ GUARDED_BY(mutex_);
  SteadyTime renew_at_ GUARDED_BY(mutex_);
  std::map<std::string, Attempt> attempts_ GUARDED_BY(mutex_);  ///< By source.
};

}  // namespace registry_exporter::cloud
