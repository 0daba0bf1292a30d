#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "exporter/model/ledger.h"
#include "exporter/model/record.h"
#include "exporter/model/registry_state.h"
#include "exporter/model/stream_kind.h"

/// What merging a record into a ledger is told, and what it tells. Pure values.
namespace registry_exporter::ingest {

/// What merging needs to know besides the record.
struct MergeContext {
  const StreamKind* kind = &kBuilds;
  /// The server's time of the answer, or ours: "when first seen".
  UnixMillis seen_at;
  /// Seconds, strictly increasing.
  std::span<const double> bucket_bounds;
  /// New series show 0 first; false while the repository's series aren't shown at all yet.
  bool hold_new_series = true;
};

/// One build that was observed in a histogram bucket: for exemplars.
struct Observation {
  Outcome outcome = Outcome::success;
  std::size_t bucket = 0;
  std::string id;
  Millis duration{0};
  UnixMillis ended_at;
};

/// What became of one record of a feed, for the share of its owner.
struct Step {
  Record record;                   ///< As listed; of a vanished one what is known of it.
  std::optional<RecordClass> was;  ///< It was closed; else it was open or unknown.
  std::optional<RecordClass> is;   ///< It is closed; else it is open.
  UnixMillis placed_at;
};

/// What a record that counted adds to something else.
struct PartStep {
  Part part;
  UnixMillis ended_at;
};

/// What merging did besides changing the ledger.
struct MergeEffects {
  std::array<std::uint64_t, kRecordClasses> records{};  ///< Records put into each class.
  std::array<std::uint64_t, kInvalidDurations> invalid_durations{};
  std::vector<Observation> observations;
  std::vector<ClosedRecord> closed;  ///< New or reclassified: to be saved.
  bool closed_removed = false;       ///< A closed record is gone: save all of them.
  std::uint64_t history_gaps = 0;
  bool changed = false;         ///< Anything at all changed in the ledger.
  std::vector<Step> steps;      ///< Of a feed.
  std::vector<PartStep> parts;  ///< Of StreamKind::parts.
  UnixMillis seen_at;           ///< When they were seen.
};

}  // namespace registry_exporter::ingest
