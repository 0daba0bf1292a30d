#include "exporter/web/basic_auth.h"

#include <crypt.h>

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <utility>

#include "exporter/base/digest.h"
#include "exporter/base/text.h"

namespace registry_exporter::web {
namespace {

constexpr std::size_t kBcryptPasswordMax = 72;  ///< bcrypt ignores the rest.
constexpr std::size_t kSettingLength = 29;      ///< "$2y$10$" and the salt.

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool takes_scheme(std::string_view& text) {
  constexpr std::string_view kScheme = "basic";
  const bool fits = text.size() > kScheme.size() && is_blank(text[kScheme.size()]);
  if (!fits || !starts_with_ignoring_case(text, kScheme)) return false;
  text = trim(text.substr(kScheme.size()), " \t");
  return true;
}

std::string length_prefixed(std::string_view text) {
  return std::to_string(text.size()) + ":" + std::string(text);
}

/// Compares in constant time.
bool matches(const std::string& hash, const std::string& password, crypt_data& scratch) {
  const char* const computed = crypt_r(password.c_str(), hash.c_str(), &scratch);
  return computed != nullptr && equal_constant_time(computed, hash);
}

}  // namespace

std::optional<BasicCredentials> parse_basic_credentials(std::string_view authorization) {
  if (!takes_scheme(authorization)) return std::nullopt;
  const std::optional<std::string> pair = decode_base64(authorization);
  if (!pair) return std::nullopt;
  const std::size_t colon = pair->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return BasicCredentials{pair->substr(0, colon), pair->substr(colon + 1)};
}

BasicAuth::BasicAuth(Runtime runtime, const BasicAuthOptions& options)
    : runtime_(runtime),
      options_(options),
      key_(make_nonce(runtime.entropy) + make_nonce(runtime.entropy)),
      waiter_(runtime.threads.make_waiter()) {}

BasicAuth::~BasicAuth() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    waiter_->notify_all();
  }
  thread_.reset();  // Joins.
  for (const auto& job : jobs_) {
    for (const Callback& done : job->waiting) done(AuthResult::busy);
  }
}

/// A hash that no password matches, with the cost of one of the users (always the same one for a
/// name): checking an unknown name takes as long as checking a known one.
std::string BasicAuth::dummy_hash(const WebUsers& users, const std::string& user) const {
  const Sha256 digest = hmac_sha256(key_, "user " + user);
  const std::size_t chosen = (std::size_t{digest[0]} * 256 + digest[1]) % users.size();
  const auto& hash = std::next(users.begin(), static_cast<std::ptrdiff_t>(chosen))->second;
  return hash.substr(0, kSettingLength) + std::string(hash.size() - kSettingLength, '.');
}

void BasicAuth::check(const WebUsers& users, const BasicCredentials& credentials,
                      const std::string& client, Callback done) {
  // C strings end at a NUL: "right\0and more" would pass for "right".
  if (credentials.password.find('\0') != std::string::npos) return done(AuthResult::denied);
  const auto found = users.find(credentials.user);
  Job job;
  job.user_exists = found != users.end();
  job.hash = job.user_exists ? found->second : dummy_hash(users, credentials.user);
  job.password = credentials.password.substr(0, kBcryptPasswordMax);
  job.client = client;
  job.digest = hmac_sha256(key_, length_prefixed(credentials.user) + length_prefixed(job.hash) +
                                     length_prefixed(job.password));
  MutexLock lock(mutex_);
  const bool verified =
      std::find(verified_.begin(), verified_.end(), job.digest) != verified_.end();
  const bool queued = !verified && enqueue(std::move(job), done);
  lock.unlock();
  if (!queued) done(verified ? AuthResult::granted : AuthResult::busy);
}

/// Returns false, and leaves `done` alone, if there is no room or no thread.
bool BasicAuth::enqueue(Job job, Callback& done) {
  std::size_t of_client = 0;
  for (const auto& each : jobs_) {
    if (each->client == job.client) ++of_client;
    if (each->digest != job.digest) continue;
    each->waiting.push_back(std::move(done));
    return true;
  }
  const bool room = jobs_.size() < options_.pending_max &&
                    of_client < options_.pending_per_client_max && !stopping_;
  if (!room) return false;
  try {
    if (!thread_) thread_ = runtime_.threads.start("passwords", [this] { work(); });
  } catch (const std::system_error&) {  // No thread available.
    return false;
  }
  job.waiting.push_back(std::move(done));
  jobs_.push_back(std::make_shared<Job>(std::move(job)));
  waiter_->notify_all();
  return true;
}

void BasicAuth::work() {
  const auto scratch = std::make_unique<crypt_data>();
  MutexLock lock(mutex_);
  for (;;) {
    while (jobs_.empty() && !stopping_) waiter_->wait_until(mutex_, SteadyTime::max());
    if (stopping_) return;
    const std::shared_ptr<Job> job = jobs_.front();
    lock.unlock();
    const bool right = matches(job->hash, job->password, *scratch) && job->user_exists;
    lock.lock();
    jobs_.pop_front();
    ++hashed_;
    if (right) verified_.push_back(job->digest);
    if (verified_.size() > options_.verified_max) verified_.pop_front();
    lock.unlock();
    for (const Callback& done : job->waiting)
      done(right ? AuthResult::granted : AuthResult::denied);
    lock.lock();
  }
}

std::size_t BasicAuth::hashed() const {
  const MutexLock lock(mutex_);
  return hashed_;
}

}  // namespace registry_exporter::web
