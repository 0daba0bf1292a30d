#include "exporter/ingest/list_totals.h"

namespace registry_exporter::ingest {

/// Two kinds can't be true: far below what was read already, or up and down by more than a page.
void ListTotals::add(const PageSeen& page, int page_size) {
  const auto much = static_cast<std::uint64_t>(page_size);
  const std::uint64_t read = first_row(page.asked) + page.rows;
  lie_ |= page.total && page.rows > 0 && 2 * *page.total <= read;
  if (last_ && page.total) {
    rose_ |= *page.total > *last_ + much;
    fell_ |= *last_ > *page.total + much;
  }
  lie_ |= rose_ && fell_;
  last_ = page.total;
}

}  // namespace registry_exporter::ingest
