#include "exporter/ingest/unreadable_page.h"

#include <algorithm>
#include <array>
#include <utility>

namespace registry_exporter::ingest {
namespace {

/// Smaller pages than a sixteenth of the one that was refused cost more calls than their rows are
/// worth.
constexpr int kSplitMax = 16;
/// Rows of one page that can't be read before it is asked whether the list goes on behind it.
constexpr int kRowsFailedDoubtful = 3;
/// Rows of one page that can't be read before the rest of it is left out.
constexpr int kRowsFailedMax = 10;
/// Single rows asked for, to see whether anything of a list can be read: the last one lies behind
/// as many broken rows as are searched for.
constexpr std::array kProbes{0, 2, kRowsFailedMax};

/// The largest page of at most `most` rows that can begin at `row`.
PageRequest page_at(std::uint64_t row, int most) {
  int size = std::max(most, 1);
  while (row % static_cast<std::uint64_t>(size) != 0) --size;
  return {static_cast<int>(row / static_cast<std::uint64_t>(size)), size};
}

}  // namespace

UnreadablePage::UnreadablePage(const PageRequest& page, Error error)
    : page_(page), row_(first_row(page)), error_(std::move(error)) {}

PageRequest UnreadablePage::probe() const { return {kProbes.at(probes_failed_), 1}; }

bool UnreadablePage::probe_another_row() { return ++probes_failed_ < kProbes.size(); }

PageRequest UnreadablePage::begin_search(std::size_t usual_rows, bool try_slow) {
  if (page_.index == 0) page_.size = size_to_search(usual_rows);
  step_ = Step::within;
  if (!is_slow()) return divide(page_);
  // What takes too long is asked for in parts only now and then, and only if the list goes on.
  return try_slow ? ask_behind(page_) : ask_beyond();
}

/// A first page that can't be read does not tell whether the server cuts pages short. Other lists
/// have: with pages of that length the next one begins where the one before ended.
int UnreadablePage::size_to_search(std::size_t usual_rows) const {
  const int usual = static_cast<int>(usual_rows);
  return page_.size / kSplitMax <= usual && usual > 0 ? std::min(page_.size, usual) : page_.size;
}

std::optional<PageRequest> UnreadablePage::after_failure(const PageRequest& asked) {
  // A row behind the page may be unreadable itself.
  if (step_ == Step::behind && !is_slow() && probe_another_row()) return probe_behind();
  if (step_ != Step::within) return std::nullopt;
  if (first_row(asked) >= row_behind(page_)) page_ = asked;  // The next page fails, too.
  return divide(asked);
}

bool UnreadablePage::is_slow() const { return traits(error_.kind).unreachable; }

/// If a row behind the page can be read, the server has no limit to how deep a list is read.
PageRequest UnreadablePage::ask_behind(const PageRequest& failed) {
  step_ = Step::behind;
  failed_ = failed;
  probes_failed_ = 0;
  return probe_behind();
}

PageRequest UnreadablePage::probe_behind() const {
  return {static_cast<int>(row_behind(page_)) + kProbes.at(probes_failed_), 1};
}

PageRequest UnreadablePage::go_on_within() {
  step_ = Step::within;
  return rows_failed_ == 0 ? divide(failed_) : ask_from(row_behind(failed_));
}

/// What follows from a failure of `failed`: a smaller part of it, or, if it is one row, what is
/// behind that.
PageRequest UnreadablePage::divide(const PageRequest& failed) {
  const std::uint64_t row = first_row(failed);
  fails_until_ = row_behind(failed);
  const PageRequest smaller = page_at(row, failed.size / 2);
  if (failed.size > 1 && failed.size / smaller.size <= kSplitMax) return smaller;
  if (rows_failed_ == 0) row_ = row;
  fails_until_ = 0;
  ++rows_failed_;
  if (rows_failed_ == kRowsFailedDoubtful) return ask_behind(failed);
  if (rows_failed_ >= kRowsFailedMax) return ask_beyond();
  return ask_from(row_behind(failed));
}

PageRequest UnreadablePage::after_success(const PageRequest& asked) const {
  return ask_from(row_behind(asked));
}

/// The largest part of the page that begins at `row` and has not failed, or the next page.
PageRequest UnreadablePage::ask_from(std::uint64_t row) const {
  const std::uint64_t end = row_behind(page_);
  if (row < end) {
    const std::uint64_t until = row < fails_until_ ? fails_until_ : end;
    return page_at(row, static_cast<int>(until - row));
  }
  return {static_cast<int>(row / static_cast<std::uint64_t>(page_.size)), page_.size};
}

PageRequest UnreadablePage::ask_beyond() {
  rows_failed_ = std::max(rows_failed_, 1);
  step_ = Step::beyond;
  return {page_.index + 1, page_.size};
}

bool UnreadablePage::is_passed_by(const PageRequest& next) const {
  return next.index > page_.index && next.size == page_.size;
}

}  // namespace registry_exporter::ingest
