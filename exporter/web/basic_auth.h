#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/digest.h"
#include "exporter/base/runtime.h"
#include "exporter/web/web_config.h"

namespace registry_exporter {

struct BasicCredentials {
  std::string user;
  std::string password;
  bool operator==(const BasicCredentials&) const = default;
};

/// Reads the value of `Authorization` (RFC 7617). nullopt: another scheme, no base64, no colon.
/// Pure.
std::optional<BasicCredentials> parse_basic_credentials(std::string_view authorization);

enum class Verdict {
  granted,
  denied,
  busy,  ///< Too many passwords wait to be looked at.
};

struct BasicAuthOptions {
  std::size_t waiting_max = 64;            ///< Passwords to hash.
  std::size_t waiting_per_client_max = 8;  ///< So that one client's guesses don't crowd others out.
  std::size_t remembered_max = 256;
};

/// Looks passwords up. bcrypt is slow on purpose, so hashes are computed on one thread of its own,
/// one at a time, and what was right is remembered, by a keyed digest of name, hash and password:
/// wrong guesses are not, so that they can't push anything out. A name that doesn't exist takes as
/// long as one that does. Thread-safe.
class BasicAuth {
 public:
  using Then = std::function<void(Verdict)>;

  BasicAuth(Runtime runtime, const BasicAuthOptions& options);
  ~BasicAuth();  ///< Whoever still waits is told `busy`.
  BasicAuth(const BasicAuth&) = delete;
  BasicAuth& operator=(const BasicAuth&) = delete;

  /// Calls `then` once: at once when nothing has to be hashed, else from the thread that hashes.
  /// `client`: whose request it is. `users` must not be empty.
  void check(const WebUsers& users, const BasicCredentials& credentials, const std::string& client,
             Then then);

  /// Passwords hashed so far.
  std::size_t hashed() const;

 private:
  struct Job {
    Sha256 digest{};
    std::string hash;
    std::string password;
    std::string client;
    bool user_exists = false;
    std::vector<Then> waiting;
  };

  void add(Job job, Then then, std::unique_lock<std::mutex> lock);
  void work();
  std::string dummy_hash(const WebUsers& users, const std::string& user) const;

  Runtime runtime_;
  const BasicAuthOptions options_;
  const std::string key_;  ///< Of the digests: lives and dies with the process.
  mutable std::mutex mutex_;
  std::unique_ptr<Waiter> waiter_;
  std::deque<std::shared_ptr<Job>> jobs_;  ///< The first is being hashed.
  std::deque<Sha256> remembered_;          ///< Oldest first.
  std::size_t hashed_ = 0;
  bool stopping_ = false;
  std::unique_ptr<Thread> thread_;  ///< Started when first needed.
};

}  // namespace registry_exporter
