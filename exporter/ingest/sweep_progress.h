#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "exporter/model/record.h"

namespace registry_exporter::ingest {

/// What is kept of a list's sweeps between visits, in memory only.
struct SweepProgress {
  std::vector<RecordKey> met;  ///< By the sweep under way. Sorted.
  bool whole = false;          ///< `met` begins with the sweep's first page: no restart in between.
  /// Records that the total promised beyond those met, at the last sweep that ended so.
  std::optional<std::uint64_t> missing_before;
  int unclean = 0;       ///< Sweeps in a row that did not agree with the total.
  int false_alarms = 0;  ///< Sweeps in a row that a total asked for and that found nothing.
  /// The row whose page failed last, for a reason that may pass, and how often in a row.
  std::optional<std::uint64_t> failed_row;
  int failed_times = 0;
  /// Open records whose reading by id is refused, or failed twice in a row: until a sweep ends,
  /// they are looked for in the list.
  std::vector<RecordKey> refused_ids;
  std::vector<RecordKey> failed_ids;  ///< Open records whose last reading by id failed.
};

}  // namespace registry_exporter::ingest
