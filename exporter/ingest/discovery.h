#pragma once

#include <functional>
#include <string>

#include "exporter/ingest/tracked_registry.h"

namespace registry_exporter::ingest {

struct DiscoveryRules {
  const StreamKind* kind = &kBuilds;
  std::string scope;           ///< Filters and shard numbers, as a text to compare.
  bool count_history = false;  ///< initial_history: count
  bool fixed_list = false;     ///< static_repositories: an unknown creation time is an old one.
  int max_repositories = 20'000;
  std::function<bool(const std::string& full_name)> accepts;  ///< Filters and shard.
  std::function<store::RepositoryNumber()> next_number;
};

struct DiscoveryEffects {
  std::size_t found = 0;       ///< Repositories that became known.
  std::size_t dropped = 0;     ///< That lost their series.
  std::size_t over_limit = 0;  ///< Matched, but over max_repositories: not read.
};

/// Takes in what one pass over the registry's list, begun at `begun`, showed. Pure but for the data
/// handed in.
///
///  - First complete pass (or the first after filters or shards changed): what comes in with it
///    starts as baseline, or, with `count_history`, is counted and hidden until it was read whole.
///  - A repository of a later pass is news, all its records count, unless it was created before the
///    registry's first start.
///  - Another cloud id under the same name is a recreated repository: counters go on, the list is
///    new. The same id under another name is a renamed one: its ids go along, its counters don't.
///  - Two complete passes without it: it loses its series, its ids stay.
DiscoveryEffects apply_discovery(TrackedRegistry& registry, const Discovery& discovery,
                                 UnixMillis begun, const DiscoveryRules& rules);

/// Takes in a part of the first pass over the list of a registry of which nothing is known yet, so
/// that reading need not wait for the rest. The whole pass is taken in afterwards.
DiscoveryEffects apply_first_part(TrackedRegistry& registry, const Discovery& part,
                                  UnixMillis begun, const DiscoveryRules& rules);

/// Compares the stored scope with today's and marks what the filters no longer match.
void apply_scope(TrackedRegistry& registry, const DiscoveryRules& rules);

}  // namespace registry_exporter::ingest
