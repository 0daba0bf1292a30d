#pragma once

#include <map>
#include <memory>
#include <string>

#include "exporter/ingest/tracked_registry.h"
#include "exporter/store/state_store.h"

namespace registry_exporter {

/// What is known of every registry, by identity; handed from one engine to the next.
struct EngineBooks {
  std::map<std::string, std::unique_ptr<ingest::TrackedRegistry>> registries;
  store::RegistryNumber last_registry = 0;
  store::RepositoryNumber last_repository = 0;
  bool shown = false;  ///< An earlier process may have shown them.

  /// Takes out what is known under an identity; nullptr: nothing. One that leaves the project out
  /// stands for that of the region's projects that was read last, if any ever was.
  std::unique_ptr<ingest::TrackedRegistry> take(const std::string& identity);
};

EngineBooks engine_books_of(store::LoadedState loaded);

}  // namespace registry_exporter
