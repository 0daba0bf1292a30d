#pragma once

#include <span>
#include <string>
#include <string_view>

#include "exporter/model/repository_overview.h"
#include "exporter/web/html.h"

/// The start page. Pure.
namespace registry_exporter::web {

struct LandingPage {
  std::string_view version;
  std::string_view links;  ///< What they begin with: see Site.
  std::string_view telemetry_path;
  bool ready = false;
  const RepositoryOverview& overview;
  std::span<const std::string> refused_configurations;  ///< Why each is not in effect.
};
Html landing_page(const LandingPage& page);

}  // namespace registry_exporter::web
