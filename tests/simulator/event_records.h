#pragma once

#include <string>
#include <vector>

#include "tests/simulator/world.h"

namespace registry_exporter::simulator {

/// What the event centre of the ACR instance told somebody: a build or a synchronisation ended.
struct EventRecord {
  std::string id;    ///< "crecrr-…"
  std::string type;  ///< "cr:Artifact:BuildCompleted"
  std::string repo_namespace, repo;
  std::string tag;
  UnixMillis at;
};

/// The records as this world's event centre lists them now, by WorldOptions::events.
std::vector<EventRecord> event_records(const World& world, std::uint64_t dice);

}  // namespace registry_exporter::simulator
