#pragma once

#include <string_view>

#include "exporter/model/scrape.h"

/// Content negotiation (RFC 9110, 12.5). Pure. Invalid elements of a header are ignored.
namespace registry_exporter::web {

/// Text 0.0.4, unless OpenMetrics 1.0.0 or protobuf (delimited messages of
/// io.prometheus.client.MetricFamily) is listed by name with a higher q. Never fails (no 406).
ExpositionFormat negotiate_format(std::string_view accept);

/// Whether the scraper says how names outside of `[a-zA-Z0-9_:]` are to be escaped. There are no
/// such names here, so that every way is `escaping=underscores`; such scrapers expect to be told.
bool names_escaping(std::string_view accept);

/// Whether to send gzip: listed (or "*") with q above 0, and identity is not preferred.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace registry_exporter::web
