#pragma once

#include <span>

#include "exporter/ingest/merge_effects.h"
#include "exporter/model/ledger.h"

/// What a finished record adds to the counters, histograms and last ends of its owner. Pure.
namespace registry_exporter::ingest {

/// An end further ahead of the server's clock than this tells no time.
inline constexpr std::chrono::minutes kEndAheadMax{5};

/// When it ended; when it was seen if that is not told, or lies ahead of the server's clock.
UnixMillis placed_end(const Record& record, const MergeContext& context);

/// What a histogram observes; nullopt: a time is missing, or it ended before it began.
std::optional<Millis> valid_duration(const Record& record);

/// A record was met as finished, whether it counts or not.
void note_finished(Ledger& ledger, const Record& record, const MergeContext& context);
/// Counts a record for its list, or for the share of its owner.
void count_event(Ledger& ledger, const Record& record, const MergeContext& context,
                 MergeEffects& effects);

/// Adds an empty histogram for each status seen on finished records, counted or not; `hold`: its
/// zero has to be seen first. Returns true if one was added.
bool add_histograms(Ledger& ledger, std::span<const double> bucket_bounds, bool hold);

}  // namespace registry_exporter::ingest
