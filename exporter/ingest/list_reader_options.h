#pragma once

#include <cstddef>

#include "exporter/base/clock.h"

namespace registry_exporter::ingest {

struct ListReaderOptions {
  int page_size = 100;
  /// Of a walk from the head of a newest-first list: little news is expected. Where it does not
  /// reach an anchor, the walk starts again with `page_size`. 0: the same as that.
  int head_page_size = 0;
  Millis lookback{0};
  UnixMillis own_time = UnixMillis::max();  ///< When the visit begins, by our clock.
  /// Pages in one visit; a longer walk goes on at the next one. Fairness, not a limit.
  int pages_per_visit = 16;
  bool sweep_due = false;
  bool point_reads = false;  ///< Single records may be asked for by id.
  /// A first page of fewer rows is not cut by a limit of the server: see list_end().
  std::size_t short_below = 0;
  bool failed_before = false;  ///< The visit before this one.
  /// The first page has failed often: if one row alone can be read, the page is to blame.
  bool first_page_fails = false;
  /// Rows that could not be read (Ledger::unread_from) are asked for again.
  bool try_unreadable = true;
  /// Ids whose reading is refused (SweepProgress::refused_ids) are asked for again.
  bool retry_ids = false;
};

}  // namespace registry_exporter::ingest
