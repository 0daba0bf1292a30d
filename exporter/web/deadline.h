#pragma once

#include <optional>
#include <string_view>

#include "exporter/base/clock.h"

/// How long a scrape may take. Pure.
namespace registry_exporter::web {

/// Longer timeouts are reduced to this, so that slow readers are disconnected eventually.
inline constexpr Millis kScrapeTimeoutMax{3'600'000};

/// The value of `X-Prometheus-Scrape-Timeout-Seconds`, at least 1 ms, at most kScrapeTimeoutMax.
/// nullopt: not a positive finite number.
std::optional<Millis> parse_scrape_timeout(std::string_view seconds);

/// Time left to prepare the response: the timeout minus the offset, at least half the timeout.
Millis response_time(Millis timeout, Millis offset);

}  // namespace registry_exporter::web
