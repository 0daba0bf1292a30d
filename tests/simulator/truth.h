#pragma once

#include <string>

#include "tests/simulator/world.h"

namespace registry_exporter::simulator {

/// How long the finished builds of each repository took, by status, as JSON: `{"acr":
/// [{"repo_namespace", "repo", "durations": {"success": [milliseconds, …], …}}]}`. Builds that left
/// their lists are not among them.
std::string durations_text(const World& world);

}  // namespace registry_exporter::simulator
