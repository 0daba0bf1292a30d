#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "exporter/base/clock.h"

namespace registry_exporter {

/// Outcome of the latest load of the configuration. Thread-safe.
class ReloadState {
 public:
  void succeeded(UnixMillis now) {
    const std::lock_guard lock(mutex_);
    error_.reset();
    succeeded_at_ = now;
  }
  void failed(std::string error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
  }
  /// Error of the latest reload; nullopt if the file is in effect.
  std::optional<std::string> error() const {
    const std::lock_guard lock(mutex_);
    return error_;
  }
  UnixMillis succeeded_at() const {
    const std::lock_guard lock(mutex_);
    return succeeded_at_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<std::string> error_;
  UnixMillis succeeded_at_;
};

}  // namespace registry_exporter
