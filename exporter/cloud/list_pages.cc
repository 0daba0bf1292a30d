#include "exporter/cloud/list_pages.h"

namespace registry_exporter {
namespace {

/// The same page for ever has no end to come to.
constexpr int kStalePagesMax = 2;

}  // namespace

void ListPages::take(const PageSeen& page, std::size_t fresh) {
  const ListEnd end = list_end(page, short_below_);
  const bool first = page.asked.index == 0;
  const bool is_short = page.rows < static_cast<std::size_t>(page.asked.size);
  const bool sign = page.rows == 0 || (is_short && !first);
  signs_of_end_ = sign ? signs_of_end_ + 1 : 0;
  if (page.rows > 0 && fresh == 0) ++stale_pages_;
  whole_ = end == ListEnd::here || signs_of_end_ >= 2;
  over_ = whole_ || stale_pages_ >= kStalePagesMax;
  size_ = next_page_size(page);
  if (page.rows > 0) ++index_;  // A page without rows is read once more before it is believed.
}

}  // namespace registry_exporter
