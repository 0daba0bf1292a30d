#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "exporter/base/clock.h"
#include "exporter/model/ledger.h"
#include "exporter/model/record.h"
#include "exporter/model/repository.h"
#include "exporter/model/stream_kind.h"

namespace registry_exporter {

/// Why a build's duration could not be observed.
enum class InvalidDuration : std::uint8_t { negative, missing };
inline constexpr std::size_t kInvalidDurations = 2;

/// A client that scrapes, as a hash of its address and User-Agent.
using ScraperId = std::uint64_t;
struct RecentScraper {
  ScraperId id = 0;
  UnixMillis at;  ///< When it was last here, to the minute.
  bool operator==(const RecentScraper&) const = default;
};

/// What survives a restart of one registry, besides its repositories.
struct RegistryState {
  /// name + type + (instance_id, or region and project): another identity is another registry.
  /// Ends in a line break while the project is not known.
  std::string identity;
  /// The registry's first start, by the `Date` of its first discovery's answer.
  std::optional<UnixMillis> created_at;
  /// Filters and shard numbers that the last complete discovery went by. Another value: the next
  /// complete discovery marks the repositories that come in with it as baseline.
  std::string discovery_scope;
  bool discovered = false;            ///< There was a complete discovery with `discovery_scope`.
  std::vector<double> bucket_bounds;  ///< Seconds; that the stored histograms were counted by.

  // Counters of the registry; never fall.
  std::array<std::uint64_t, kRecordClasses> records{};  ///< Records ever put into a class.
  std::array<std::uint64_t, kRejections> rejected{};
  std::array<std::uint64_t, kInvalidDurations> invalid_durations{};
  std::uint64_t history_gaps = 0;
  std::optional<UnixMillis> last_success;  ///< End of the last cycle that left nothing unread.
  /// Those that the next process waits for before a new series shows increments.
  std::vector<RecentScraper> scrapers;
  bool operator==(const RegistryState&) const = default;
};

/// The one kind that a type of registry had before there were several, by RegistryState::identity.
inline const StreamKind& first_kind(const std::string& identity) {
  const std::size_t type = identity.find('\n') + 1;
  return identity.compare(type, 4, "acr\n") == 0 ? kBuilds : kDeletions;
}

/// What survives a restart of one repository's records of one kind: of its list, or of its share of
/// a feed. A feed is one of these, too, without a name.
struct RepositoryState {
  RepositoryRef ref;
  /// nullptr: not told. Before there were several, each type of registry had one.
  const StreamKind* kind = nullptr;
  bool dropped = false;  ///< Not listed by two complete discoveries: no series, ids remembered.
  std::uint8_t passes_missed = 0;  ///< Complete discoveries in a row that did not list it.
  bool excluded = false;           ///< No longer matched by the filters: no series, ids remembered.
  bool hidden = false;    ///< Counted history: no series before its first complete reading.
  bool unlisted = false;  ///< Of a share: a record named it, no discovery has listed it yet.
  /// Of a feed: the filters, the shards or what is collected changed then. Records of owners that
  /// come in with it are history if they ended before.
  std::optional<UnixMillis> scope_changed_at;
  Ledger ledger;
  bool operator==(const RepositoryState&) const = default;
};

/// One list for all owners. It is read, and has no series of its own.
inline bool is_feed(const RepositoryState& state) {
  return state.kind->feeds_shares() && state.ref.name.empty();
}
/// It has series, and is not read.
inline bool is_share(const RepositoryState& state) {
  return !state.kind->has_own_lists() && !is_feed(state);
}

}  // namespace registry_exporter
