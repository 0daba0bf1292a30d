// A visit's way around pages that can't be read.
#include <algorithm>

#include "exporter/ingest/reading.h"

namespace registry_exporter {
namespace {

/// A page that fails so often in a row, though the head can be read, will not be read soon.
constexpr int kFailuresBelieved = 2;
/// Smaller pages than a sixteenth of the one that was refused cost more calls than their rows are
/// worth.
constexpr int kSplitMax = 16;
/// Single rows asked for, to see whether anything of a list can be read.
constexpr int kProbes = 2;
/// Rows of one page that can't be read before it is asked whether the list goes on behind it.
constexpr int kRowsFailedDoubtful = 3;
/// Rows of one page that can't be read before the rest of it is left out.
constexpr int kRowsFailedMax = 10;

/// What may be true of one page alone, while the rest of the list can be read.
bool may_concern_one_page(ErrorKind kind) {
  return is_lasting(kind) || kind == ErrorKind::server_error || kind == ErrorKind::malformed ||
         kind == ErrorKind::timeout || kind == ErrorKind::transport;
}

std::uint64_t row_behind(const PageRequest& page) { return first_row({page.index + 1, page.size}); }

/// The largest page of at most `most` rows that can begin at `row`.
int page_size_at(std::uint64_t row, int most) {
  int size = std::max(most, 1);
  while (row % static_cast<std::uint64_t>(size) != 0) --size;
  return size;
}

}  // namespace

bool Reading::apply_page_error(Ledger& ledger, const Error& error, MergeEffects& effects) {
  if (!may_concern_one_page(error.kind)) return false;
  if (seeking_ && walk_.next_page > 0) return seek_around(error);
  seeking_ = false;  // Nothing is further back than the first page.
  if (!obstacle_) return meet_obstacle(ledger, error);
  switch (obstacle_->step) {
    case Obstacle::Step::probe:
      // The row that was asked for may be broken itself.
      if (++obstacle_->probe_row < kProbes) return true;
      obstacle_.reset();
      return false;
    case Obstacle::Step::within:
      if (row_asked() >= row_behind(obstacle_->page)) {  // The next page fails, too.
        obstacle_->page = {walk_.next_page, walk_.page_size};
      }
      return try_within();
    case Obstacle::Step::behind:
    case Obstacle::Step::beyond:
      break;
  }
  if (pages_read_ == 0) return false;  // Nothing at all can be read.
  leave_out(ledger);
  end_at(obstacle_->page.index - 1, ledger, effects);
  return true;
}

/// While an oldest-first list is searched for a known record: further back.
bool Reading::seek_around(const Error& error) {
  if (!is_lasting(error.kind) && !options_.failed_before) return false;  // It may pass.
  seek_back();
  return true;
}

/// How often in a row the page at `row` has failed.
int Reading::note_failure(std::uint64_t row) {
  progress_.failed_times = progress_.failed_row == row ? progress_.failed_times + 1 : 1;
  progress_.failed_row = row;
  return progress_.failed_times;
}

/// A page fails for the first time in this visit. False: that ends the visit.
bool Reading::meet_obstacle(const Ledger& ledger, const Error& error) {
  obstacle_.emplace();
  obstacle_->page = {walk_.next_page, walk_.page_size};
  obstacle_->error = error;
  const bool is_head = walk_.next_page == 0;
  if (is_known_obstacle(ledger) && (is_head || pages_read_ > 0)) return try_around(ledger);
  if (is_head) {
    if (!options_.first_page_fails) obstacle_.reset();
    return options_.first_page_fails;
  }
  // If the head could be read a moment ago, this page alone is to blame. Rights end at a moment.
  const bool rights = error.kind == ErrorKind::forbidden || error.kind == ErrorKind::not_found;
  return pages_read_ == 0 || rights || try_around(ledger);
}

bool Reading::is_known_obstacle(const Ledger& ledger) const {
  const std::uint64_t row = first_row(obstacle_->page);
  return ledger.unread_from && row <= *ledger.unread_from &&
         *ledger.unread_from < row + static_cast<std::uint64_t>(obstacle_->page.size);
}

/// False: the failure may pass, and ends the visit.
bool Reading::try_around(const Ledger& ledger) {
  obstacle_->row = first_row(obstacle_->page);
  walk_.next_page = obstacle_->page.index;
  const bool lasting = is_lasting(obstacle_->error.kind);
  const bool often = options_.first_page_fails || is_known_obstacle(ledger) ||
                     note_failure(obstacle_->row) >= kFailuresBelieved;
  if (!lasting && !often) {
    obstacle_.reset();
    return false;
  }
  if (obstacle_->page.index == 0) obstacle_->page.size = size_of_pages();
  const ErrorKind kind = obstacle_->error.kind;
  const bool is_quick = kind != ErrorKind::timeout && kind != ErrorKind::transport;
  obstacle_->step = Obstacle::Step::within;
  walk_.page_size = obstacle_->page.size;
  if (is_quick) return try_within();
  // What takes too long is asked for in parts only now and then, and only if the list goes on.
  return options_.try_unreadable ? ask_behind() : ask_beyond();
}

/// A first page that can't be read does not tell whether the server cuts pages short. Other lists
/// have: with pages of that length the next one begins where the one before ended.
int Reading::size_of_pages() const {
  const int seen = static_cast<int>(options_.short_below);
  const int asked = obstacle_->page.size;
  return asked / kSplitMax <= seen && seen > 0 ? std::min(asked, seen) : asked;
}

/// The row behind the page alone: if it can be read, the page is no depth.
bool Reading::ask_behind() {
  obstacle_->step = Obstacle::Step::behind;
  obstacle_->failed = {walk_.next_page, walk_.page_size};
  walk_.page_size = 1;
  walk_.next_page = static_cast<int>(row_behind(obstacle_->page));
  return true;
}

/// The list goes on behind the page: so does what is tried within it.
void Reading::go_on_within() {
  obstacle_->step = Obstacle::Step::within;
  walk_.next_page = obstacle_->failed.index;
  walk_.page_size = obstacle_->failed.size;
  previous_start_.reset();  // What was read last is from elsewhere.
  if (obstacle_->rows_failed == 0) {
    try_within();
  } else {
    ask_within(row_asked() + static_cast<std::uint64_t>(walk_.page_size));
  }
}

/// What was asked for last failed: its first part, or the row behind it.
bool Reading::try_within() {
  const std::uint64_t row = row_asked();
  obstacle_->fails_until = row + static_cast<std::uint64_t>(walk_.page_size);
  const int smaller = page_size_at(row, walk_.page_size / 2);
  if (walk_.page_size > 1 && walk_.page_size / smaller <= kSplitMax) {
    walk_.page_size = smaller;
    walk_.next_page = static_cast<int>(row / static_cast<std::uint64_t>(smaller));
    return true;
  }
  if (obstacle_->rows_failed == 0) obstacle_->row = row;
  obstacle_->fails_until = 0;
  ++obstacle_->rows_failed;
  if (obstacle_->rows_failed == kRowsFailedDoubtful) return ask_behind();
  if (obstacle_->rows_failed >= kRowsFailedMax) return ask_beyond();
  ask_within(row + static_cast<std::uint64_t>(walk_.page_size));
  return true;
}

/// From `row` on: the largest part of the obstacle's page that begins there and has not failed, or
/// the next page.
void Reading::ask_within(std::uint64_t row) {
  const std::uint64_t end = row_behind(obstacle_->page);
  int size = obstacle_->page.size;
  const std::uint64_t until = row < obstacle_->fails_until ? obstacle_->fails_until : end;
  if (row < end) size = page_size_at(row, static_cast<int>(until - row));
  walk_.page_size = size;
  walk_.next_page = static_cast<int>(row / static_cast<std::uint64_t>(size));
}

/// The page behind the one that can't be read.
bool Reading::ask_beyond() {
  obstacle_->rows_failed = std::max(obstacle_->rows_failed, 1);
  obstacle_->step = Obstacle::Step::beyond;
  walk_.next_page = obstacle_->page.index + 1;
  walk_.page_size = obstacle_->page.size;
  return true;
}

/// The walk goes on without rows of the obstacle.
void Reading::leave_out(Ledger& ledger) {
  if (!blocked_ || !ledger.unread_from) ledger.unread_from = obstacle_->row;
  blocked_ = true;
  unreadable_ = obstacle_->error;
}

/// A page around an obstacle could be read.
void Reading::pass_obstacle(Ledger& ledger) {
  if (obstacle_->rows_failed > 0) leave_out(ledger);
  if (obstacle_->step == Obstacle::Step::beyond) obstacle_.reset();
}

/// The rest of the list is out of reach: this walk is over.
void Reading::end_at(int last_page, Ledger& ledger, MergeEffects& effects) {
  if (obstacle_) walk_.page_size = obstacle_->page.size;
  last_page_ = std::max(0, last_page);
  obstacle_.reset();
  blocked_ = true;
  finish_walk(ledger, false, effects);
}

/// What could not be read is asked for now and then: other walks end before it.
bool Reading::lies_beyond_reach(const Ledger& ledger) const {
  const bool comes_often =
      walk_.goal == Walk::Goal::sweep || ledger.order == ListOrder::oldest_first;
  if (!comes_often || options_.try_unreadable || obstacle_ || !ledger.read_whole) return false;
  const std::uint64_t end = row_behind({walk_.next_page, walk_.page_size});
  return ledger.unread_from && row_asked() <= *ledger.unread_from && *ledger.unread_from < end;
}

}  // namespace registry_exporter
