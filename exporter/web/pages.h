#pragma once

#include <span>
#include <string>
#include <string_view>

#include "exporter/web/routes.h"

/// The pages for people, as HTML. Pure. Every name is text in them, whatever it contains.
namespace registry_exporter {

/// Makes any bytes safe as HTML text or a quoted attribute: markup is escaped, what is not valid
/// UTF-8 or a control character becomes U+FFFD.
std::string html_escape(std::string_view text);

struct LandingPage {
  std::string_view version;
  std::string_view telemetry_path;
  bool ready = false;
  std::span<const RegistryHealth> registries;
};
std::string landing_page(const LandingPage& page);

/// The Content-Security-Policy the pages are sent with: their own style sheet, by its hash, and
/// nothing else.
std::string pages_policy();

}  // namespace registry_exporter
