#pragma once

#include <memory>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/model/snapshot.h"

namespace registry_exporter {

/// The newest snapshots of all registries, and what is needed to judge their repositories now.
struct RepositoryOverview {
  struct Registry {
    std::shared_ptr<const RegistrySnapshot> snapshot;
    bool up = false;
  };
  std::vector<Registry> registries;  ///< In configured order.
  Millis max_staleness{0};
  UnixMillis now;
};

}  // namespace registry_exporter
