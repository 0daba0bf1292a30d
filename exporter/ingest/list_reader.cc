#include "exporter/ingest/list_reader.h"

#include <algorithm>
#include <utility>

#include "exporter/ingest/finished_walk.h"

namespace registry_exporter::ingest {
namespace {

/// A page that fails so often in a row, though the head can be read, will not be read soon.
constexpr int kFailuresBelieved = 2;

}  // namespace

ListReader::ListReader(const Ledger& ledger, ListReaderOptions options, SweepProgress progress)
    : options_(options), progress_(std::move(progress)), open_(options.point_reads) {
  if (options.retry_ids) progress_.refused_ids.clear();
  const bool news_can_come_first = ledger.read_whole && is_proven(ledger.order);
  const bool sweep = !news_can_come_first || options.sweep_due;
  if (ledger.walk && ledger.walk->goal == Walk::Goal::sweep && news_can_come_first) {
    stages_ = {Stage::head, Stage::resume};  // The sweep may still be long.
  } else if (ledger.walk) {
    stages_ = {Stage::resume, Stage::head};
  } else {
    // A sweep that fails must not keep the news waiting.
    const bool news_first = options.failed_before && news_can_come_first;
    if (sweep && news_first) stages_.push_back(Stage::head);
    stages_.push_back(sweep ? Stage::sweep : Stage::head);
  }
  stages_.push_back(Stage::records);
  begin_stage(ledger);
}

// ── Stages ───────────────────────────────────────────────────────────────────────────────────────

void ListReader::begin_stage(const Ledger& ledger) {
  switch (stages_.front()) {
    case Stage::resume:
      run_ = resume_walk(ledger);
      break;
    case Stage::head:
      run_ = walk_to_anchor(ledger, options_, wants_small_head(ledger));
      break;
    case Stage::sweep:
      run_ = walk_whole_list(ledger, options_);
      progress_.met.clear();
      progress_.whole = true;
      break;
    case Stage::records:
      run_ = {};
      break;
  }
}

void ListReader::end_stage(const Ledger& ledger) {
  stages_.erase(stages_.begin());
  // Where the order is not proven, only whole readings tell anything.
  while (!stages_.empty() && stages_.front() == Stage::head && !is_proven(ledger.order)) {
    stages_.erase(stages_.begin());
  }
  if (!stages_.empty()) begin_stage(ledger);
}

bool ListReader::complete() const {
  return !error_ && (stages_.empty() || stages_.front() == Stage::records);
}

/// A head walk ahead of a pending sweep must not overwrite where that one is.
bool ListReader::sweep_waits() const {
  return stages_.size() > 1 && stages_[0] == Stage::head && stages_[1] == Stage::resume;
}

/// Open records that nobody tells of by id have to be found in the list, wherever they are.
bool ListReader::wants_small_head(const Ledger& ledger) const {
  const bool smaller = options_.head_page_size > 0 && options_.head_page_size < options_.page_size;
  return smaller && open_not_met(ledger).empty();
}

std::vector<const OpenRecord*> ListReader::open_not_met(const Ledger& ledger) const {
  return open_.missing_in_list(ledger, progress_);
}

std::optional<ListRequest> ListReader::next(const Ledger& ledger) const {
  if (stages_.empty() || error_) return std::nullopt;
  if (stages_.front() == Stage::records) {
    const auto id = open_.next_id(ledger, progress_);
    if (!id) return std::nullopt;
    return ListRequest{ListRequest::What::record, {}, *id};
  }
  if (run_.unreadable && run_.unreadable->is_probing()) {
    return ListRequest{ListRequest::What::page, run_.unreadable->probe(), {}};
  }
  // A search for unreadable rows or for an end is not cut: the next visit would begin it again.
  const bool may_cut = !run_.unreadable && !run_.end.asks_behind();
  if (pages_read_ >= options_.pages_per_visit && may_cut) return std::nullopt;
  return ListRequest{ListRequest::What::page, run_.asked(), {}};
}

void ListReader::apply_record(Ledger& ledger, const Result<Record>& record,
                              const MergeContext& context, MergeEffects& effects) {
  open_.apply(ledger, progress_, record, context, effects);
}

// ── A page that was read ─────────────────────────────────────────────────────────────────────────

void ListReader::apply_page(Ledger& ledger, const Page& page, const MergeContext& context,
                            MergeEffects& effects) {
  ++pages_read_;
  effects.changed = true;
  if (run_.walk.started_at == UnixMillis{}) {
    run_.walk.started_at = context.seen_at;
    run_.totals.set_first(page.total);
    run_.walk.first_total = page.total.value_or(0);
  }
  const PageFacts facts = merge_page(ledger, page, context, effects);
  run_.totals.add(facts.seen, options_.page_size);
  if (run_.unreadable && run_.unreadable->is_probing()) {
    const Error failure = run_.unreadable->error();
    if (!search_unreadable_page(ledger)) error_ = failure;
    return;
  }
  if (run_.unreadable && run_.unreadable->asks_behind()) {
    run_.ask(run_.unreadable->go_on_within());
    run_.previous_start.reset();  // What was read last is from elsewhere.
    return;
  }
  if (run_.unreadable) {
    if (run_.unreadable->has_failed_rows()) leave_rows_unread(ledger);
    if (run_.unreadable->asks_beyond()) run_.unreadable.reset();
  }
  if (order_is_contradicted(ledger, facts)) {
    const bool from_the_start = run_.seeking;
    turn_into_sweep(ledger);
    if (from_the_start) return;
  }
  after_page(ledger, facts, effects);
}

PageFacts ListReader::merge_page(Ledger& ledger, const Page& page, const MergeContext& context,
                                 MergeEffects& effects) {
  PageFacts facts;
  facts.seen = {run_.asked(), page.rows, page.total, page.page_size};
  std::vector<RecordKey> keys;
  const std::uint64_t known_before = ledger.known;
  // Neighbours on one page tell the order; across pages the list may have moved in between.
  if (run_.walk.page_size > 2 || run_.seeking) run_.previous_start.reset();
  for (const Record& record : page.records) {
    keys.push_back(record.key);
    facts.add(merge_record(ledger, record, context, effects), ledger.order);
    if (record.open || record.needs_details) open_.note_met(record.key);
    if (!record.started_at) continue;
    facts.starts.add(*record.started_at, run_.previous_start);
    run_.previous_start = record.started_at;
  }
  note_known(ledger, known_before, facts, std::move(keys));
  run_.note(facts);
  return facts;
}

/// Counts the records of a page that the walk had not met before.
void ListReader::note_known(const Ledger& ledger, std::uint64_t known_before, PageFacts& facts,
                            std::vector<RecordKey> keys) {
  const bool sweeps = run_.sweeps();
  facts.new_to_walk = add_met(sweeps ? progress_.met : run_.met.keys, std::move(keys));
  // After a restart in mid-sweep, only records unknown to the ledger are certainly new.
  const bool forgot = sweeps && !progress_.whole;
  run_.walk.records_met += forgot ? ledger.known - known_before : facts.new_to_walk;
}

bool ListReader::order_is_contradicted(const Ledger& ledger, const PageFacts& facts) const {
  if (run_.sweeps() || !ledger.read_whole) return false;
  // No unknown record should follow an anchored one; if one does, read the whole list.
  if (facts.news_behind_anchor) return true;
  return contradicts_order(facts.starts, facts.seen.asked.index == 0, ledger);
}

/// What follows from a page whose records are merged.
void ListReader::after_page(Ledger& ledger, const PageFacts& facts, MergeEffects& effects) {
  const bool small_head = std::exchange(run_.small_head, false);
  if (run_.seeking && (facts.anchor_met() || facts.seen.asked.index == 0)) run_.seeking = false;
  if (run_.seeking) return walk_on(ledger, facts);
  const std::uint64_t row_behind = first_row(facts.seen.asked) + facts.seen.rows;
  const bool list_ended = list_ends_here(ledger, facts);
  // Small pages of the head may leave out what a sweep stumbles over.
  const bool reached =
      run_.sweeps() && (list_ended || (ledger.unread_from && row_behind > *ledger.unread_from));
  if (reached && !run_.left_rows_unread) ledger.unread_from.reset();
  if (list_ended || goal_reached(ledger, facts)) {
    finish_walk(ledger, list_ended, effects);
  } else if (small_head && !run_.sweeps()) {
    run_.walk.page_size = options_.page_size;  // More news than was expected: from the start.
  } else {
    walk_on(ledger, facts);
    if (!error_ && !run_.end.asks_behind() && lies_beyond_reach(ledger)) {
      end_before(run_.walk.next_page, ledger, effects);
    }
  }
}

/// A first reading trusts no hint of the end, a due sweep none about later pages, since servers
/// change. Only a first page is judged by page sizes seen lately.
bool ListReader::list_ends_here(const Ledger& ledger, const PageFacts& facts) {
  if (facts.seen.rows > 0 && !run_.end.asks_behind()) {
    run_.end.set_last_page(run_.unreadable ? run_.unreadable->page().index
                                           : facts.seen.asked.index);
  }
  EndSearch::Rules rules;
  rules.short_below = ledger.read_whole ? options_.short_below : 0;
  rules.proves_later_end = run_.sweeps() && (!ledger.read_whole || options_.sweep_due);
  rules.may_ask_behind = !run_.unreadable;
  return run_.end.is_end(facts.seen, facts.new_to_walk, rules);
}

bool ListReader::goal_reached(const Ledger& ledger, const PageFacts& facts) const {
  if (ledger.order != ListOrder::newest_first || !ledger.read_whole) return false;
  const auto& oldest = facts.starts.oldest;
  if (run_.sweeps()) {
    // What could not be read is tried again, and lies further down.
    const std::uint64_t row = first_row(facts.seen.asked);
    if (ledger.unread_from && row < *ledger.unread_from) return false;
    // After a long silence the horizon may have passed records that nobody has read yet.
    const UnixMillis horizon = run_.walk.started_at - options_.lookback;
    return run_.met.anchored > 0 && oldest && *oldest < horizon && !run_.contradicts(ledger.order);
  }
  if (!facts.anchor_met()) return false;
  // Where nobody tells of open records by id: go on down to the oldest of them.
  const auto missing = open_not_met(ledger);
  return std::none_of(missing.begin(), missing.end(),
                      [&](const OpenRecord* open) { return oldest && open->placed_at < *oldest; });
}

void ListReader::walk_on(Ledger& ledger, const PageFacts& facts) {
  if (run_.is_stuck(facts)) {
    error_ = Error{ErrorKind::malformed, "page_stuck: the list repeats the same page", {}, {}};
    ledger.walk.reset();
    return;
  }
  run_.ask_next(facts);
  const bool resumable =
      !run_.seeking && !run_.unreadable && !run_.end.asks_behind() && run_.walk.next_page > 0;
  const bool visit_ends = pages_read_ >= options_.pages_per_visit;
  if (resumable && (!sweep_waits() || visit_ends)) ledger.walk = run_.walk;
}

// ── A page that could not be read ────────────────────────────────────────────────────────────────

bool ListReader::apply_page_error(Ledger& ledger, const Error& error, MergeEffects& effects) {
  if (!traits(error.kind).concerns_page) return false;
  if (run_.seeking && run_.walk.next_page > 0) return seek_around(error);
  run_.seeking = false;  // Nothing is further back than the first page.
  if (!run_.unreadable) return meet_unreadable_page(ledger, error);
  if (run_.unreadable->is_probing()) {
    if (run_.unreadable->probe_another_row()) return true;
    run_.unreadable.reset();
    return false;
  }
  if (const auto next = run_.unreadable->after_failure(run_.asked())) {
    run_.ask(*next);
    return true;
  }
  if (pages_read_ == 0) return false;  // Nothing at all can be read.
  leave_rows_unread(ledger);
  end_before(run_.unreadable->page().index, ledger, effects);
  return true;
}

/// While an oldest-first list is searched for a known record: further back.
bool ListReader::seek_around(const Error& error) {
  if (!traits(error.kind).lasting && !options_.failed_before) return false;  // It may pass.
  run_.seek_back();
  return true;
}

/// A page fails for the first time in this visit. False: that ends the visit.
bool ListReader::meet_unreadable_page(const Ledger& ledger, const Error& error) {
  run_.unreadable.emplace(run_.asked(), error);
  const bool is_head = run_.walk.next_page == 0;
  if (is_known_to_fail(ledger) && (is_head || pages_read_ > 0)) {
    return search_unreadable_page(ledger);
  }
  if (is_head) {
    if (!options_.first_page_fails) run_.unreadable.reset();
    return options_.first_page_fails;
  }
  // If the head could be read a moment ago, this page alone is to blame. Rights end at a moment.
  const bool rights = error.kind == ErrorKind::forbidden || error.kind == ErrorKind::not_found;
  return pages_read_ == 0 || rights || search_unreadable_page(ledger);
}

bool ListReader::is_known_to_fail(const Ledger& ledger) const {
  return ledger.unread_from && contains_row(run_.unreadable->page(), *ledger.unread_from);
}

/// That the same page failed at the visit before is remembered, too.
bool ListReader::fails_often(const Ledger& ledger) {
  // Where rows were left out a moment ago, others are as bad.
  if (options_.first_page_fails || is_known_to_fail(ledger) || run_.left_rows_unread) return true;
  const std::uint64_t row = first_row(run_.unreadable->page());
  progress_.failed_times = progress_.failed_row == row ? progress_.failed_times + 1 : 1;
  progress_.failed_row = row;
  return progress_.failed_times >= kFailuresBelieved;
}

/// False: the failure may pass, and ends the visit.
bool ListReader::search_unreadable_page(const Ledger& ledger) {
  const bool often = fails_often(ledger);
  if (!traits(run_.unreadable->error().kind).lasting && !often) {
    run_.unreadable.reset();
    return false;
  }
  run_.ask(run_.unreadable->begin_search(options_.short_below, options_.try_unreadable));
  return true;
}

void ListReader::leave_rows_unread(Ledger& ledger) {
  const std::uint64_t row = run_.unreadable->first_failed_row();
  // A sweep comes from the first row; what a shorter walk does not meet is still unread.
  const bool is_first = run_.sweeps() ? !run_.left_rows_unread : row < ledger.unread_from;
  if (!ledger.unread_from || is_first) ledger.unread_from = row;
  run_.left_rows_unread = true;
  unreadable_ = run_.unreadable->error();
}

/// What could not be read is asked for now and then: other walks end before it.
bool ListReader::lies_beyond_reach(const Ledger& ledger) const {
  const bool comes_often = run_.sweeps() || ledger.order == ListOrder::oldest_first;
  if (!comes_often || options_.try_unreadable || run_.unreadable || !ledger.read_whole)
    return false;
  return ledger.unread_from && contains_row(run_.asked(), *ledger.unread_from);
}

// ── The end of a walk ────────────────────────────────────────────────────────────────────────────

/// The list is not in the order it was in: all of it has to be read.
void ListReader::distrust_order(Ledger& ledger) {
  ledger.order = ListOrder::unknown;
  ledger.walk.reset();
  std::erase(stages_, Stage::resume);
  stages_.front() = Stage::sweep;
}

/// The walk under way becomes a reading of all of the list.
void ListReader::turn_into_sweep(Ledger& ledger) {
  distrust_order(ledger);
  run_.walk.goal = Walk::Goal::sweep;
  progress_.whole = !run_.resumed || run_.seeking;
  if (run_.seeking) {
    run_.seeking = false;
    run_.walk.next_page = 0;
    run_.met.keys.clear();
  }
  progress_.met = std::move(run_.met.keys);
}

/// The list from `page` on is out of reach: this walk is over.
void ListReader::end_before(int page, Ledger& ledger, MergeEffects& effects) {
  if (run_.unreadable) run_.walk.page_size = run_.unreadable->page().size;
  run_.end.set_last_page(std::max(0, page - 1));
  run_.unreadable.reset();
  run_.left_rows_unread = true;
  finish_walk(ledger, false, effects);
}

void ListReader::finish_walk(Ledger& ledger, bool list_ended, MergeEffects& effects) {
  const FinishedWalk walk(run_, options_, list_ended);
  if (walk.is_gap()) ++effects.history_gaps;
  if (run_.sweeps()) {
    const SweepResult sweep = walk.close_sweep(ledger, progress_, effects);
    sweep_ok_ = sweep.clean;
    if (sweep.read_again) {
      stages_.front() = Stage::sweep;
      return begin_stage(ledger);
    }
  } else if (walk.lost_tail(ledger)) {
    distrust_order(ledger);
    return begin_stage(ledger);
  } else {
    if (!sweep_waits()) ledger.walk.reset();
    if (!open_not_met(ledger).empty()) ledger.sweep_wanted = true;
    walk.close_head_walk(ledger, progress_);
  }
  if (run_.met.newest_start) ledger.newest_listed = run_.met.newest_start;
  end_stage(ledger);
}

}  // namespace registry_exporter::ingest
