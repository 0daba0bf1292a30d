#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/base/runtime.h"
#include "exporter/cloud/keys.h"
#include "exporter/config/config.h"
#include "exporter/net/api_caller.h"
#include "exporter/net/http_transport.h"

/// Where the keys of a registry come from. A cloud's chain is a list of sources; keeping, renewing
/// and falling back is the same for all of them.
namespace registry_exporter {

/// Keys as a service hands them out, for a time.
struct IssuedKeys {
  Keys keys;                        ///< `expires_at` as the service tells it.
  std::optional<UnixMillis> as_of;  ///< By the clock of `expires_at`; up to a second early.
  Millis default_life{std::chrono::hours(1)};  ///< For keys that tell none, or not in earnest.
};

/// Asks a service for keys. `in_good_time`: those in use still serve, a refusal says nothing about
/// them.
using Exchange = std::function<Result<IssuedKeys>(bool in_good_time)>;

/// What a source found on this machine.
struct CredentialCandidate {
  std::string source;  ///< In words, e.g. "the environment"; never a secret.
  Keys keys;           ///< To be used as they are, when there is no exchange; until they expire.
  Exchange exchange;   ///< How to get keys, when they aren't at hand.
  /// Digest of what the exchange works from: when it changes, keys are got anew at once.
  std::string basis;
  bool is_a_guess = false;  ///< Nobody set it up; it is asked because it might be there.
};

/// One place where credentials may be: looks at configuration, environment and files, calls nobody,
/// is quick. Errors: why there are none here (the next source is asked), in words that say what to
/// set; the cause is not_set_up where nothing was set.
using Source = std::function<Result<CredentialCandidate>()>;

/// The files and environment variables of the host this runs on.
struct HostEnvironment {
  Environment environment;
  std::function<Result<Secret>(const SecretSource& source)> read;

  std::string variable(const std::string& name) const { return environment(name).value_or(""); }
  /// "true", "1" or "yes", in any case.
  bool is_on(const std::string& name) const;
  /// `~/relative`, or "" without a home.
  std::string in_home(const std::string& relative) const;
};

/// This process's own.
HostEnvironment this_host();

/// Calls to services beside us, by names of our own.
inline constexpr const char* kInstanceMetadata = "InstanceMetadata";
inline constexpr const char* kPodIdentity = "PodIdentity";
inline constexpr const char* kCredentialsUri = "CredentialsUri";

/// Services that give keys.
struct KeyServices {
  /// Of the cloud: as politely as any other call.
  std::function<Result<HttpResponse>(const ApiCall& call)> call;
  /// Beside us, such as instance metadata: one attempt, directly, metered.
  std::function<Result<HttpResponse>(std::string_view operation, HttpRequest request)> fetch;
  /// A program's output, where a cloud's tools let programs give keys.
  std::function<Result<Secret>(std::string_view command)> run = {};
};

/// One question to a service of the cloud that gives keys.
struct KeysCall {
  std::string_view operation;  ///< The cloud's own name, e.g. "AssumeRole".
  std::function<Result<HttpRequest>(UnixMillis now)> prepare;
  std::function<std::optional<Refusal>(const HttpResponse& response)> classify;
  std::function<Result<IssuedKeys>(const HttpResponse& response)> read;
};
/// Whatever the reason of a refusal, without keys nothing can be done: it counts as unauthorized.
Result<IssuedKeys> ask_for_keys(const KeyServices& services, const KeysCall& call,
                                bool in_good_time);

/// The keys of one registry, from the first of its sources that has any. Thread-safe.
///
/// Keys at hand are read again at every use, so that a changed secret is used at the next request;
/// while they can't be read, the last good ones stay in use. Keys for a time are got by one thread
/// at a time, kept, and renewed after 70 to 80 % of their life; a renewal that fails changes
/// nothing until they have really expired. The source that gave the keys in use is asked again; the
/// others only when it has none to give. One that failed rests for a while, unless what it works
/// from changes.
class Credentials {
 public:
  /// `secret_changed` is told when keys come that were made from other secrets than before, or in
  /// the place of expired ones, or after another source was refused; it must not block.
  Credentials(Runtime runtime, std::vector<Source> sources, std::function<void()> secret_changed);

  /// The keys to use now. May call a service: never call it while a call of the same registry is
  /// being prepared. Errors: invalid_config (says what to set; its cause is known), and what a
  /// service can fail with.
  Result<Keys> get();
  /// The newest keys that can be had without calling anybody; nullopt: there are none.
  std::optional<Keys> at_hand();
  /// The keys of this generation were refused as expired: get() brings others, if it can.
  void expired(std::uint64_t generation);

  /// When the keys in use expire; nobody is asked.
  std::optional<UnixMillis> expires_at() const;
  /// False when the newest get() failed.
  bool available() const;
  /// Where the keys in use came from, in words; "" before there were any.
  std::string source() const;

 private:
  /// What all sources say at one moment.
  struct Look {
    std::vector<CredentialCandidate> candidates;
    std::vector<Error> errors;
  };
  /// What became of asking a source.
  struct Attempt {
    std::string basis;
    std::optional<Error> failure;
    int failures = 0;  ///< In a row.
    SteadyTime retry_at;
  };

  Look look_around() const;
  bool usable() const;
  const CredentialCandidate* next_to_ask(const Look& look) const;
  Result<Keys> settle(const Look& look);
  void ask(std::unique_lock<std::mutex>& lock, const CredentialCandidate& candidate);
  void keep(const CredentialCandidate& candidate);
  void take(const CredentialCandidate& candidate, const IssuedKeys& issued);
  void put_off(Attempt& attempt, Error error);
  void adopt(Keys keys, const std::string& source);
  Error failure_of(const Look& look) const;

  Runtime runtime_;
  const std::vector<Source> sources_;
  const std::function<void()> secret_changed_;

  mutable std::mutex mutex_;
  std::unique_ptr<Waiter> changed_;
  bool asking_ = false;
  bool available_ = true;
  Keys keys_;
  std::string source_;
  bool for_good_ = false;  ///< The keys in use were at hand: nobody is asked for others.
  SteadyTime usable_until_;
  SteadyTime renew_at_;
  std::map<std::string, Attempt> attempts_;  ///< By source.
};

}  // namespace registry_exporter
