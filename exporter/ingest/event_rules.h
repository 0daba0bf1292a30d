#pragma once

#include <span>

#include "exporter/ingest/merge_effects.h"
#include "exporter/model/ledger.h"

/// What a finished record adds to the counters, histograms and last ends of its owner. Pure.
namespace registry_exporter::ingest {

/// When it ended; when it was seen if that is not told, or lies ahead of the server's clock.
UnixMillis placed_end(const Record& record, const MergeContext& context);

/// A record was met as finished, whether it counts or not.
void note_finished(Ledger& ledger, const Record& record, const MergeContext& context);
/// Counts a record for its list, or for the share of its owner.
void count_event(Ledger& ledger, const Record& record, const MergeContext& context,
                 MergeEffects& effects);

/// Each status that a finished record was met with gets its histogram, at 0, whether such records
/// counted or not; `hold`: the zero has to be seen first. True: there was one to add.
bool add_histograms(Ledger& ledger, std::span<const double> bucket_bounds, bool hold);

}  // namespace registry_exporter::ingest
