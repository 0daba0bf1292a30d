#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "exporter/base/mutex.h"
#include "exporter/base/runtime.h"
#include "exporter/cloud/signed_client.h"

namespace registry_exporter::swr {

/// A fact that a service is asked for until it tells it, and never again. Thread-safe.
class AskedOnce {
 public:
  /// `ask`: calls the service. What comes by reference must outlive it.
  AskedOnce(Runtime runtime, cloud::SignedClient& client, std::function<Result<std::string>()> ask);

  /// May ask: one thread at a time; after a failure a while later, or when the keys change.
  /// Errors: those of `ask`.
  Result<std::string> get();
  /// False after the service could not tell it.
  bool available() const;

 private:
  std::uint64_t generation();
  Result<std::string> settle(Result<std::string> told, std::uint64_t used_generation)
      REQUIRES(mutex_);

  Runtime runtime_;
  cloud::SignedClient& client_;
  const std::function<Result<std::string>()> ask_;

  mutable Mutex mutex_;
  std::unique_ptr<Waiter> changed_;
  bool asking_ GUARDED_BY(mutex_) = false;
  std::string known_ GUARDED_BY(mutex_);
  std::optional<Error> failure_ GUARDED_BY(mutex_);
  int failures_ GUARDED_BY(mutex_) = 0;  ///< In a row.
  std::uint64_t failed_generation_ GUARDED_BY(mutex_) = 0;
  SteadyTime retry_at_ GUARDED_BY(mutex_);
};

}  // namespace registry_exporter::swr
