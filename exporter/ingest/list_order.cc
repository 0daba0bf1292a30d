#include "exporter/ingest/list_order.h"

#include <algorithm>

namespace registry_exporter::ingest {
namespace {

/// One direction must outnumber the other this many times to be an order.
constexpr std::uint64_t kOrderMajority = 9;

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
  if (descending >= kOrderMajority * ascending) return ListOrder::newest_first;
  if (ascending >= kOrderMajority * descending) return ListOrder::oldest_first;
  return ListOrder::unordered;
}

bool contradicts_order(const PageStarts& page, bool is_head, const Ledger& ledger) {
  if (ledger.order == ListOrder::oldest_first) return page.descending > page.ascending;
  const bool head_went_back =
      is_head && ledger.newest_listed && page.newest.value_or(UnixMillis{}) < *ledger.newest_listed;
  return page.ascending > page.descending || head_went_back;
}

}  // namespace registry_exporter::ingest
