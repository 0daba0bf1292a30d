#pragma once

#include <cstdint>
#include <optional>

#include "exporter/model/list_end.h"

namespace registry_exporter::ingest {

/// What the pages of one walk say how many rows the list has, and whether that can be true. Pure.
class ListTotals {
 public:
  /// What the first page of the walk said, in this visit or an earlier one.
  void set_first(std::optional<std::uint64_t> total) { first_ = total; }
  /// `page_size`: changes of no more than this between two pages are believed.
  void add(const PageSeen& page, int page_size);

  const std::optional<std::uint64_t>& first() const { return first_; }
  const std::optional<std::uint64_t>& last() const { return last_; }
  bool lie() const { return lie_; }

 private:
  std::optional<std::uint64_t> first_;
  std::optional<std::uint64_t> last_;
  bool rose_ = false;  ///< By more than a page, from one page to the next.
  bool fell_ = false;
  bool lie_ = false;
};

}  // namespace registry_exporter::ingest
