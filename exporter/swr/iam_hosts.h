#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "exporter/base/result.h"

namespace registry_exporter::swr {

/// The hosts of IAM: the region's own, or, if its name does not resolve, the global one, which
/// serves every region. Thread-safe.
class IamHosts {
 public:
  /// `global`: empty if no other host may be asked.
  explicit IamHosts(std::string origin, std::string global = {})
      : origin_(std::move(origin)), global_(std::move(global)) {}

  /// Calls `question` with the origin to ask. After the global host has answered once, only that
  /// one is asked.
  template <class T>
  Result<T> ask(const std::function<Result<T>(const std::string& origin)>& question) const {
    if (moved_) return question(global_);
    Result<T> answer = question(origin_);
    if (answer || global_.empty() || !has_no_name(answer.error())) return answer;
    Result<T> other = question(global_);
    if (!other && has_no_name(other.error())) return answer;  // No name resolves: DNS is down.
    moved_ = true;
    return other;
  }

 private:
  static bool has_no_name(const Error& error) { return error.cause == ErrorCause::dns; }

  const std::string origin_, global_;
  mutable std::atomic<bool> moved_ = false;
};

}  // namespace registry_exporter::swr
