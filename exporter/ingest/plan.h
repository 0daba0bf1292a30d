#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "exporter/ingest/schedule.h"

namespace registry_exporter::ingest {

struct TrackedList;

/// What is left to read in a cycle, and who is next. Pure.
///
/// The most urgent is next; but every third time it is the one that was visited longest ago,
/// however urgent others are: nobody starves when the rate is too low for all.
class Plan {
 public:
  struct Item {
    TrackedList* list = nullptr;
    std::uint64_t demand = 0;  ///< Of the scrape that it became due for.
    Due due;
    std::optional<SteadyTime> visited_at;
  };

  /// All that is due, in any order; what was planned before is forgotten.
  void renew(std::vector<Item> items);
  void add(const Item& item);
  /// Nothing is left; what was planned is planned no more.
  void clear();
  /// Adds one that waits until all others had their turn.
  void put_last(const Item& item);
  std::optional<Item> take();

  bool empty() const { return left_.empty(); }
  /// Nothing is left that a scrape of this demand waits for.
  bool done_for(std::uint64_t demand) const {
    return left_.empty() || left_.begin()->first > demand;
  }

 private:
  std::vector<Item> items_;
  std::vector<bool> taken_;
  std::vector<std::size_t> by_urgency_;  ///< Heaps of indices into `items_`.
  std::vector<std::size_t> by_visit_;
  std::deque<Item> last_;
  std::map<std::uint64_t, std::size_t> left_;  ///< Items by demand.
  std::uint64_t picks_ = 0;
};

}  // namespace registry_exporter::ingest
