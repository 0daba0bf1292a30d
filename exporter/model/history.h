#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/model/record.h"
#include "exporter/model/repository.h"
#include "exporter/model/stream_kind.h"

/// What lists tell of the past, for samples with the events' own times.
namespace registry_exporter {

/// A finished record as its list shows it.
struct PastRecord {
  RecordKey key = 0;
  std::optional<UnixMillis> started_at;
  std::optional<UnixMillis> ended_at;  ///< Unset where it lies in the future.
  Outcome outcome = Outcome::other;
  std::optional<RepositoryRef> owner{};  ///< In a list of the whole registry: whose it is.
  std::vector<Part> parts{};             ///< What it adds to others.
  /// Set where only a reading of the record by this id tells the parts.
  std::string id_of_details{};
  std::optional<Millis> duration{};  ///< As a histogram observes it.
  bool operator==(const PastRecord&) const = default;
};

/// What a record adds to the counters, and when.
struct PastEvent {
  UnixMillis at;
  Outcome outcome = Outcome::other;
  std::optional<Millis> duration;  ///< Set where it is observed in a histogram.
  std::uint64_t amount = 1;
  bool operator==(const PastEvent&) const = default;
};

/// Of a repository, a namespace or a policy.
struct RepositoryHistory {
  RepositoryRef ref;
  std::vector<PastEvent> events;  ///< Sorted by time; none after `until` of the registry.
};

struct RegistryHistory {
  std::string name;
  const StreamKind* kind = &kBuilds;
  UnixMillis until;  ///< From here on live samples may follow.
  std::vector<RepositoryHistory> repositories;
};

}  // namespace registry_exporter
