#pragma once

#include <cstdint>
#include <optional>

#include "exporter/model/ledger.h"

/// In what order a list shows its records. No cloud promises one: neighbours prove it. Pure.
namespace registry_exporter::ingest {

/// When the records of one page started.
struct PageStarts {
  std::uint64_t descending = 0;  ///< Neighbours, newest first.
  std::uint64_t ascending = 0;
  std::optional<UnixMillis> newest;
  std::optional<UnixMillis> oldest;

  /// `before`: the start of the record listed before this one, if that is known.
  void add(UnixMillis start, std::optional<UnixMillis> before);
};

bool is_proven(ListOrder order);
/// By all neighbours that a sweep met.
ListOrder judge_order(std::uint64_t descending, std::uint64_t ascending);

/// Whether a page can't be of a list in the order that the ledger says. `is_head`: the first page.
bool contradicts_order(const PageStarts& page, bool is_head, const Ledger& ledger);

}  // namespace registry_exporter::ingest
