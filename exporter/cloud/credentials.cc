#include "exporter/cloud/credentials.h"

#include <algorithm>
#include <functional>

#include "exporter/base/text.h"

namespace registry_exporter::cloud {
namespace {

constexpr std::chrono::hours kLifeMax{24 * 7};
/// Keys are renewed after this share of their life, minus a random part of up to a tenth.
constexpr double kRenewAt = 0.8;
constexpr double kRenewJitter = 0.1;
/// `IssuedKeys::as_of` may be too early by so much: a `Date` has no fraction.
constexpr Millis kDateStep{1'000};
/// Between attempts without usable keys: doubles from the first to the second.
constexpr Millis kPauseMin{1'000};
constexpr Millis kPauseMax{30'000};
/// With usable keys: a tenth of their remaining life. IAM locks users who fail too often.
constexpr Millis kGoodTimePauseMax{360'000};

bool same_pair(const Keys& a, const Keys& b) {
  return a.access_key == b.access_key && a.secret_key == b.secret_key &&
         a.security_token == b.security_token && a.iam_token == b.iam_token &&
         a.project_id == b.project_id && a.iam_origin == b.iam_origin;
}

/// The errors of all sources as one. It has the kind of the last, which was asked when all others
/// had failed.
Error without_credentials(const std::vector<Error>& errors) {
  if (errors.empty()) {
    return {ErrorKind::invalid_config,
            "credentials: there are none",
            {},
            {},
            ErrorCause::no_credentials};
  }
  Error all = errors.back();
  if (all.kind == ErrorKind::invalid_config) {
    const auto is_known = [](const Error& error) {
      return error.cause != ErrorCause::unknown && error.cause != ErrorCause::not_set_up;
    };
    const auto known = std::find_if(errors.begin(), errors.end(), is_known);
    all.cause = known == errors.end() ? ErrorCause::no_credentials : known->cause;
  }
  all.detail = "credentials: ";
  for (const Error& error : errors) {
    all.detail += (&error == &errors.front() ? "" : "; ") + error.detail;
  }
  return all;
}

}  // namespace

bool HostEnvironment::is_on(const std::string& name) const {
  const std::string text = lower(variable(name));
  return text == "true" || text == "1" || text == "yes";
}

std::string HostEnvironment::in_home(const std::string& relative) const {
  const std::string home = variable("HOME");
  return home.empty() ? "" : home + "/" + relative;
}

HostEnvironment this_host() { return {config::environment_variable, config::read_secret}; }

Result<IssuedKeys> ask_for_keys(const KeyServices& services, const KeysCall& asked,
                                bool in_good_time) {
  std::optional<IssuedKeys> issued;
  net::ApiCall call;
  call.operation = asked.operation;
  call.prepare = asked.prepare;
  call.classify = [&](const net::HttpResponse& response) -> std::optional<net::Refusal> {
    if (auto refusal = asked.classify(response)) {
      const bool is_lasting = traits(refusal->error.kind).lasting;
      if (is_lasting && !refusal->sign_again) refusal->error.kind = ErrorKind::unauthorized;
      refusal->credentials_expired = in_good_time;
      refusal->quota.reset();  // It is the quota of another service.
      return refusal;
    }
    Result<IssuedKeys> read = asked.read(response);
    if (!read) return net::Refusal{read.error()};
    issued = std::move(*read);
    return std::nullopt;
  };
  const Result<net::HttpResponse> response = services.call(call);
  if (!response) return failed_call(asked.operation, response.error());
  return std::move(*issued);
}

Credentials::Credentials(Runtime runtime, std::vector<Source> sources,
                         std::function<void()> secret_changed)
    : runtime_(runtime),
      sources_(std::move(sources)),
      secret_changed_(std::move(secret_changed)),
      changed_(runtime.threads.make_waiter()) {}

Result<Keys> Credentials::get() {
  const Look look = look_around();  // Reads files: not under the lock.
  MutexLock lock(mutex_);
  for (;;) {
    const CredentialCandidate* candidate = next_to_ask(look);
    if (candidate == nullptr) break;
    if (!asking_) {
      const bool in_good_time = begin_asking(*candidate);
      lock.unlock();
      const Result<IssuedKeys> issued = candidate->exchange(in_good_time);
      lock.lock();
      finish_asking(*candidate, issued);
    } else if (usable()) {
      break;
    } else {
      changed_->wait_until(mutex_, SteadyTime::max());
    }
  }
  Result<Keys> keys = settle(look);
  available_ = keys.has_value();
  return keys;
}

std::optional<Keys> Credentials::at_hand() {
  const Look look = look_around();
  const MutexLock lock(mutex_);
  const Result<Keys> keys = settle(look);
  return keys ? std::optional(*keys) : std::nullopt;
}

void Credentials::expired(std::uint64_t generation) {
  const MutexLock lock(mutex_);
  if (generation != keys_.generation || !usable() || for_good_) return;
  usable_until_ = SteadyTime{};
  attempts_[source_].retry_at = SteadyTime{};
  secret_changed_();  // Failures of the old keys say nothing about the new ones.
}

std::optional<UnixMillis> Credentials::expires_at() const {
  const MutexLock lock(mutex_);
  return keys_.expires_at;
}

bool Credentials::available() const {
  const MutexLock lock(mutex_);
  return available_;
}

std::string Credentials::source() const {
  const MutexLock lock(mutex_);
  return source_;
}

/// Stops at permanent keys: the sources after them are never needed.
Credentials::Look Credentials::look_around() const {
  Look look;
  for (const Source& source : sources_) {
    Result<CredentialCandidate> found = source();
    if (!found) {
      look.errors.push_back(found.error());
      continue;
    }
    look.candidates.push_back(std::move(*found));
    if (!look.candidates.back().exchange) break;
  }
  return look;
}

bool Credentials::usable() const {
  if (keys_.generation == 0) return false;
  if (for_good_) return !keys_.expires_at || runtime_.clock.now() < *keys_.expires_at;
  return runtime_.clock.steady_now() < usable_until_;
}

/// nullptr: no service has to be asked now.
const CredentialCandidate* Credentials::next_to_ask(const Look& look) const {
  const SteadyTime now = runtime_.clock.steady_now();
  bool holds = false;  // The keys in use are good, and their source is still there.
  for (const CredentialCandidate& each : look.candidates) {
    holds |= each.source == source_ && usable();
  }
  for (const CredentialCandidate& candidate : look.candidates) {
    if (!candidate.exchange) return nullptr;
    const auto tried = attempts_.find(candidate.source);
    const bool same = tried != attempts_.end() && tried->second.basis == candidate.basis;
    const bool rests = same && now < tried->second.retry_at;
    if (holds && candidate.source != source_) continue;
    if (holds) return (!same || now >= renew_at_) && !rests ? &candidate : nullptr;
    if (!rests) return &candidate;
  }
  return nullptr;
}

/// The keys to use, after all services were asked that had to be.
Result<Keys> Credentials::settle(const Look& look) {
  for (const CredentialCandidate& candidate : look.candidates) {
    if (!candidate.exchange) keep(candidate);
    if (usable() && source_ == candidate.source) return keys_;
  }
  if (usable()) return keys_;  // Their source is gone, but they are still valid.
  return tl::unexpected<Error>(failure_of(look));
}

/// No other thread asks until finish_asking(). Returns true if the keys in use are still good.
bool Credentials::begin_asking(const CredentialCandidate& candidate) {
  Attempt& attempt = attempts_[candidate.source];
  if (attempt.basis != candidate.basis) {
    if (!attempt.basis.empty()) secret_changed_();
    attempt = {candidate.basis, std::nullopt, 0, {}};
  }
  asking_ = true;
  return usable();
}

void Credentials::finish_asking(const CredentialCandidate& candidate,
                                const Result<IssuedKeys>& issued) {
  asking_ = false;
  changed_->notify_all();
  if (issued) {
    take(candidate, *issued);
  } else {
    put_off(attempts_[candidate.source], issued.error());
  }
}

/// Takes permanent keys into use.
void Credentials::keep(const CredentialCandidate& candidate) {
  if (for_good_ && source_ == candidate.source && same_pair(keys_, candidate.keys)) return;
  const bool had_others = keys_.generation > 0;
  for_good_ = true;
  adopt(candidate.keys, candidate.source);
  if (had_others) secret_changed_();
}

/// Lives are counted from now by the steady clock: the system's may be wrong by hours.
void Credentials::take(const CredentialCandidate& candidate, const IssuedKeys& issued) {
  const UnixMillis now = runtime_.clock.now();
  const std::optional<UnixMillis> told = issued.keys.expires_at;
  Millis life{0};
  if (told) life = *told - issued.as_of.value_or(now) - kDateStep;
  if (life <= Millis{0} || life > kLifeMax) life = issued.default_life;
  const double share = kRenewAt - kRenewJitter * uniform(runtime_.entropy);
  const auto renewed_after =
      Millis(static_cast<std::int64_t>(share * static_cast<double>(life.count())));
  const SteadyTime steady_now = runtime_.clock.steady_now();
  usable_until_ = steady_now + life;
  // A metadata service returns the same keys for a while.
  renew_at_ = steady_now + std::max(renewed_after, kPauseMin);
  for_good_ = false;
  const bool others_failed = std::any_of(attempts_.begin(), attempts_.end(), [&](const auto& each) {
    return each.first != candidate.source && each.second.failure;
  });
  if (others_failed && source_ != candidate.source) secret_changed_();
  Keys keys = issued.keys;
  keys.expires_at = told.value_or(now + life);
  adopt(std::move(keys), candidate.source);
  attempts_[candidate.source] = {candidate.basis, std::nullopt, 0, {}};
}

void Credentials::put_off(Attempt& attempt, Error error) {
  const SteadyTime now = runtime_.clock.steady_now();
  Millis pause = std::min(kPauseMin * (1 << std::min(attempt.failures, 5)), kPauseMax);
  if (usable() && !for_good_) {
    const Millis left = std::chrono::duration_cast<Millis>(usable_until_ - now);
    const bool may_lock = error.kind == ErrorKind::unauthorized;
    pause = may_lock ? kGoodTimePauseMax : std::clamp(left / 10, kPauseMin, kGoodTimePauseMax);
    pause = std::min(pause, left);
  }
  const double share = 1 - kRenewJitter * uniform(runtime_.entropy);
  attempt.retry_at = now + std::chrono::round<Millis>(pause * share);
  attempt.failure = std::move(error);
  ++attempt.failures;
}

void Credentials::adopt(Keys keys, const std::string& source) {
  keys.generation = keys_.generation + (same_pair(keys, keys_) ? 0U : 1U);
  keys_ = std::move(keys);
  source_ = source;
}

/// Sources that somebody set up matter more than those that nobody did.
Error Credentials::failure_of(const Look& look) const {
  std::vector<Error> begun, others;
  for (const Error& error : look.errors) {
    (error.cause == ErrorCause::not_set_up ? others : begun).push_back(error);
  }
  for (const CredentialCandidate& candidate : look.candidates) {
    const auto tried = attempts_.find(candidate.source);
    if (tried == attempts_.end() || !tried->second.failure) continue;
    Error error = within(candidate.source, *tried->second.failure).value();
    (candidate.is_a_guess ? others : begun).push_back(std::move(error));
  }
  return without_credentials(begun.empty() ? others : begun);
}

}  // namespace registry_exporter::cloud
