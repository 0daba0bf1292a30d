#pragma once

#include <optional>

#include "exporter/model/registry_state.h"

/// When each series of a repository began: what its created timestamp tells. Pure.
namespace registry_exporter::ingest {

/// For series that are new: they begin at `at`, which is before any scrape that shows them, or,
/// where they show events from before, with the first of those. A server that takes a created
/// timestamp for a sample of 0 then sees no increase that there was not.
void note_beginnings(RepositoryState& state, UnixMillis at);

/// For series of a state that does not tell: they began with their registry.
void adopt_beginnings(RepositoryState& state, std::optional<UnixMillis> registry_created_at);

}  // namespace registry_exporter::ingest
