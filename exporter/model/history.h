#pragma once

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
  std::optional<UnixMillis> ended_at;
  Outcome outcome = Outcome::other;
  std::optional<RepositoryRef> owner{};  ///< In a list of the whole registry: whose it is.
  bool operator==(const PastRecord&) const = default;
};

/// What a record adds to the counters, and when.
struct PastEvent {
  UnixMillis at;
  Outcome outcome = Outcome::other;
  std::optional<Millis> duration;  ///< Set where it is observed in a histogram.
  bool operator==(const PastEvent&) const = default;
};

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
