#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "exporter/base/clock.h"

/// Times as texts. Pure.
namespace registry_exporter {

/// RFC 3339 and what the clouds make of it: 0–9 fraction digits (cut to milliseconds), 'T' or blank
/// between date and time, "Z", an offset or nothing (UTC). nullopt: anything else, or a date that
/// does not exist. A leap second (":60") is read as the second after.
std::optional<UnixMillis> parse_rfc3339(std::string_view text);
std::string format_rfc3339(UnixMillis time);         ///< "2026-01-02T03:04:05Z"
std::string format_rfc3339_millis(UnixMillis time);  ///< "2026-01-02T03:04:05.678Z"
std::string format_basic(UnixMillis time);           ///< "20260102T030405Z"

/// The HTTP `Date` form (IMF-fixdate; the two obsolete forms are read too).
std::optional<UnixMillis> parse_http_date(std::string_view text);
std::string format_http_date(UnixMillis time);

}  // namespace registry_exporter
