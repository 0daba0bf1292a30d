#pragma once

#include <optional>

#include "exporter/base/clock.h"

namespace registry_exporter {

/// Keeps bad keys from being tried again and again: a cloud locks them for everyone. Pure; not
/// thread-safe.
///
/// Unproven keys (at start, after a new secret) are tried by one call alone. Keys that were refused
/// are tried by one probe each interval. Good keys let everything through.
class KeyGuard {
 public:
  explicit KeyGuard(Millis probe_interval) : probe_interval_(probe_interval) {}

  enum class Admission {
    go,
    wait,     ///< Another call is finding out whether the keys are good.
    refused,  ///< They are known to be bad.
  };
  Admission admit(SteadyTime now);

  enum class Verdict { accepted, refused, unknown };
  /// What became of a call that was admitted.
  void report(Verdict verdict, SteadyTime now);
  /// Another secret: prove it, at once.
  void renewed();
  std::optional<SteadyTime> next_probe() const { return next_probe_; }

 private:
  enum class Keys { unproven, good, bad };
  Millis probe_interval_;
  Keys keys_ = Keys::unproven;
  bool probe_out_ = false;
  std::optional<SteadyTime> next_probe_;
};

}  // namespace registry_exporter
