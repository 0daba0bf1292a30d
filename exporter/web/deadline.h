#pragma once

#include <optional>
#include <string_view>

#include "exporter/base/clock.h"

/// How long a scrape may take. Pure.
namespace registry_exporter {

/// Longer timeouts are cut to this: nobody waits longer, and a slow reader is let go some day.
inline constexpr Millis kScrapeTimeoutMax{3'600'000};

/// The value of `X-Prometheus-Scrape-Timeout-Seconds`, at least 1 ms, at most kScrapeTimeoutMax.
/// nullopt: no positive finite number.
std::optional<Millis> parse_scrape_timeout(std::string_view seconds);

/// The time left to answer in: the timeout without the offset, but never less than half of it.
Millis answer_within(Millis timeout, Millis offset);

}  // namespace registry_exporter
