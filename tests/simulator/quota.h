#pragma once

#include <optional>
#include <string_view>

#include "exporter/net/quota.h"
#include "tests/simulator/wire.h"

namespace registry_exporter::simulator {

/// "200/5m" → 200 calls within five minutes. nullopt: not of this form.
std::optional<net::Quota> parse_quota(std::string_view text);

/// The gateway's way to enforce a quota: a window begins with the first call after the last one,
/// and a call too many is told the quota in words alone, without a wait. Not thread-safe.
class QuotaGate {
 public:
  explicit QuotaGate(net::Quota quota) : quota_(quota) {}
  /// nullopt: the call is let through.
  std::optional<net::HttpResponse> refuse(UnixMillis now);

 private:
  net::Quota quota_;
  UnixMillis window_began_{};
  int let_through_ = 0;
};

}  // namespace registry_exporter::simulator
