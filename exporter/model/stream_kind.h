#pragma once

#include <span>
#include <string_view>

#include "exporter/model/record.h"

namespace registry_exporter {

/// What a stream of records is: all that the ledger, the reader, the schedule and the exposition
/// need to know of it. A value for each kind, and one list of a cloud for each stream.
///
/// A new kind is a codec in the cloud's folder, a value here and its families in the exposition.
struct StreamKind {
  std::string_view name;                ///< What the records are, in the plural: "builds".
  std::span<const Outcome> outcomes{};  ///< How a record can end, in the order of the exposition.
  bool has_durations = false;           ///< Records start and end: there are histograms.
  bool has_point_reads = false;         ///< The cloud can be asked for one record by its id.
};

inline constexpr Outcome kBuildOutcomes[] = {Outcome::success, Outcome::failed, Outcome::canceled,
                                             Outcome::other};
inline constexpr Outcome kDeletionOutcomes[] = {Outcome::date_rule, Outcome::tag_rule,
                                                Outcome::other};

/// Image builds of an ACR repository.
inline constexpr StreamKind kBuilds{"builds", kBuildOutcomes, true, true};
/// Tags of an SWR repository that retention deleted.
inline constexpr StreamKind kDeletions{"deletions", kDeletionOutcomes, false, false};

}  // namespace registry_exporter
