#pragma once

#include <optional>
#include <string>

#include "exporter/store/state_store.h"

namespace registry_exporter::store {

/// Reads a state that may be in use by another process, from a copy of its files in the folder for
/// temporary files: nothing is locked, and nothing of the state is written. nullopt: there is none
/// (also for ":memory:"). Errors: state_io, state_newer, state_damaged. Shell.
Result<std::optional<LoadedState>> read_state_copy(const std::string& path);

}  // namespace registry_exporter::store
