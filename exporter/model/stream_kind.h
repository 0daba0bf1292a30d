#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "exporter/model/record.h"

namespace registry_exporter {

/// Whose records one list of the cloud holds.
enum class ListScope : std::uint8_t {
  repository,  ///< Of one owner, as a rule a repository: there is a list for each.
  instance,    ///< Of all owners: one list, a *feed*, whose records name their owner.
  none,        ///< There is no list: records of another kind bring it along (StreamKind::parts).
};

/// What a stream of records is: all that the ledger, the reader, the schedule and the exposition
/// need to know of it. A value for each kind, and one list of a cloud for each stream.
///
/// A new kind is a value here, a codec in the cloud's folder and its families in the exposition.
/// ARCHITECTURE.md lists what else has to know of it.
struct StreamKind {
  std::uint8_t number = 0;              ///< Stored in the state: never changed, never used again.
  std::string_view name;                ///< What the records are, in the plural: "builds".
  std::span<const Outcome> outcomes{};  ///< How a record can end, in the order of the exposition.
  bool has_durations = false;           ///< Records start and end: there are histograms.
  bool has_point_reads = false;         ///< The cloud can be asked for one record by its id.
  ListScope scope = ListScope::repository;
  /// Series appear with the first record, not with the repository: most never have one.
  bool from_first_record = false;
  OwnerType owner = OwnerType::repository;  ///< Who has the series.
  const StreamKind* parts = nullptr;        ///< What a record adds to when it counts.
  const StreamKind* shown_as = nullptr;     ///< Its series are those of this kind.

  /// One list for all: each repository has a share of it, and the series are the share's.
  bool feeds_shares() const { return scope == ListScope::instance; }
  /// Each owner has a list, which is read.
  bool has_own_lists() const { return scope == ListScope::repository; }
};

/// Of one registry.
inline constexpr std::size_t kKindsMax = 4;

inline constexpr Outcome kBuildOutcomes[] = {Outcome::success, Outcome::failed, Outcome::canceled,
                                             Outcome::other};
inline constexpr Outcome kExecutionOutcomes[] = {Outcome::success, Outcome::failed,
                                                 Outcome::stopped, Outcome::other};
inline constexpr Outcome kArtifactOutcomes[] = {Outcome::success, Outcome::failed,
                                                Outcome::stopped};
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

/// Tags of an SWR Enterprise repository that executions of retention deleted.
inline constexpr StreamKind kRetentionDeletions{.number = 7,
                                                .name = "deletions",
                                                .outcomes = kDeletionOutcomes,
                                                .scope = ListScope::none,
                                                .shown_as = &kDeletions};
/// Executions of the retention policy of an SWR Enterprise namespace. The list does not tell what
/// was deleted: each is read once more when it has ended.
inline constexpr StreamKind kRetentions{.number = 5,
                                        .name = "retentions",
                                        .outcomes = kExecutionOutcomes,
                                        .has_durations = true,
                                        .has_point_reads = true,
                                        .owner = OwnerType::repo_namespace,
                                        .parts = &kRetentionDeletions};
/// Artifacts processed by executions of an SWR Enterprise replication policy.
inline constexpr StreamKind kReplicatedArtifacts{.number = 8,
                                                 .name = "artifacts",
                                                 .outcomes = kArtifactOutcomes,
                                                 .scope = ListScope::none,
                                                 .owner = OwnerType::policy};
/// Executions of the replication policies of an SWR Enterprise instance.
inline constexpr StreamKind kReplications{.number = 6,
                                          .name = "replications",
                                          .outcomes = kExecutionOutcomes,
                                          .has_durations = true,
                                          .scope = ListScope::instance,
                                          .owner = OwnerType::policy,
                                          .parts = &kReplicatedArtifacts};

/// The kind with this number; nullptr: there is none.
constexpr const StreamKind* stream_kind(std::uint8_t number) {
  for (const StreamKind* kind : {&kBuilds, &kDeletions, &kAcrSyncs, &kSwrSyncs, &kRetentions,
                                 &kReplications, &kRetentionDeletions, &kReplicatedArtifacts}) {
    if (kind->number == number) return kind;
  }
  return nullptr;
}

/// The kind whose lists bring the series of `kind` along; nullptr: none does.
constexpr const StreamKind* source_kind(const StreamKind& kind) {
  if (kind.scope != ListScope::none)
    return kind.feeds_shares() ? stream_kind(kind.number) : nullptr;
  for (const StreamKind* each : {&kRetentions, &kReplications}) {
    if (each->parts->number == kind.number) return each;
  }
  return nullptr;
}

}  // namespace registry_exporter
