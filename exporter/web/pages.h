#pragma once

#include <span>
#include <string>
#include <string_view>

#include "exporter/web/routes.h"

/// The page to start from. Pure.
namespace registry_exporter {

struct LandingPage {
  std::string_view version;
  std::string_view telemetry_path;
  bool ready = false;
  std::span<const RegistryHealth> registries;
  std::span<const std::string> refused_configurations;  ///< Why each is not in force.
};
std::string landing_page(const LandingPage& page);

}  // namespace registry_exporter
