#pragma once

#include <span>
#include <string>
#include <string_view>

#include "exporter/web/site.h"

namespace registry_exporter::web {

/// `/api/v1/targets`, for Prometheus's `http_sd_configs`: a JSON array with one target group for
/// each registry. Each group has an `instance` of its own, since `up` has no other label by which
/// Prometheus could tell the registries of one address apart. Pure.
/// `host`: the header of the request, which is the address unless the site has an external one.
std::string scrape_targets_json(const Site& site, std::string_view telemetry_path,
                                std::string_view host, std::span<const std::string> registries);

}  // namespace registry_exporter::web
