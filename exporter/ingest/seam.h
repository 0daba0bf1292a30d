#pragma once

#include <map>
#include <string>
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
  /// No exporter counts: all that has ended is the past, also what tells no time.
  bool all_is_past = false;
};

/// With the clocks of this machine (`state_created_at`: the process began) and of the server
/// (`registry_created_at`: the registry was first listed), for a registry that an exporter knows.
Seam seam_with_live(UnixMillis state_created_at, UnixMillis registry_created_at,
                    bool live_begins_at_zero);

/// Whether a record belongs to the past. `ledger`: what the exporter knows of its list, or nullptr.
/// Baseline is past. What the exporter counted, follows or will count is live, even if it ended
/// early and was listed late. With `initial_history: count`, counted history is past, too, but
/// nothing that was never counted: a past larger than the first live value would look like a reset.
bool is_past(const PastRecord& record, const Ledger* ledger, const Seam& seam);

/// Nothing tells where a record belongs: it has no time, and no exporter has read its list.
bool is_undecided(const PastRecord& record, const Ledger* ledger, const Seam& seam);

/// What of a list belongs to the past, sorted. What ended while the first reading was under way
/// counts at the seam. A record without a usable end counts when it started; one without any time,
/// if it is of the past, at the seam.
std::vector<PastEvent> events_before(const std::vector<PastRecord>& records, const Ledger* ledger,
                                     const Seam& seam, bool has_durations);

/// What these records added to others, at the same times, by the owners' full names.
std::map<std::string, RepositoryHistory> parts_before(const std::vector<PastRecord>& records,
                                                      const Ledger* ledger, const Seam& seam);

}  // namespace registry_exporter::ingest
