#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "exporter/model/record.h"

namespace registry_exporter {

/// Whose records one list of the cloud holds.
enum class ListScope : std::uint8_t {
  repository,  ///< Of one repository: there is a list for each.
  instance,    ///< Of all repositories: one list, a *feed*, whose records name their owner.
};

/// What a stream of records is: all that the ledger, the reader, the schedule and the exposition
/// need to know of it. A value for each kind, and one list of a cloud for each stream.
///
/// A new kind is a codec in the cloud's folder, a value here and its families in the exposition.
struct StreamKind {
  std::uint8_t number = 0;              ///< Stored in the state: never changed, never used again.
  std::string_view name;                ///< What the records are, in the plural: "builds".
  std::span<const Outcome> outcomes{};  ///< How a record can end, in the order of the exposition.
  bool has_durations = false;           ///< Records start and end: there are histograms.
  bool has_point_reads = false;         ///< The cloud can be asked for one record by its id.
  ListScope scope = ListScope::repository;
  /// Series appear with the first record, not with the repository: most never have one.
  bool from_first_record = false;

  /// One list for all: each repository has a share of it, and the series are the share's.
  bool feeds_shares() const { return scope == ListScope::instance; }
};

/// Of one registry.
inline constexpr std::size_t kKindsMax = 4;

inline constexpr Outcome kBuildOutcomes[] = {Outcome::success, Outcome::failed, Outcome::canceled,
                                             Outcome::other};
inline constexpr Outcome kDeletionOutcomes[] = {Outcome::date_rule, Outcome::tag_rule,
                                                Outcome::other};

/// Image builds of an ACR repository.
inline constexpr StreamKind kBuilds{1, "builds", kBuildOutcomes, true, true};
/// Tags of an SWR repository that retention deleted.
inline constexpr StreamKind kDeletions{2, "deletions", kDeletionOutcomes};
/// Image synchronisation tasks of an ACR instance.
inline constexpr StreamKind kAcrSyncs{
    3, "syncs", kBuildOutcomes, true, false, ListScope::instance, true};
/// Image synchronisation jobs of an SWR repository.
inline constexpr StreamKind kSwrSyncs{
    4, "syncs", kBuildOutcomes, true, false, ListScope::repository, true};

/// The kind with this number; nullptr: there is none.
constexpr const StreamKind* stream_kind(std::uint8_t number) {
  for (const StreamKind* kind : {&kBuilds, &kDeletions, &kAcrSyncs, &kSwrSyncs}) {
    if (kind->number == number) return kind;
  }
  return nullptr;
}

}  // namespace registry_exporter
