#include "exporter/ingest/plan.h"

#include <algorithm>
#include <numeric>

#include "exporter/base/check.h"
#include "exporter/ingest/tracked_list.h"

namespace registry_exporter::ingest {
namespace {

constexpr std::uint64_t kFairShare = 3;

// Orders of a heap: the greatest comes out first. Of equals, the one that was listed first.

auto by_urgency(const std::vector<Plan::Item>& items) {
  return [&items](std::size_t a, std::size_t b) {
    if (more_urgent(items[b].due, items[a].due)) return true;
    return !more_urgent(items[a].due, items[b].due) && a > b;
  };
}

auto by_visit(const std::vector<Plan::Item>& items) {
  return [&items](std::size_t a, std::size_t b) {
    return items[a].visited_at != items[b].visited_at ? items[a].visited_at > items[b].visited_at
                                                      : a > b;
  };
}

}  // namespace

void Plan::renew(std::vector<Item> items) {
  items_ = std::move(items);
  last_.clear();
  left_.clear();
  for (const Item& item : items_) ++left_[item.demand];
  taken_.assign(items_.size(), false);
  by_urgency_.resize(items_.size());
  std::iota(by_urgency_.begin(), by_urgency_.end(), std::size_t{0});
  by_visit_ = by_urgency_;
  std::make_heap(by_urgency_.begin(), by_urgency_.end(), by_urgency(items_));
  std::make_heap(by_visit_.begin(), by_visit_.end(), by_visit(items_));
}

void Plan::add(const Item& item) {
  by_urgency_.push_back(items_.size());
  by_visit_.push_back(items_.size());
  items_.push_back(item);
  taken_.push_back(false);
  ++left_[item.demand];
  std::push_heap(by_urgency_.begin(), by_urgency_.end(), by_urgency(items_));
  std::push_heap(by_visit_.begin(), by_visit_.end(), by_visit(items_));
}

void Plan::clear() {
  for (const Item& item : items_) item.list->schedule.planned.reset();
  for (const Item& item : last_) item.list->schedule.planned.reset();
  renew({});
}

void Plan::put_last(const Item& item) {
  ++left_[item.demand];
  last_.push_back(item);
}

std::optional<Plan::Item> Plan::take() {
  const bool fair = ++picks_ % kFairShare == 0;
  std::vector<std::size_t>& heap = fair ? by_visit_ : by_urgency_;
  std::optional<Item> next;
  while (!next && !heap.empty()) {
    fair ? std::pop_heap(heap.begin(), heap.end(), by_visit(items_))
         : std::pop_heap(heap.begin(), heap.end(), by_urgency(items_));
    if (!taken_[heap.back()]) next = items_[heap.back()];
    taken_[heap.back()] = true;
    heap.pop_back();
  }
  if (!next && !last_.empty()) {
    next = last_.front();
    last_.pop_front();
  }
  if (!next) return next;
  CHECK_RULE(left_.contains(next->demand));
  if (--left_[next->demand] == 0) left_.erase(next->demand);
  return next;
}

}  // namespace registry_exporter::ingest
