#pragma once

#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "exporter/base/clock.h"

namespace registry_exporter {

/// What a server takes: at most `calls` within any `window`.
struct Quota {
  int calls = 1;
  Millis window{1'000};
  bool operator==(const Quota&) const = default;
};

/// A quota that is told in the words of an answer alone: "… policy user over ratelimit,limit:200,
/// time:5 minute". Pure. A limit of 0 is read as 1: that much is tried. nullopt: none that makes
/// sense.
std::optional<Quota> quota_named_in(std::string_view message);

/// The quotas that a server has named, and our calls counted against them. Pure; not thread-safe.
///
/// One is kept for each length of window: users, addresses and services may have quotas of their
/// own. A window counts as a little longer than it is, since calls reach the server sooner or later
/// than they were sent in even steps. Whatever a quota says, a call goes once in fifteen minutes.
class QuotaControl {
 public:
  void sent(SteadyTime now);
  /// The server has refused a call for this quota. How long what is left of its window may be: it
  /// began with our own calls where they fill it, and somewhen before now where others call, too.
  Millis refused_for(const Quota& quota, SteadyTime now);

  /// Requests per second that no quota minds; infinite when none is known.
  double rate() const;
  /// When the next call may go, where that is later than now.
  std::optional<SteadyTime> full_until(SteadyTime now) const;

 private:
  std::vector<Quota> quotas_;    ///< The one named last comes last.
  std::deque<SteadyTime> sent_;  ///< The newest calls.
};

}  // namespace registry_exporter
