#pragma once

#include <span>
#include <vector>

#include "exporter/ingest/merge_effects.h"
#include "exporter/model/ledger.h"
#include "exporter/model/registry_state.h"
#include "exporter/model/stream_kind.h"

/// How records become counts: the rules of "exactly once". Pure.
///
/// Each known record is open or in exactly one class of RecordClass. Whatever order, repetition or
/// contradiction the pages come in, a record is counted at most once: a class is left only by
/// `vanished` (when the record comes back), and ids are forgotten only below a floor that never
/// falls, below which an unknown id is late and never counted.
namespace registry_exporter::ingest {

/// How a record stood in the ledger before this merge.
enum class PriorState { unknown, anchored, unanchored, below_floor };

/// Merges one listed record. Idempotent; indifferent to order.
PriorState merge_record(Ledger& ledger, const Record& record, const MergeContext& context,
                        MergeEffects& effects);

/// Everything met so far is closed off: ends a walk that reached its goal.
void anchor_all(Ledger& ledger);

/// The list is to be read as if it had never been read; counters and ids stay.
void start_over(Ledger& ledger);

bool is_known(const Ledger& ledger, RecordKey key);
bool is_anchored(const Ledger& ledger, RecordKey key);

/// What a record becomes that is met for the first time now, once it has ended. `placed_at`: its
/// start, or what stands in for it. Of a feed, `counted` is baseline if it is not its owner's time.
RecordClass class_when_met(const Ledger& ledger, UnixMillis placed_at,
                           std::optional<UnixMillis> ended_at);

/// A clean sweep met `met` (sorted) of a list. What it is allowed to conclude.
struct SweepFindings {
  std::span<const RecordKey> met;
  UnixMillis started_at;  ///< By the server's clock.
  /// By ours: the floor goes by the earlier one. A `Date` that is wrong for a moment would seal
  /// what is to come.
  UnixMillis own_time = UnixMillis::max();
  Millis lookback{0};
  bool whole = true;           ///< Read to the end, not only down to the horizon.
  bool met_is_whole = true;    ///< `met` covers the whole sweep (no restart in between).
  bool left_out_rows = false;  ///< Some could not be read: who was not met may be among them.
  bool point_reads = false;    ///< Open records are also asked for by id,
  std::span<const RecordKey> refused_ids{};  ///< but for these.
  std::size_t kept_below = 100;  ///< Newest unmet records below the floor that stay remembered.
};

/// Raises the floor, forgets what is below it and no longer met, closes open records that two clean
/// sweeps in a row did not meet as vanished.
void conclude_sweep(Ledger& ledger, const SweepFindings& findings, MergeEffects& effects);

/// |known − Σ present − open| + |Σ counters − counted|: 0 when the books balance.
std::uint64_t imbalance(const Ledger& ledger);

}  // namespace registry_exporter::ingest
