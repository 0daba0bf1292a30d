#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exporter/ingest/ledger_rules.h"
#include "exporter/ingest/lessons.h"
#include "exporter/ingest/plan.h"
#include "exporter/ingest/tracked_list.h"
#include "exporter/model/notice.h"

namespace registry_exporter::ingest {

/// Namespace, then name: the order of every listing and exposition of ours.
using RepositoryKey = std::pair<std::string, std::string>;

/// What is known of one repository is together, by the number of the kind. A feed has no name.
struct ListKey {
  std::string repo_namespace, name;
  std::uint8_t kind = kBuilds.number;
  auto operator<=>(const ListKey&) const = default;
  RepositoryKey repository() const { return {repo_namespace, name}; }
  bool is_of(const RepositoryRef& ref) const {
    return repo_namespace == ref.repo_namespace && name == ref.name;
  }
};
inline ListKey key_of(const RepositoryState& state) {
  return {state.ref.repo_namespace, state.ref.name, state.kind->number};
}

/// Everything of one registry that outlives a change of configuration.
struct TrackedRegistry {
  store::RegistryNumber number = 0;
  RegistryState state;
  bool dirty = true;               ///< `state` is to be saved with the next commit.
  int incomplete_discoveries = 0;  ///< In a row.
  std::size_t over_limit = 0;      ///< Repositories beyond max_repositories.
  std::map<std::string, std::uint64_t> unknown_statuses;  ///< Raw value → times met; bounded.
  std::map<ListKey, std::unique_ptr<TrackedList>> lists;
  /// Those with something to save.
  std::unique_ptr<DirtyLists> dirty_lists = std::make_unique<DirtyLists>();
  /// By discovery, and ours; of this process. True: created after the registry's first start.
  std::map<RepositoryKey, bool> listed;

  /// Its name and kind must not be there yet.
  TrackedList& add(std::unique_ptr<TrackedList> list);
};

/// What merging changed besides the ledger: the registry's counters, exemplars, what is to be
/// saved.
void absorb(TrackedRegistry& registry, TrackedList& list, const MergeEffects& effects,
            std::size_t bucket_bounds);
/// Counts rows that were rejected and statuses that are not known. Returns those met for the first
/// time.
std::vector<std::string> absorb_oddities(TrackedRegistry& registry, const Page& page);

/// Stored histograms of other bounds start again at 0. Returns true if there were any.
bool adopt_bucket_bounds(TrackedRegistry& registry, const ReadRules& rules, UnixMillis now);

/// Adds what earlier releases did not keep: histograms of builds that were not counted, native
/// buckets, and when series began.
void complete_counters(TrackedRegistry& registry, const ReadRules& rules, UnixMillis now);

/// Notes that the cloud told of something finished in a list that was read before. `ahead`: the
/// cloud's clock before ours.
void take_notice(TrackedRegistry& registry, const Notice& notice, Millis ahead);

/// Lists that are read at all; shares of a feed are not.
std::size_t lists_read(const TrackedRegistry& registry);

/// What is due now, and how urgently.
struct DueLists {
  std::vector<Plan::Item> items;
  std::size_t of = 0;       ///< Lists that are read at all.
  std::size_t overdue = 0;  ///< Unread for so long that the rate must be too low for all.
};

/// `ahead`: what is overdue after this long is due now. `demand`: of those that were not planned
/// before.
DueLists due_lists(TrackedRegistry& registry, const ReadRules& rules, const Lessons& lessons,
                   Millis ahead, std::uint64_t demand, SteadyTime now, UnixMillis wall);

}  // namespace registry_exporter::ingest
