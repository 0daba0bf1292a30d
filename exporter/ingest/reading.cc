#include "exporter/ingest/reading.h"

#include <algorithm>
#include <utility>

namespace registry_exporter {
namespace {

/// A walk longer than this is a list that never ends.
constexpr int kPagesPerWalkMax = 20'000;
/// Point reads in one visit; the open records take turns.
constexpr int kRecordsPerVisitMax = 16;
/// Point reads that fail in one visit before the rest is left to the next.
constexpr int kRecordsFailedMax = 3;
/// Sweeps in a row that are not clean before the last one is believed all the same: the totals of
/// this list say nothing.
constexpr int kUncleanSweepsMax = 3;
/// Sweeps that a total asked for and that found nothing, before no total is asked any more.
constexpr int kFalseAlarmsMax = 3;
/// Pages in a row that repeat only what the walk has met: the server ignores the page number. Small
/// pages repeat honestly when records are added in between.
constexpr int kRepeatedPagesMax = 3;
constexpr int kRepeatedSmallPagesMax = 50;
constexpr int kSmallPage = 10;
/// One direction must outnumber the other this many times to be an order.
constexpr std::uint64_t kOrderMajority = 9;

bool order_is_proven(const Ledger& ledger) {
  return ledger.order == ListOrder::newest_first || ledger.order == ListOrder::oldest_first;
}

ListOrder judge_order(std::uint64_t descending, std::uint64_t ascending) {
  if (descending + ascending == 0) return ListOrder::unknown;
  if (descending >= kOrderMajority * ascending) return ListOrder::newest_first;
  if (ascending >= kOrderMajority * descending) return ListOrder::oldest_first;
  return ListOrder::unordered;
}

bool contains(const std::vector<RecordKey>& keys, RecordKey key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

/// By the records' own time: nobody's clock need be right.
UnixMillis newest_start(const Ledger& ledger) {
  UnixMillis newest{};
  for (const ClosedRecord& record : ledger.closed) newest = std::max(newest, record.placed_at);
  return newest;
}

/// Adds the new ones of `keys` to the sorted `met`; how many were new.
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

}  // namespace

/// What one page told, besides its records.
struct Reading::PageFacts {
  std::size_t new_to_walk = 0;
  bool anchor_met = false;       ///< An anchored record, or an unknown one below the floor.
  std::uint64_t descending = 0;  ///< Neighbours, newest first.
  std::uint64_t ascending = 0;
  std::optional<UnixMillis> newest_start;
  std::optional<UnixMillis> oldest_start;
};

Reading::Reading(const Ledger& ledger, ReadingOptions options, SweepProgress progress)
    : options_(options), progress_(std::move(progress)) {
  const bool sweep = !ledger.read_whole || !order_is_proven(ledger) || options.sweep_due;
  if (ledger.walk && ledger.walk->goal == Walk::Goal::sweep && order_is_proven(ledger) &&
      ledger.read_whole) {
    stages_ = {Stage::head, Stage::resume};  // News first: the sweep may still be long.
  } else if (ledger.walk) {
    stages_ = {Stage::resume, Stage::head};
  } else {
    // A sweep that fails must not keep the news waiting.
    const bool news_first = options.failed_before && ledger.read_whole && order_is_proven(ledger);
    if (sweep && news_first) stages_.push_back(Stage::head);
    stages_.push_back(sweep ? Stage::sweep : Stage::head);
  }
  stages_.push_back(Stage::records);
  begin_stage(ledger);
}

void Reading::begin_stage(const Ledger& ledger) {
  walk_ = Walk{};
  walk_.page_size = options_.page_size;
  seeking_ = small_head_ = false;
  seek_step_ = 1;
  signs_of_end_ = {};
  repeats_in_a_row_ = 0;
  first_rows_.reset();
  proof_.reset();
  last_page_ = 0;
  obstacle_.reset();
  blocked_ = totals_rose_ = totals_fell_ = totals_lie_ = false;
  unknown_met_ = anchored_met_ = 0;
  first_total_ = last_total_ = std::nullopt;
  newest_met_ = previous_start_ = std::nullopt;
  had_anchored_ =
      ledger.read_whole && ledger.closed.size() + ledger.open.size() > ledger.unanchored.size();
  head_met_.clear();
  resumed_ = stages_.front() == Stage::resume;
  switch (stages_.front()) {
    case Stage::resume:
      walk_ = ledger.walk.value_or(Walk{});
      if (walk_.first_total != 0) first_total_ = walk_.first_total;
      blocked_ = ledger.unread_from && row_asked() > *ledger.unread_from;
      last_page_ = std::max(0, walk_.next_page - 1);
      break;
    case Stage::head:
      walk_.goal = Walk::Goal::anchor;
      if (ledger.order == ListOrder::oldest_first) {
        // Where the last walk ended is only known together with the size of its pages.
        if (ledger.tail_page_size > 0) {
          walk_.next_page = ledger.tail_page;
          walk_.page_size = ledger.tail_page_size;
          seeking_ = true;
        }
      } else if (wants_small_head(ledger)) {
        small_head_ = true;
        walk_.page_size = options_.head_page_size;
      }
      break;
    case Stage::sweep:
      walk_.goal = Walk::Goal::sweep;
      progress_.met.clear();
      progress_.whole = true;
      break;
    case Stage::records:
      break;
  }
}

void Reading::end_stage(const Ledger& ledger) {
  stages_.erase(stages_.begin());
  // Where the order is not proven, only whole readings tell anything.
  while (!stages_.empty() && stages_.front() == Stage::head && !order_is_proven(ledger)) {
    stages_.erase(stages_.begin());
  }
  if (!stages_.empty()) begin_stage(ledger);
}

bool Reading::complete() const {
  return !error_ && (stages_.empty() || stages_.front() == Stage::records);
}

/// A head walk ahead of a pending sweep must not overwrite where that one is.
bool Reading::sweep_waits() const {
  return stages_.size() > 1 && stages_[0] == Stage::head && stages_[1] == Stage::resume;
}

/// Open records that nobody tells of by id have to be found in the list, wherever they are.
bool Reading::wants_small_head(const Ledger& ledger) const {
  const bool smaller = options_.head_page_size > 0 && options_.head_page_size < options_.page_size;
  return smaller && open_not_met(ledger, false).empty();
}

bool Reading::may_ask(RecordKey key) const {
  return options_.point_reads && !contains(progress_.refused_ids, key);
}

/// Of the open records that this visit has not met: those that may be asked for by id, or those
/// that only the list tells of.
std::vector<const OpenRecord*> Reading::open_not_met(const Ledger& ledger, bool by_id) const {
  std::vector<const OpenRecord*> missing;
  for (const OpenRecord& open : ledger.open) {
    if (may_ask(open.key) == by_id && !contains(open_met_, open.key)) missing.push_back(&open);
  }
  return missing;
}

std::optional<Ask> Reading::next(const Ledger& ledger) const {
  if (stages_.empty() || error_) return std::nullopt;
  if (stages_.front() == Stage::records) {
    const auto missing = open_not_met(ledger, true);
    const bool enough =
        records_asked_ >= kRecordsPerVisitMax || records_failed_ >= kRecordsFailedMax;
    if (missing.empty() || enough) return std::nullopt;
    return Ask{Ask::What::record, {}, missing.front()->id};
  }
  if (obstacle_ && obstacle_->step == Obstacle::Step::probe) {
    return Ask{Ask::What::page, {obstacle_->probe_row, 1}, {}};
  }
  // What is tried about an obstacle or an end is not cut: the next visit would begin it again.
  if (pages_read_ >= options_.pages_per_visit && !obstacle_ && !proof_) return std::nullopt;
  return Ask{Ask::What::page, {walk_.next_page, walk_.page_size}, {}};
}

Reading::PageFacts Reading::merge_page(Ledger& ledger, const Page& page,
                                       const MergeContext& context, MergeEffects& effects) {
  PageFacts facts;
  std::vector<RecordKey> keys;
  const std::uint64_t known = ledger.known;
  // Neighbours on one page tell the order; across pages the list may have moved in between.
  if (walk_.page_size > 2 || seeking_) previous_start_.reset();
  for (const Record& record : page.records) {
    keys.push_back(record.key);
    const Met met = merge_record(ledger, record, context, effects);
    unknown_met_ += met == Met::unknown || met == Met::below_floor ? 1 : 0;
    anchored_met_ += met == Met::anchored ? 1 : 0;
    facts.anchor_met |= met == Met::anchored || met == Met::below_floor;
    if (record.open) open_met_.push_back(record.key);
    if (!record.started_at) continue;
    const UnixMillis start = *record.started_at;
    if (previous_start_ && start < *previous_start_) ++facts.descending;
    if (previous_start_ && start > *previous_start_) ++facts.ascending;
    previous_start_ = start;
    facts.newest_start = std::max(facts.newest_start.value_or(start), start);
    facts.oldest_start = std::min(facts.oldest_start.value_or(start), start);
  }
  const bool sweeps = walk_.goal == Walk::Goal::sweep;
  facts.new_to_walk = add_met(sweeps ? progress_.met : head_met_, std::move(keys));
  // Around a restart only what nobody knew was certainly not met before.
  const bool forgot = sweeps && !progress_.whole;
  walk_.records_met += forgot ? ledger.known - known : facts.new_to_walk;
  walk_.pairs_descending += facts.descending;
  walk_.pairs_ascending += facts.ascending;
  if (facts.newest_start) {
    newest_met_ = std::max(newest_met_.value_or(*facts.newest_start), *facts.newest_start);
  }
  return facts;
}

std::uint64_t Reading::row_asked() const { return first_row({walk_.next_page, walk_.page_size}); }

PageSeen Reading::seen(const Page& page) const {
  return {{walk_.next_page, walk_.page_size}, page.rows, page.total, page.page_size};
}

/// A first reading takes nobody's word for where the list ends, and a sweep none for a later page:
/// servers change. A first page alone is believed by what other lists have shown of late.
bool Reading::must_prove_end(const Ledger& ledger) const {
  return walk_.goal == Walk::Goal::sweep && (!ledger.read_whole || options_.sweep_due);
}

/// Whether nothing is listed after this page.
bool Reading::list_ends_here(const Ledger& ledger, const Page& page, const PageFacts& facts) {
  const PageSeen what = seen(page);
  if (page.rows > 0 && !proof_) last_page_ = obstacle_ ? obstacle_->page.index : walk_.next_page;
  const bool signs = signs_of_end_.saw(what);
  const bool all_at_once = first_rows_ && shows_all_at_once(what, *first_rows_, facts.new_to_walk);
  const bool prove = must_prove_end(ledger);
  const ListEnd end = list_end(what, ledger.read_whole ? options_.short_below : 0);
  if (signs || all_at_once) return true;
  const bool later_and_short =
      walk_.next_page > 0 && page.rows > 0 && page.rows < static_cast<std::size_t>(walk_.page_size);
  if (later_and_short && (prove || end == ListEnd::not_yet) && !proof_ && !obstacle_) {
    proof_ = Proof{{walk_.next_page, walk_.page_size}, page.rows};
    return false;
  }
  return end == ListEnd::here;
}

/// After a short page: the row behind it alone. Nothing there ends the list. Something means that
/// the server's own limit is smaller than it was: on with pages of that size, from the rows that
/// were read before.
void Reading::prove_end(std::size_t rows) {
  const std::uint64_t behind = first_row(proof_->page) + proof_->rows;
  const bool asked = walk_.page_size == 1 && row_asked() == behind;
  if (!asked) {
    walk_.page_size = 1;
    walk_.next_page = static_cast<int>(behind);
  } else if (rows > 0) {
    walk_.page_size = static_cast<int>(proof_->rows);
    walk_.next_page = static_cast<int>(first_row(proof_->page) / proof_->rows);
    proof_.reset();
  }
}

bool Reading::goal_reached(const Ledger& ledger, const PageFacts& facts) const {
  const bool newest_first = ledger.order == ListOrder::newest_first && ledger.read_whole;
  if (!newest_first) return false;
  if (walk_.goal == Walk::Goal::sweep) {
    // What could not be read is tried again, and lies further down.
    if (ledger.unread_from && row_asked() < *ledger.unread_from) return false;
    // After a long silence the horizon may have passed records that nobody has read yet.
    const UnixMillis horizon = walk_.started_at - options_.lookback;
    return anchored_met_ > 0 && facts.oldest_start && *facts.oldest_start < horizon;
  }
  if (!facts.anchor_met) return false;
  // Where nobody tells of open records by id: go on down to the oldest of them.
  const auto missing = open_not_met(ledger, false);
  return std::none_of(missing.begin(), missing.end(), [&](const OpenRecord* open) {
    return facts.oldest_start && open->placed_at < *facts.oldest_start;
  });
}

/// The list is not in the order it was in: what was begun becomes a reading of all of it.
void Reading::turn_into_sweep(Ledger& ledger) {
  ledger.order = ListOrder::unknown;
  ledger.walk.reset();
  std::erase(stages_, Stage::resume);
  walk_.goal = Walk::Goal::sweep;
  stages_.front() = Stage::sweep;
  progress_.whole = !resumed_ || seeking_;
  if (seeking_) {
    seeking_ = false;
    walk_.next_page = 0;
    head_met_.clear();
  }
  progress_.met = std::move(head_met_);
}

void Reading::seek_back() {
  walk_.next_page = std::max(0, walk_.next_page - seek_step_);
  seek_step_ *= 2;
}

void Reading::walk_on(Ledger& ledger, const PageFacts& facts, const Page& page) {
  const int repeats_max = walk_.page_size < kSmallPage ? kRepeatedSmallPagesMax : kRepeatedPagesMax;
  repeats_in_a_row_ = page.rows > 0 && facts.new_to_walk == 0 ? repeats_in_a_row_ + 1 : 0;
  if (repeats_in_a_row_ >= repeats_max || walk_.next_page >= kPagesPerWalkMax) {
    error_ = Error{ErrorKind::malformed, "page_stuck: the list repeats the same page", {}, {}};
    ledger.walk.reset();
    return;
  }
  if (seeking_) {
    seek_back();
  } else if (obstacle_) {
    ask_within(row_asked() + static_cast<std::uint64_t>(walk_.page_size));
    if (walk_.next_page > obstacle_->page.index && walk_.page_size == obstacle_->page.size) {
      obstacle_.reset();
    }
  } else if (proof_) {
    prove_end(page.rows);
  } else if (!signs_of_end_.same_again()) {
    const int size = next_page_size(seen(page));
    if (size != walk_.page_size) first_rows_ = page.rows;
    walk_.page_size = size;
    ++walk_.next_page;
  }
  const bool resumable = !seeking_ && !obstacle_ && !proof_ && walk_.next_page > 0;
  const bool visit_ends = pages_read_ >= options_.pages_per_visit;
  if (resumable && (!sweep_waits() || visit_ends)) ledger.walk = walk_;
}

bool Reading::order_is_contradicted(const Ledger& ledger, const PageFacts& facts) const {
  if (walk_.goal != Walk::Goal::anchor || !ledger.read_whole) return false;
  if (ledger.order == ListOrder::oldest_first) return facts.descending > facts.ascending;
  const bool head_went_back = walk_.next_page == 0 && ledger.newest_listed &&
                              facts.newest_start.value_or(UnixMillis{}) < *ledger.newest_listed;
  return facts.ascending > facts.descending || head_went_back;
}

/// Totals that can't be true: far below what was read already, or up and down by more than a page.
void Reading::note_total(const Page& page) {
  const auto much = static_cast<std::uint64_t>(options_.page_size);
  const std::uint64_t read = row_asked() + page.rows;
  totals_lie_ |= page.total && page.rows > 0 && 2 * *page.total <= read;
  if (last_total_ && page.total) {
    totals_rose_ |= *page.total > *last_total_ + much;
    totals_fell_ |= *last_total_ > *page.total + much;
  }
  totals_lie_ |= totals_rose_ && totals_fell_;
  last_total_ = page.total;
}

void Reading::apply_page(Ledger& ledger, const Page& page, const MergeContext& context,
                         MergeEffects& effects) {
  ++pages_read_;
  effects.changed = true;
  longest_page_ = std::max(longest_page_, page.rows);
  if (walk_.started_at == UnixMillis{}) {
    walk_.started_at = context.seen_at;
    first_total_ = page.total;
    walk_.first_total = page.total.value_or(0);
  }
  note_total(page);
  const PageFacts facts = merge_page(ledger, page, context, effects);
  if (obstacle_ && obstacle_->step == Obstacle::Step::probe) {
    const Error failure = obstacle_->error;
    if (!try_around(ledger)) error_ = failure;
    return;
  }
  if (obstacle_ && obstacle_->step == Obstacle::Step::behind) {
    go_on_within();
    return;
  }
  if (obstacle_) pass_obstacle(ledger);
  if (order_is_contradicted(ledger, facts)) {
    const bool from_the_start = seeking_;
    turn_into_sweep(ledger);
    if (from_the_start) return;
  }
  after_page(ledger, page, facts, effects);
}

/// What follows from a page whose records are merged.
void Reading::after_page(Ledger& ledger, const Page& page, const PageFacts& facts,
                         MergeEffects& effects) {
  const bool small_head = std::exchange(small_head_, false);
  if (seeking_ && (facts.anchor_met || walk_.next_page == 0)) seeking_ = false;
  if (seeking_) return walk_on(ledger, facts, page);
  const std::uint64_t row_behind = row_asked() + page.rows;
  const bool list_ended = list_ends_here(ledger, page, facts);
  // Small pages of the head may leave out what a sweep stumbles over.
  const bool sweeps = walk_.goal == Walk::Goal::sweep;
  const bool reached =
      sweeps && (list_ended || (ledger.unread_from && row_behind > *ledger.unread_from));
  if (reached && !blocked_) ledger.unread_from.reset();
  if (list_ended || goal_reached(ledger, facts)) {
    finish_walk(ledger, list_ended, effects);
  } else if (small_head && walk_.goal == Walk::Goal::anchor) {
    walk_.page_size = options_.page_size;  // More news than was expected: from the start.
  } else {
    walk_on(ledger, facts, page);
    if (!error_ && !proof_ && lies_beyond_reach(ledger)) {
      end_at(walk_.next_page - 1, ledger, effects);
    }
  }
}

void Reading::finish_walk(Ledger& ledger, bool list_ended, MergeEffects& effects) {
  // All that can be read of the list was read, nothing of it was known before, and there is news:
  // what was listed between our last reading and now may have come and gone.
  if ((list_ended || blocked_) && !resumed_ && had_anchored_ && anchored_met_ == 0 &&
      unknown_met_ > 0) {
    ++effects.history_gaps;
  }
  const bool sweep = walk_.goal == Walk::Goal::sweep;
  const bool finished =
      sweep ? finish_sweep(ledger, list_ended, effects) : finish_head_walk(ledger, list_ended);
  if (finished && newest_met_) ledger.newest_listed = newest_met_;
  if (finished) return end_stage(ledger);
  stages_.front() = Stage::sweep;
  begin_stage(ledger);
}

/// False: what was taken for the tail of the list did not hold its newest record; read all of it.
bool Reading::finish_head_walk(Ledger& ledger, bool list_ended) {
  if (ledger.order == ListOrder::oldest_first && ledger.newest_listed &&
      newest_met_.value_or(UnixMillis{}) < *ledger.newest_listed) {
    turn_into_sweep(ledger);
    return false;
  }
  if (!sweep_waits()) ledger.walk.reset();
  anchor_all(ledger);
  if (ledger.order == ListOrder::oldest_first && (list_ended || blocked_)) remember_tail(ledger);
  if (!open_not_met(ledger, false).empty()) ledger.sweep_wanted = true;
  if (!first_total_ || totals_lie_) return true;
  if (ledger.total_prev && progress_.false_alarms < kFalseAlarmsMax) {
    const std::uint64_t expected = *ledger.total_prev + unknown_met_;
    if (*first_total_ < expected) ledger.capped = true;
    if (*first_total_ > expected && !ledger.capped) ledger.sweep_wanted = true;
  }
  ledger.total_prev = first_total_;
  return true;
}

/// The page that the next walk of an oldest-first list begins with.
void Reading::remember_tail(Ledger& ledger) const {
  ledger.tail_page = last_page_;
  ledger.tail_page_size = obstacle_ ? obstacle_->page.size
                          : proof_  ? proof_->page.size
                                    : walk_.page_size;
  // A first page that proved to be all of the list is asked for as long as any.
  if (first_rows_ && last_page_ == 0) ledger.tail_page_size = options_.page_size;
}

/// No removal was noticed, and all that the total promised was met: nothing can have been jumped.
/// A total that promises the same too many twice is a total that lies.
bool Reading::sweep_agrees_with_total(bool list_ended) {
  if (!first_total_ || !last_total_ || totals_lie_) return true;
  if (*last_total_ < *first_total_) return false;
  const bool all_met = !list_ended || walk_.records_met >= *first_total_;
  if (all_met) {
    progress_.missing_before.reset();
    return true;
  }
  const std::uint64_t missing = *first_total_ - walk_.records_met;
  const bool same_again = progress_.missing_before == missing;
  progress_.missing_before = missing;
  return same_again;
}

/// False: once more, from the start.
bool Reading::finish_sweep(Ledger& ledger, bool list_ended, MergeEffects& effects) {
  const bool agrees = sweep_agrees_with_total(list_ended);
  progress_.unclean = agrees ? 0 : std::min(progress_.unclean + 1, kUncleanSweepsMax);
  const bool believed = agrees || progress_.unclean == kUncleanSweepsMax;
  sweep_ok_ = believed && !blocked_;
  ledger.order = judge_order(walk_.pairs_descending, walk_.pairs_ascending);
  remember_tail(ledger);
  ledger.walk.reset();
  if (!ledger.read_whole) {
    if (!believed && !blocked_) return false;
    // What could not be read may show later: that it is history, its time tells. Behind the end of
    // a newest-first list is what is older than all that was read; elsewhere it may be anything
    // that ended before the reading began.
    if (blocked_ && ledger.baseline_pending) {
      const bool newest_first = ledger.order == ListOrder::newest_first;
      ledger.history_before = newest_first ? newest_start(ledger) : walk_.started_at;
    }
    if (blocked_ && !ledger.baseline_pending) ++effects.history_gaps;
    ledger.read_whole = true;
    ledger.baseline_pending = false;
  }
  anchor_all(ledger);
  ledger.total_prev = last_total_;
  ledger.capped = false;
  if (std::exchange(ledger.sweep_wanted, false)) {
    progress_.false_alarms = unknown_met_ == 0 ? progress_.false_alarms + 1 : 0;
  }
  if (believed) conclude(ledger, list_ended, effects);
  if (options_.sweep_due) progress_.refused_ids.clear();
  return true;
}

void Reading::conclude(Ledger& ledger, bool list_ended, MergeEffects& effects) {
  SweepFindings findings;
  findings.met = progress_.met;
  findings.refused_ids = progress_.refused_ids;
  findings.started_at = walk_.started_at;
  findings.lookback = options_.lookback;
  findings.whole = list_ended && !blocked_;
  findings.met_is_whole = progress_.whole;
  findings.left_out_rows = blocked_;
  findings.point_reads = options_.point_reads;
  findings.kept_below = std::max<std::size_t>(100, static_cast<std::size_t>(options_.page_size));
  conclude_sweep(ledger, findings, effects);
  if (!blocked_) ledger.last_sweep = walk_.started_at;
}

// ── Single records ───────────────────────────────────────────────────────────────────────────────

/// An id that can't be read for ever must not keep its record open: the list tells of it, too.
void Reading::note_failed_id(RecordKey key, const Error& error) {
  const bool failed_before = std::erase(progress_.failed_ids, key) > 0;
  if (is_lasting(error.kind) || failed_before) {
    progress_.refused_ids.push_back(key);
    return;
  }
  progress_.failed_ids.push_back(key);
  ++records_failed_;
}

void Reading::apply_record(Ledger& ledger, const Result<Record>& record,
                           const MergeContext& context, MergeEffects& effects) {
  const auto missing = open_not_met(ledger, true);
  if (missing.empty()) return;
  const RecordKey asked = missing.front()->key;
  ++records_asked_;
  if (record) {
    open_met_.push_back(asked);
    std::erase(progress_.failed_ids, asked);
    if (record->key == asked) merge_record(ledger, *record, context, effects);
  } else if (record.error().kind == ErrorKind::not_found) {
    open_met_.push_back(asked);
    const auto open = std::find_if(ledger.open.begin(), ledger.open.end(),
                                   [&](const OpenRecord& each) { return each.key == asked; });
    effects.changed |= !open->gone;
    open->gone = true;
  } else {
    note_failed_id(asked, record.error());
  }
  // Those asked go to the end, so that all get their turn.
  const auto open = std::find_if(ledger.open.begin(), ledger.open.end(),
                                 [&](const OpenRecord& each) { return each.key == asked; });
  if (open != ledger.open.end()) std::rotate(open, open + 1, ledger.open.end());
}

}  // namespace registry_exporter
