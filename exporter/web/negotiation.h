#pragma once

#include <string_view>

#include "exporter/exposition/exposition.h"

/// What a scraper may be given, from its `Accept` headers (RFC 9110, 12.5). Pure; never fails:
/// elements that make no sense are ignored.
namespace registry_exporter {

/// Text 0.0.4, unless OpenMetrics 1.0.0 is asked for by name with a higher q. Never "406".
ExpositionFormat negotiate_format(std::string_view accept);

/// Whether gzip may be sent: named (or "*") with q above 0, and identity is not preferred.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace registry_exporter
