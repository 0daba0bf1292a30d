#pragma once

#include "exporter/engine.h"

namespace registry_exporter {

/// Examines every registry live, with a handful of calls each, and prints on stdout what was found
/// and what to change. Touches no state. True: all is well.
bool run_doctor(Runtime runtime, const config::Config& config, const EngineOptions& options,
                const CloudFactory& connect);

}  // namespace registry_exporter
