#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/engine.h"

namespace registry_exporter {

struct BackfillOptions {
  EngineOptions engine;
  std::vector<std::pair<std::string, std::string>> labels;
  Millis step{60'000};
  std::optional<UnixMillis> until;  ///< nullopt: where the live counters of the state begin.
  std::string state_path;           ///< Read from a copy; neither locked nor written.
};

/// Reads every list of every matched repository to its end and prints the past on stdout, as
/// OpenMetrics with the events' own times. What is missing goes to the log, with the time from
/// which on nothing is. Errors: something is missing; the state can't be read (nothing is printed).
Result<Done> run_backfill(Runtime runtime, const config::Config& config,
                          const BackfillOptions& options, const CloudFactory& connect);

}  // namespace registry_exporter
