#include "exporter/ingest/end_search.h"

namespace registry_exporter::ingest {

bool EndSearch::is_end(const PageSeen& page, std::size_t fresh, const Rules& rules) {
  const bool signs = signs_.saw(page);
  const bool all_at_once = first_rows_ && shows_all_at_once(page, *first_rows_, fresh);
  if (signs || all_at_once) return true;
  const ListEnd end = list_end(page, rules.short_below);
  const bool later_and_short = page.asked.index > 0 && page.rows > 0 &&
                               page.rows < static_cast<std::size_t>(page.asked.size);
  const bool is_doubtful = rules.proves_later_end || end == ListEnd::not_yet;
  if (later_and_short && is_doubtful && rules.may_ask_behind && !short_page_) {
    short_page_ = ShortPage{page.asked, page.rows};
    return false;
  }
  return end == ListEnd::here;
}

PageRequest EndSearch::next(const PageSeen& page) {
  if (short_page_) return next_behind_short_page(page);
  if (signs_.same_again()) return page.asked;
  const int size = next_page_size(page);
  if (size != page.asked.size) first_rows_ = page.rows;
  return {page.asked.index + 1, size};
}

/// No row behind the short page ends the list. A row there means that the server's own limit is
/// smaller than it was: on with pages of that size, from the rows that were read before.
PageRequest EndSearch::next_behind_short_page(const PageSeen& page) {
  const std::uint64_t behind = first_row(short_page_->asked) + short_page_->rows;
  const bool asked = page.asked.size == 1 && first_row(page.asked) == behind;
  if (!asked) return {static_cast<int>(behind), 1};
  if (page.rows == 0) return page.asked;
  const PageRequest next{static_cast<int>(first_row(short_page_->asked) / short_page_->rows),
                         static_cast<int>(short_page_->rows)};
  short_page_.reset();
  return next;
}

}  // namespace registry_exporter::ingest
