#pragma once

#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "exporter/base/clock.h"

namespace registry_exporter::net {

/// A server's limit: at most `calls` within any `window`.
struct Quota {
  int calls = 1;
  Millis window{1'000};
  bool operator==(const Quota&) const = default;
};

/// Reads a quota from the text of an answer: "… policy user over ratelimit,limit:200,
/// time:5 minute". Pure. A limit of 0 is read as 1. nullopt: there is no
/// plausible quota.
std::optional<Quota> quota_named_in(std::string_view message);

/// The quotas that a server named, and our calls counted against them. Pure; not thread-safe.
///
/// One is kept for each length of window: users, addresses and services may have quotas of their
/// own. A window counts as a little longer than it is, since calls reach the server sooner or later
/// than they were sent in even steps. One call in fifteen minutes is always allowed.
class QuotaControl {
 public:
  void sent(SteadyTime now);
  /// The server refused a call because of this quota. Returns the longest time that its window may
  /// still last: it began with our own calls if they fill it, else at some time before now.
  Millis refused_for(const Quota& quota, SteadyTime now);

  /// The highest rate within all quotas, in requests per second; infinite if none is known.
  double rate() const;
  /// When the next call may be sent; nullopt: now.
  std::optional<SteadyTime> full_until(SteadyTime now) const;

 private:
  std::vector<Quota> quotas_;    ///< The latest one is the last.
  std::deque<SteadyTime> sent_;  ///< The newest calls.
};

}  // namespace registry_exporter::net
