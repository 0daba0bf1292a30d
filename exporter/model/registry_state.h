#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "exporter/base/clock.h"
#include "exporter/model/ledger.h"
#include "exporter/model/record.h"
#include "exporter/model/repository.h"

namespace registry_exporter {

/// Why a build's duration could not be observed.
enum class InvalidDuration : std::uint8_t { negative, missing };
inline constexpr std::size_t kInvalidDurations = 2;

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
  bool operator==(const RegistryState&) const = default;
};

/// What survives a restart of one repository.
struct RepositoryState {
  RepositoryRef ref;
  bool dropped = false;  ///< Not listed by two complete discoveries: no series, ids remembered.
  std::uint8_t passes_missed = 0;  ///< Complete discoveries in a row that did not list it.
  bool excluded = false;           ///< No longer matched by the filters: no series, ids remembered.
  bool hidden = false;  ///< Counted history: no series before its first complete reading.
  Ledger ledger;
  bool operator==(const RepositoryState&) const = default;
};

}  // namespace registry_exporter
