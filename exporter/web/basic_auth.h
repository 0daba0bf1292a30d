#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/digest.h"
#include "exporter/base/mutex.h"
#include "exporter/base/runtime.h"
#include "exporter/web/web_config.h"

namespace registry_exporter::web {

struct BasicCredentials {
  std::string user;
  std::string password;
  bool operator==(const BasicCredentials&) const = default;
};

/// Reads the value of `Authorization` (RFC 7617). nullopt: another scheme, no base64, no colon.
/// Pure.
std::optional<BasicCredentials> parse_basic_credentials(std::string_view authorization);

enum class AuthResult {
  granted,
  denied,
  busy,  ///< Too many attempts are pending.
};

struct BasicAuthOptions {
  std::size_t pending_max = 64;            ///< Passwords that wait to be hashed.
  std::size_t pending_per_client_max = 8;  ///< So that one client can't fill the queue.
  std::size_t verified_max = 256;
};

/// Checks passwords. bcrypt is slow on purpose, so hashes are computed on a thread of their own,
/// one at a time. Verified passwords are remembered by a keyed digest of name, hash and password;
/// wrong ones are not, so that guesses can't evict them. An unknown name takes as long as a known
/// one. Thread-safe.
class BasicAuth {
 public:
  using Callback = std::function<void(AuthResult)>;

  BasicAuth(Runtime runtime, const BasicAuthOptions& options);
  ~BasicAuth();  ///< Pending attempts get `busy`.
  BasicAuth(const BasicAuth&) = delete;
  BasicAuth& operator=(const BasicAuth&) = delete;

  /// Calls `done` once: immediately if nothing has to be hashed, else from the hashing thread.
  /// `client`: the address of the client. `users` must not be empty.
  void check(const WebUsers& users, const BasicCredentials& credentials, const std::string& client,
             Callback done);

  /// Number of passwords hashed so far.
  std::size_t hashed() const;

 private:
  struct Job {
    Sha256 digest{};
    std::string hash;
    std::string password;
    std::string client;
    bool user_exists = false;
    std::vector<Callback> waiting;
  };

  bool enqueue(Job job, Callback& done) REQUIRES(mutex_);
  void work();
  std::string dummy_hash(const WebUsers& users, const std::string& user) const;

  Runtime runtime_;
  const BasicAuthOptions options_;
  const std::string key_;  ///< Of the digests: random, never stored.
  mutable Mutex mutex_;
  std::unique_ptr<Waiter> waiter_;
  std::deque<std::shared_ptr<Job>> jobs_ GUARDED_BY(mutex_);  ///< The first is being hashed.
  std::deque<Sha256> verified_ GUARDED_BY(mutex_);  ///< Digests of right passwords, oldest first.
  std::size_t hashed_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::unique_ptr<Thread> thread_ GUARDED_BY(mutex_);  ///< Started when first needed.
};

}  // namespace registry_exporter::web
