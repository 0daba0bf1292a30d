#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/copy_on_write.h"
#include "exporter/base/result.h"
#include "exporter/model/ledger.h"
#include "exporter/model/registry_state.h"
#include "exporter/model/stream_kind.h"

namespace registry_exporter {

/// Each matched repository is in exactly one.
enum class Freshness : std::uint8_t {
  fresh,    ///< Read within max_staleness.
  stale,    ///< Not.
  failing,  ///< Its newest reading failed.
  pending,  ///< Never read yet.
  dropped,  ///< Over max_repositories: not read, no series.
};
inline constexpr std::size_t kFreshness = 5;
std::string_view name(Freshness freshness);

/// The build that last fell into a bucket.
struct Exemplar {
  std::string build_record_id;
  double seconds = 0;
  UnixMillis ended_at;
};

/// By bucket (the last is +Inf); none: no build fell into it yet.
using Exemplars = std::vector<std::optional<Exemplar>>;

/// Everything a scrape shows of one repository, as of a commit. Immutable once published; shared
/// between snapshots while nothing changes.
struct RepositoryView {
  RepositoryRef ref;
  bool is_share = false;                          ///< Of a feed: it is not read itself.
  bool hidden = false;                            ///< Its event counters don't show yet.
  std::shared_ptr<const EventCounters> counters;  ///< As committed.
  PerOutcome<bool> events_held;                   ///< Have to show 0 first, as committed.
  PerOutcome<bool> durations_held;
  PerOutcome<CopyOnWrite<Exemplars>> exemplars;

  std::uint32_t open = 0;
  std::optional<UnixMillis> oldest_open_started_at;
  std::optional<LastBuild> last_build;
  std::uint32_t consecutive_failed = 0;
  PerOutcome<std::optional<UnixMillis>> last_end;
  std::vector<PerOutcome<std::uint32_t>> recent;  ///< Per configured window, in its order.
  PerOutcome<bool> seen;                          ///< Outcomes ever listed.

  std::optional<std::uint64_t> tags;
  std::optional<std::uint64_t> size_bytes;
  std::optional<std::uint64_t> downloads;
  std::vector<RetentionRule> rules;

  std::optional<UnixMillis> last_read;
  /// Counted from 0; set while rows of the list can't be read, though those before them can.
  std::optional<std::uint64_t> first_unreadable_row;
  std::string unreadable_detail;     ///< Why, in words; "" until it was tried by this process.
  std::optional<ErrorKind> failing;  ///< The newest reading failed for this.
  std::string failing_detail;        ///< The same in words.
};

/// How a list that is read stands at `now`.
Freshness freshness_of(const RepositoryView& view, Millis max_staleness, UnixMillis now);

/// What one kind of records shows of a repository: its view, and which counters to show. They lag
/// behind `view->counters` while a zero or an old value has to be seen first.
struct StreamCell {
  std::shared_ptr<const RepositoryView> view;  ///< nullptr: the repository has none of this kind.
  /// nullptr: no series yet (counted history before its first complete reading).
  std::shared_ptr<const EventCounters> shown;
  bool operator==(const StreamCell&) const = default;
};

/// One repository in one snapshot.
struct RepositoryRow {
  std::array<StreamCell, kKindsMax> cells;  ///< By index of RegistrySnapshot::kinds.

  /// Some cell has one.
  const RepositoryView& first_view() const {
    for (const StreamCell& cell : cells) {
      if (cell.view) return *cell.view;
    }
    return *cells.front().view;
  }
  /// Calls `each(view)` for each list that is read for this repository alone.
  template <class Each>
  void for_lists(Each each) const {
    for (const StreamCell& cell : cells) {
      if (cell.view && !cell.view->is_share) each(*cell.view);
    }
  }
  const RepositoryRef& ref() const { return first_view().ref; }
  bool is_repository() const { return owner_type(ref()) == OwnerType::repository; }
  bool is_of(const RepositoryRef& other) const {
    return ref().repo_namespace == other.repo_namespace && ref().name == other.name;
  }
  bool operator==(const RepositoryRow&) const = default;
};

/// A list that is read for all repositories of a registry.
struct FeedView {
  const StreamKind* kind = nullptr;
  std::shared_ptr<const RepositoryView> view;
};

/// Repositories of a registry, by Freshness.
using RepositoryCounts = std::array<std::uint64_t, kFreshness>;

/// One registry as a scrape sees it. Immutable.
struct RegistrySnapshot {
  std::uint64_t version = 0;  ///< Grows with each snapshot of this registry.
  std::string name;
  std::string type;                      ///< Of the registry, as configured: "acr".
  std::vector<const StreamKind*> kinds;  ///< As collected.
  std::vector<RepositoryRow> rows;       ///< Sorted by namespace, then name.
  std::vector<FeedView> feeds;
  /// Listed repositories that have no row because only feeds are read, and none named them yet.
  std::uint64_t without_row = 0;
  RepositoryCounts repositories{};     ///< When it was taken.
  std::uint64_t ledger_imbalance = 0;  ///< Sum over repositories; 0 when the books balance.
  RegistryState state;                 ///< Counters as committed.
  std::map<std::string, std::uint64_t> unknown_statuses;  ///< Raw value → times met; bounded.
  std::optional<double> last_cycle_seconds;
  UnixMillis taken_at;  ///< Windows are as of then.

  /// The index of a kind in `kinds`; nullopt: it is not collected.
  std::optional<std::size_t> cell_of(const StreamKind* kind) const {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      if (kinds[i] == kind || kinds[i]->shown_as == kind) return i;
    }
    return std::nullopt;
  }
};

/// How a repository stands: as the worst of the lists that are read for it alone; where there are
/// none, as that of its namespace, or as the feed.
Freshness freshness_of(const RegistrySnapshot& registry, const RepositoryRow& row,
                       Millis max_staleness, UnixMillis now);

/// Each repository is in one state, at `now`.
RepositoryCounts count_states(const RegistrySnapshot& registry, Millis max_staleness,
                              UnixMillis now);

struct Snapshot {
  std::vector<std::shared_ptr<const RegistrySnapshot>> registries;  ///< In configured order.
};

}  // namespace registry_exporter
