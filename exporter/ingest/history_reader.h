#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "exporter/model/cloud.h"
#include "exporter/model/history.h"

namespace registry_exporter::ingest {

/// A list as it was read once, from its head to its end.
struct ListHistory {
  std::vector<PastRecord> records;  ///< Finished ones, each once.
  /// Set if something of the list is missing.
  std::optional<Error> cut_off;
  /// Then: everything that began at or after it is there. nullopt: no such time can be named.
  std::optional<UnixMillis> whole_since;
};

struct HistoryReading {
  int page_size = 100;
  UnixMillis now;                     ///< Where an answer has no time of its own.
  std::function<void(Millis)> pause;  ///< Waits before a failed page is asked for again.
};

/// Reads all of a list, by the rules of a first reading: the server's own limit of a page, totals
/// that are missing or wrong, and rows that can't be read hide nothing else. What fails is tried
/// again some times. Pure but for the cloud.
ListHistory read_history(Cloud& cloud, const ListRef& list, const HistoryReading& options);

}  // namespace registry_exporter::ingest
