#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "exporter/ingest/tracked_registry.h"

namespace registry_exporter::ingest {

struct DiscoveryRules {
  std::vector<const StreamKind*> kinds{&kBuilds};
  std::string scope;           ///< Filters, shard numbers and kinds, as a text to compare.
  bool count_history = false;  ///< initial_history: count
  bool fixed_list = false;     ///< static_repositories: an unknown creation time is an old one.
  int max_repositories = 20'000;
  /// Filters and shard. A namespace is "namespace/", a policy "/policy".
  std::function<bool(const std::string& full_name)> accepts;
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
///  - A repository's share of a feed is made by the first record that names it, or here, as its
///  kind
///    says; its series show while discovery lists the repository.
///  - A namespace is read where it, or a repository of it, is accepted.
DiscoveryEffects apply_discovery(TrackedRegistry& registry, const Discovery& discovery,
                                 UnixMillis begun, const DiscoveryRules& rules);

/// What the parts of a first pass brought so far.
struct FirstParts {
  std::size_t found = 0;                            ///< Repositories.
  std::set<std::pair<OwnerType, std::string>> ids;  ///< The cloud's.
};

/// Takes in a part of the first pass over the list of a registry of which nothing is known yet, so
/// that reading need not wait for the rest. The whole pass is taken in afterwards. Returns the
/// lists to read. Takes as long as the part, whatever came before it.
std::vector<TrackedList*> apply_first_part(TrackedRegistry& registry, const Discovery& part,
                                           UnixMillis begun, const DiscoveryRules& rules,
                                           FirstParts& before);

/// A configuration that comes into force.
struct ConfigurationChange {
  const ReadRules& reading;
  const DiscoveryRules& discovery;
  bool read_everything = false;  ///< Each list is due.
  SteadyTime now;
  UnixMillis wall;
};
/// Brings what is known under a configuration. Returns true if histograms start again at 0, because
/// their bounds changed.
bool adopt_configuration(TrackedRegistry& registry, const ConfigurationChange& change);

/// Compares the stored scope with today's and marks what is no longer matched or collected. Makes
/// the feeds that are missing.
void apply_scope(TrackedRegistry& registry, const DiscoveryRules& rules);

}  // namespace registry_exporter::ingest
