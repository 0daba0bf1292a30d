#include "exporter/model/list_end.h"

#include <utility>

namespace registry_exporter {
namespace {

constexpr int kEmptyPagesBelieved = 3;

}  // namespace

ListEnd list_end(const PageSeen& page, std::size_t short_below) {
  const auto size = static_cast<std::uint64_t>(page.asked.size);
  const std::uint64_t read = first_row(page.asked) + page.rows;
  const bool more_promised = page.total && *page.total > read;
  if (page.rows == 0) return more_promised ? ListEnd::unproven : ListEnd::here;
  const bool full = page.rows >= size ||
                    (page.size_told && page.rows >= static_cast<std::size_t>(*page.size_told));
  if (full || more_promised) return ListEnd::not_yet;
  const bool may_be_cut = page.asked.index == 0 && page.rows >= short_below;
  return may_be_cut ? ListEnd::unproven : ListEnd::here;
}

int next_page_size(const PageSeen& page) {
  const bool cut_short = page.asked.index == 0 && page.rows > 0 &&
                         page.rows < static_cast<std::size_t>(page.asked.size);
  return cut_short ? static_cast<int>(page.rows) : page.asked.size;
}

bool SignsOfEnd::saw(const PageSeen& page) {
  const bool was_short =
      std::exchange(short_, page.rows > 0 && page.asked.index > 0 &&
                                page.rows < static_cast<std::size_t>(page.asked.size));
  empty_ = page.rows == 0 ? empty_ + 1 : 0;
  return (was_short && empty_ > 0) || empty_ >= kEmptyPagesBelieved;
}

bool shows_all_at_once(const PageSeen& second, std::size_t rows, std::size_t fresh) {
  return second.asked.index == 1 && fresh == 0 && second.rows == rows && second.total &&
         *second.total <= rows;
}

void PageLimit::saw(std::size_t rows, SteadyTime now) {
  if (rows < short_below(now)) return;
  rows_ = rows;
  seen_at_ = now;
}

std::size_t PageLimit::short_below(SteadyTime now) const {
  return now - seen_at_ <= trusted_for_ ? rows_ : 0;
}

}  // namespace registry_exporter
