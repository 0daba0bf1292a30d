#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "exporter/model/cloud.h"
#include "exporter/model/history.h"

namespace registry_exporter::ingest {

/// Records whose details could not be read.
struct MissingDetails {
  std::size_t records = 0;
  std::string reason;  ///< Of the newest of them.
  /// Everything of what began at or after it is there. nullopt: no such time can be named.
  std::optional<UnixMillis> whole_since;
};

/// Reads what records of a list added to others, where the list does not tell it
/// (PastRecord::id_of_details), the newest first. What fails is tried again some times, after
/// `pause`. Pure but for the cloud.
MissingDetails read_details(Cloud& cloud, const ListRef& list, std::vector<PastRecord>& records,
                            const std::function<void(Millis)>& pause);

}  // namespace registry_exporter::ingest
