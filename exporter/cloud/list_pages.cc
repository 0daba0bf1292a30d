#include "exporter/cloud/list_pages.h"

namespace registry_exporter::cloud {
namespace {

/// The same page for ever has no end to come to.
constexpr int kStalePagesMax = 2;
/// That nothing at all is listed is believed when a total says so, or when it is said twice.
constexpr int kEmptyListsBelieved = 2;

}  // namespace

void ListPages::take(PageSeen page, std::size_t fresh) {
  if (page.total) total_ = page.total;
  page.total = total_;  // Where rows tell it, a page without rows can't.
  const bool first = page.asked.index == 0;
  if (first) first_rows_ = page.rows;
  if (first && page.rows == 0) ++empty_lists_;
  const bool doubtful = first && page.rows == 0 && !page.total;
  const bool ends = list_end(page, short_below_) == ListEnd::here &&
                    (!doubtful || empty_lists_ >= kEmptyListsBelieved);
  const bool signs = signs_.saw(page);
  if (page.rows > 0 && fresh == 0) ++stale_pages_;
  whole_ = ends || signs || shows_all_at_once(page, first_rows_, fresh);
  over_ = whole_ || stale_pages_ >= kStalePagesMax;
  size_ = next_page_size(page);
  if (!signs_.same_again()) ++index_;
}

}  // namespace registry_exporter::cloud
