#pragma once

#include <optional>

#include "exporter/net/http_transport.h"

namespace registry_exporter::net {

/// The wait that an answer's headers ask for: `x-acs-retry-after` (milliseconds), `Retry-After`
/// (seconds or an HTTP date, compared with the answer's own `Date` or with `now`), or the longest
/// `TimeLeft` (milliseconds) of Alibaba's `x-ratelimit-user…` headers. nullopt: none, or nonsense.
/// Never negative. Pure.
std::optional<Millis> wait_asked_for(const HttpResponse& response, UnixMillis now);

}  // namespace registry_exporter::net
