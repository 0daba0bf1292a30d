#include "exporter/ingest/reading.h"

#include <algorithm>
#include <utility>

namespace registry_exporter {
namespace {

/// A walk longer than this is a list that never ends.
constexpr int kPagesPerWalkMax = 20'000;
/// Point reads in one visit; the open records take turns.
constexpr int kRecordsPerVisitMax = 16;
/// Whole readings before a first one that never comes out clean is believed all the same.
constexpr int kFirstReadingsMax = 3;
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
    stages_ = {sweep ? Stage::sweep : Stage::head};
  }
  stages_.push_back(Stage::records);
  begin_stage(ledger);
}

void Reading::begin_stage(const Ledger& ledger) {
  walk_ = Walk{};
  walk_.page_size = options_.page_size;
  seeking_ = small_head_ = false;
  seek_step_ = 1;
  empty_in_a_row_ = repeats_in_a_row_ = 0;
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
      break;
    case Stage::head:
      walk_.goal = Walk::Goal::anchor;
      if (ledger.order == ListOrder::oldest_first) {
        walk_.next_page = ledger.tail_page;
        seeking_ = true;
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
  return smaller && (options_.point_reads || ledger.open.empty());
}

std::vector<const OpenRecord*> Reading::open_not_met(const Ledger& ledger) const {
  std::vector<const OpenRecord*> missing;
  for (const OpenRecord& open : ledger.open) {
    if (std::find(open_met_.begin(), open_met_.end(), open.key) == open_met_.end()) {
      missing.push_back(&open);
    }
  }
  return missing;
}

std::optional<Ask> Reading::next(const Ledger& ledger) const {
  if (stages_.empty() || error_) return std::nullopt;
  if (stages_.front() == Stage::records) {
    const bool allowed = options_.point_reads && !point_reads_refused_;
    const auto missing = open_not_met(ledger);
    if (!allowed || missing.empty() || records_asked_ >= kRecordsPerVisitMax) return std::nullopt;
    return Ask{Ask::What::record, {}, missing.front()->id};
  }
  if (pages_read_ >= options_.pages_per_visit) return std::nullopt;
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

/// Whether nothing is listed after this page. Also learns the page size that the server keeps to.
bool Reading::list_ends_here(const Page& page) {
  const bool first = walk_.next_page == 0;
  const auto size = static_cast<std::size_t>(walk_.page_size);
  const std::uint64_t end = static_cast<std::uint64_t>(walk_.next_page) * size + page.rows;
  const bool more_promised = page.total && *page.total > end;
  if (page.rows >= size) {
    empty_in_a_row_ = 0;
    return false;
  }
  if (page.rows > 0) {
    empty_in_a_row_ = 0;
    // A first page cut short though the list goes on: the server has a smaller limit of its own.
    if (first && more_promised) walk_.page_size = static_cast<int>(page.rows);
    return page.total && !more_promised;
  }
  ++empty_in_a_row_;
  return !more_promised || empty_in_a_row_ >= 2;
}

bool Reading::goal_reached(const Ledger& ledger, const PageFacts& facts) const {
  const bool newest_first = ledger.order == ListOrder::newest_first && ledger.read_whole;
  if (!newest_first) return false;
  if (walk_.goal == Walk::Goal::sweep) {
    // After a long silence the horizon may have passed records that nobody has read yet.
    const UnixMillis horizon = walk_.started_at - options_.lookback;
    return anchored_met_ > 0 && facts.oldest_start && *facts.oldest_start < horizon;
  }
  if (!facts.anchor_met) return false;
  if (options_.point_reads && !point_reads_refused_) return true;
  // Nobody tells of open records by id: go on down to the oldest of them.
  const auto missing = open_not_met(ledger);
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

void Reading::seek_anchor(const PageFacts& facts) {
  if (facts.anchor_met || walk_.next_page == 0) {
    seeking_ = false;
    ++walk_.next_page;
    return;
  }
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
    seek_anchor(facts);
  } else {
    ++walk_.next_page;
  }
  const bool resumable = !seeking_ && walk_.next_page > 0;
  const bool visit_ends = pages_read_ >= options_.pages_per_visit;
  if (resumable && (!sweep_waits() || visit_ends)) ledger.walk = walk_;
}

void Reading::apply_page(Ledger& ledger, const Page& page, const MergeContext& context,
                         MergeEffects& effects) {
  ++pages_read_;
  effects.changed = true;
  const bool small_head = std::exchange(small_head_, false);
  const bool first_of_walk = walk_.started_at == UnixMillis{};
  if (first_of_walk) {
    walk_.started_at = context.seen_at;
    first_total_ = page.total;
    walk_.first_total = page.total.value_or(0);
  }
  last_total_ = page.total;
  const PageFacts facts = merge_page(ledger, page, context, effects);

  if (walk_.goal == Walk::Goal::anchor && ledger.read_whole) {
    const bool newest_first = ledger.order == ListOrder::newest_first;
    const bool contradicted =
        newest_first ? facts.ascending > facts.descending : facts.descending > facts.ascending;
    const bool head_went_back = newest_first && walk_.next_page == 0 && ledger.newest_listed &&
                                facts.newest_start.value_or(UnixMillis{}) < *ledger.newest_listed;
    const bool from_the_start = seeking_;
    if (contradicted || head_went_back) {
      turn_into_sweep(ledger);
      if (from_the_start) return;
    }
  }

  const bool list_ended = seeking_ ? false : list_ends_here(page);
  if (seeking_ && walk_.next_page == 0 && page.rows == 0) {
    finish_walk(ledger, true, effects);
  } else if (list_ended || goal_reached(ledger, facts)) {
    finish_walk(ledger, list_ended, effects);
  } else if (small_head && walk_.goal == Walk::Goal::anchor) {
    walk_.page_size = options_.page_size;  // More news than was expected: from the start.
  } else {
    walk_on(ledger, facts, page);
  }
}

void Reading::finish_walk(Ledger& ledger, bool list_ended, MergeEffects& effects) {
  // All of the list was read, nothing of it was known before, and there is news: what was listed
  // between our last reading and now may have come and gone.
  if (list_ended && had_anchored_ && anchored_met_ == 0 && unknown_met_ > 0) {
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
  if (list_ended && ledger.order == ListOrder::oldest_first) {
    ledger.tail_page = std::max(0, walk_.next_page - empty_in_a_row_);
  }
  const bool by_id = options_.point_reads && !point_reads_refused_;
  if (!by_id && !open_not_met(ledger).empty()) ledger.sweep_wanted = true;
  if (!first_total_) return true;
  if (ledger.total_prev) {
    const std::uint64_t expected = *ledger.total_prev + unknown_met_;
    if (*first_total_ < expected) ledger.capped = true;
    if (*first_total_ > expected && !ledger.capped) ledger.sweep_wanted = true;
  }
  ledger.total_prev = first_total_;
  return true;
}

/// No removal was noticed, and all that the total promised was met: nothing can have been jumped.
/// A total that promises the same too many twice is a total that lies.
bool Reading::sweep_was_clean(bool list_ended) {
  if (!first_total_ || !last_total_) return true;
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
  const bool clean = sweep_was_clean(list_ended);
  sweep_ok_ = clean;
  ledger.order = judge_order(walk_.pairs_descending, walk_.pairs_ascending);
  ledger.tail_page = std::max(0, walk_.next_page - empty_in_a_row_);
  ledger.walk.reset();
  if (!ledger.read_whole) {
    if (!clean && ++progress_.first_readings < kFirstReadingsMax) return false;
    ledger.read_whole = true;
    ledger.baseline_pending = false;
  }
  anchor_all(ledger);
  ledger.total_prev = last_total_;
  ledger.capped = false;
  ledger.sweep_wanted = false;
  if (!clean) return true;
  SweepFindings findings;
  findings.met = progress_.met;
  findings.started_at = walk_.started_at;
  findings.lookback = options_.lookback;
  findings.whole = list_ended;
  findings.met_is_whole = progress_.whole;
  findings.point_reads = options_.point_reads && !point_reads_refused_;
  findings.kept_below = std::max<std::size_t>(100, static_cast<std::size_t>(options_.page_size));
  conclude_sweep(ledger, findings, effects);
  ledger.last_sweep = walk_.started_at;
  return true;
}

void Reading::apply_record(Ledger& ledger, const Result<Record>& record,
                           const MergeContext& context, MergeEffects& effects) {
  const auto missing = open_not_met(ledger);
  if (missing.empty()) return;
  const RecordKey asked = missing.front()->key;
  ++records_asked_;
  if (record) {
    open_met_.push_back(asked);
    if (record->key == asked) merge_record(ledger, *record, context, effects);
  } else if (record.error().kind == ErrorKind::not_found) {
    open_met_.push_back(asked);
    const auto open = std::find_if(ledger.open.begin(), ledger.open.end(),
                                   [&](const OpenRecord& each) { return each.key == asked; });
    effects.changed |= !open->gone;
    open->gone = true;
  } else {
    point_reads_refused_ = true;
    ledger.sweep_wanted = true;  // Without an answer by id, only a whole reading finds them.
  }
  // Those asked go to the end, so that all get their turn.
  const auto open = std::find_if(ledger.open.begin(), ledger.open.end(),
                                 [&](const OpenRecord& each) { return each.key == asked; });
  if (open != ledger.open.end()) std::rotate(open, open + 1, ledger.open.end());
}

}  // namespace registry_exporter
