#pragma once

#include <cstdint>
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
  /// What a call that may go carries with it.
  struct Ticket {
    std::uint64_t era = 0;
    bool is_probe = false;
  };
  struct Answer {
    Admission admission = Admission::wait;
    Ticket ticket;
  };
  Answer admit(SteadyTime now);
  /// False once the keys turned out bad or were renewed: a call not sent yet must ask anew.
  bool is_valid(const Ticket& ticket) const { return ticket.era == era_; }
  /// The call was not sent after all.
  void give_back(const Ticket& ticket);

  enum class Verdict {
    accepted,
    refused,
    unknown,
    again,  ///< Refused for its time: it is signed anew at once, still as the same probe.
  };
  /// What became of a call that was sent. Old tickets tell of other keys, or old news: ignored.
  void report(const Ticket& ticket, Verdict verdict, SteadyTime now);
  /// Another secret: prove it, at once.
  void renewed();

 private:
  enum class Keys { unproven, good, bad };
  Millis probe_interval_;
  Keys keys_ = Keys::unproven;
  std::uint64_t era_ = 0;
  bool probe_out_ = false;
  SteadyTime next_probe_;  ///< While the keys are bad.
};

}  // namespace registry_exporter
