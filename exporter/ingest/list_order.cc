#include "exporter/ingest/list_order.h"

#include <algorithm>

namespace registry_exporter::ingest {
namespace {

/// One direction must outnumber the other this many times to be an order.
constexpr std::uint64_t kOrderMajority = 9;
/// On one page, where a few builds that began at almost the same time weigh more.
constexpr std::uint64_t kPageMajority = 3;

bool outnumbers(std::uint64_t many, std::uint64_t few, std::uint64_t times) {
  return many >= times * few;
}

}  // namespace

void PageStarts::add(UnixMillis start, std::optional<UnixMillis> before) {
  if (before && start < *before) ++descending;
  if (before && start > *before) ++ascending;
  newest = std::max(newest.value_or(start), start);
  oldest = std::min(oldest.value_or(start), start);
}

bool is_proven(ListOrder order) {
  return order == ListOrder::newest_first || order == ListOrder::oldest_first;
}

ListOrder judge_order(std::uint64_t descending, std::uint64_t ascending) {
  if (descending + ascending == 0) return ListOrder::unknown;
  if (outnumbers(descending, ascending, kOrderMajority)) return ListOrder::newest_first;
  if (outnumbers(ascending, descending, kOrderMajority)) return ListOrder::oldest_first;
  return ListOrder::unordered;
}

bool contradicts_order(const PageStarts& page, bool is_head, const Ledger& ledger) {
  if (ledger.order == ListOrder::oldest_first) {
    return !outnumbers(page.ascending, page.descending, kPageMajority);
  }
  const bool head_went_back =
      is_head && ledger.newest_listed && page.newest.value_or(UnixMillis{}) < *ledger.newest_listed;
  return !outnumbers(page.descending, page.ascending, kPageMajority) || head_went_back;
}

}  // namespace registry_exporter::ingest
