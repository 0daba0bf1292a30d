#include "exporter/ingest/walk_run.h"

#include <algorithm>

#include "exporter/base/check.h"

namespace registry_exporter::ingest {
namespace {

/// A walk longer than this is a list that never ends.
constexpr int kPagesPerWalkMax = 20'000;
/// Pages in a row that repeat only what the walk has met: the server ignores the page number. Small
/// pages repeat honestly when records are added in between.
constexpr int kRepeatedPagesMax = 3;
constexpr int kRepeatedSmallPagesMax = 50;
constexpr int kSmallPage = 10;

WalkRun new_run(const Ledger& ledger) {
  WalkRun run;
  run.had_anchored =
      ledger.read_whole && ledger.closed.size() + ledger.open.size() > ledger.unanchored.size();
  return run;
}

}  // namespace

std::size_t add_met(std::vector<RecordKey>& met, std::vector<RecordKey> keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::erase_if(keys,
                [&](RecordKey key) { return std::binary_search(met.begin(), met.end(), key); });
  const auto middle = static_cast<std::ptrdiff_t>(met.size());
  met.insert(met.end(), keys.begin(), keys.end());
  std::inplace_merge(met.begin(), met.begin() + middle, met.end());
  return keys.size();
}

void PageFacts::add(PriorState prior, ListOrder order) {
  const bool is_anchored = prior == PriorState::anchored;
  const bool is_news = prior == PriorState::unknown;
  const bool is_below_floor = prior == PriorState::below_floor;
  const bool newer_listed_later = order == ListOrder::oldest_first;
  news_behind_anchor |= newer_listed_later ? is_anchored && news_met_ : is_news && anchored > 0;
  news_met_ |= is_news;
  below_floor |= is_below_floor;
  unknown += is_news || is_below_floor ? 1 : 0;
  anchored += is_anchored ? 1 : 0;
}

void WalkRun::ask(const PageRequest& page) {
  walk.next_page = page.index;
  walk.page_size = page.size;
}

void WalkRun::seek_back() {
  walk.next_page = std::max(0, walk.next_page - seek_step);
  seek_step *= 2;
}

void WalkRun::ask_next(const PageFacts& page) {
  if (seeking) return seek_back();
  if (!unreadable) {
    const PageRequest next = end.next(page.seen);
    const PageRequest& read = page.seen.asked;
    CHECK_RULE(first_row(next) <= first_row(read) + static_cast<std::uint64_t>(read.size));
    return ask(next);  // It begins no later than where this one was to end.
  }
  ask(unreadable->after_success(page.seen.asked));
  if (unreadable->is_passed_by(asked())) unreadable.reset();
}

void WalkRun::note(const PageFacts& page) {
  met.unknown += page.unknown;
  met.anchored += page.anchored;
  walk.pairs_descending += page.starts.descending;
  walk.pairs_ascending += page.starts.ascending;
  const auto& newest = page.starts.newest;
  if (newest) met.newest_start = std::max(met.newest_start.value_or(*newest), *newest);
}

bool WalkRun::contradicts(ListOrder order) const {
  const ListOrder met_so_far = judge_order(walk.pairs_descending, walk.pairs_ascending);
  return met_so_far != order && met_so_far != ListOrder::unknown;
}

bool WalkRun::is_stuck(const PageFacts& page) {
  const PageRequest& asked = page.seen.asked;
  const int repeats_max = asked.size < kSmallPage ? kRepeatedSmallPagesMax : kRepeatedPagesMax;
  const bool repeats = page.seen.rows > 0 && page.new_to_walk == 0;
  repeats_in_a_row = repeats ? repeats_in_a_row + 1 : 0;
  return repeats_in_a_row >= repeats_max || asked.index >= kPagesPerWalkMax;
}

WalkRun resume_walk(const Ledger& ledger) {
  WalkRun run = new_run(ledger);
  run.resumed = true;
  run.walk = ledger.walk.value_or(Walk{});
  if (run.walk.first_total != 0) run.totals.set_first(run.walk.first_total);
  run.left_rows_unread = ledger.unread_from && first_row(run.asked()) > *ledger.unread_from;
  run.end = EndSearch(std::max(0, run.walk.next_page - 1));
  return run;
}

WalkRun walk_to_anchor(const Ledger& ledger, const ListReaderOptions& options, bool small_head) {
  WalkRun run = new_run(ledger);
  run.walk.goal = Walk::Goal::anchor;
  run.walk.page_size = options.page_size;
  if (ledger.order == ListOrder::oldest_first) {
    // Where the last walk ended is only known together with the size of its pages.
    run.seeking = ledger.tail_page_size > 0;
    if (run.seeking) run.ask({ledger.tail_page, ledger.tail_page_size});
  } else if (small_head) {
    run.small_head = true;
    run.walk.page_size = options.head_page_size;
  }
  return run;
}

WalkRun walk_whole_list(const Ledger& ledger, const ListReaderOptions& options) {
  WalkRun run = new_run(ledger);
  run.walk.goal = Walk::Goal::sweep;
  run.walk.page_size = options.page_size;
  return run;
}

}  // namespace registry_exporter::ingest
