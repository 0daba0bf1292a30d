#pragma once

#include <vector>

#include "exporter/model/history.h"
#include "exporter/model/ledger.h"

/// Where the listed history ends and the live counters of an exporter begin. Pure.
namespace registry_exporter::ingest {

/// Of one registry.
struct Seam {
  UnixMillis at;              ///< No sample of the past is later.
  UnixMillis counting_since;  ///< What ended later is counted live, if it is not baseline.
  /// Baseline: what a ledger has counted is live. Else (`initial_history: count`) the live counters
  /// contain the history, and continue from where the past ends.
  bool live_begins_at_zero = true;
};

/// With the clocks of this machine (`state_created_at`: the process began) and of the server
/// (`registry_created_at`: the registry was first listed), for a registry that an exporter knows.
Seam seam_with_live(UnixMillis state_created_at, UnixMillis registry_created_at,
                    bool live_begins_at_zero);

/// What of a list belongs to the past, sorted. `ledger`: what the exporter knows of the list, or
/// nullptr. What was baseline to it belongs to the past, also where it ended while the first
/// reading was under way: it then counts at the seam. A record without a usable end counts when it
/// started; one without any time counts only as baseline, at the seam.
std::vector<PastEvent> events_before(const std::vector<PastRecord>& records, const Ledger* ledger,
                                     const Seam& seam, bool has_durations);

}  // namespace registry_exporter::ingest
