#pragma once

#include <optional>
#include <string>
#include <utility>

#include "exporter/base/clock.h"
#include "exporter/base/mutex.h"

namespace registry_exporter {

/// Outcome of the latest load of the configuration. Thread-safe.
class ReloadState {
 public:
  void succeeded(UnixMillis now) {
    const MutexLock lock(mutex_);
    error_.reset();
    succeeded_at_ = now;
  }
  void failed(std::string error) {
    const MutexLock lock(mutex_);
    error_ = std::move(error);
  }
  /// Error of the latest reload; nullopt if the file is in effect.
  std::optional<std::string> error() const {
    const MutexLock lock(mutex_);
    return error_;
  }
  UnixMillis succeeded_at() const {
    const MutexLock lock(mutex_);
    return succeeded_at_;
  }

 private:
  mutable Mutex mutex_;
  std::optional<std::string> error_ GUARDED_BY(mutex_);
  UnixMillis succeeded_at_ GUARDED_BY(mutex_);
};

}  // namespace registry_exporter
