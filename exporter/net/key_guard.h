#pragma once

#include <cstdint>
#include <optional>

#include "exporter/base/clock.h"

namespace registry_exporter::net {

/// Limits the use of refused keys: a cloud locks keys after too many failures. Pure; not
/// thread-safe.
///
/// Unproven keys (at start, after a new secret) are tried by a single call. Keys that were refused
/// are tried by one probe each interval. Good keys allow all calls.
class KeyGuard {
 public:
  explicit KeyGuard(Millis probe_interval) : probe_interval_(probe_interval) {}

  enum class Admission {
    go,
    wait,     ///< Another call is testing the keys.
    refused,  ///< They are known to be bad.
  };
  /// Identifies an admitted call.
  struct Ticket {
    std::uint64_t era = 0;
    bool is_probe = false;
  };
  struct Answer {
    Admission admission = Admission::wait;
    Ticket ticket;
  };
  Answer admit(SteadyTime now);
  /// False after the keys were refused or renewed: a call not sent yet must be admitted again.
  bool is_valid(const Ticket& ticket) const { return ticket.era == era_; }
  /// The call was not sent after all.
  void give_back(const Ticket& ticket);

  enum class Verdict {
    accepted,
    refused,
    unknown,
    again,  ///< Refused for its time: signed again at once, as the same probe.
  };
  /// The outcome of a call that was sent. Invalid tickets are ignored.
  void report(const Ticket& ticket, Verdict verdict, SteadyTime now);
  /// The secret changed: the next call tests it.
  void renewed();

 private:
  enum class Keys { unproven, good, bad };
  Millis probe_interval_;
  Keys keys_ = Keys::unproven;
  std::uint64_t era_ = 0;
  bool probe_out_ = false;
  SteadyTime next_probe_;  ///< While the keys are bad.
};

}  // namespace registry_exporter::net
