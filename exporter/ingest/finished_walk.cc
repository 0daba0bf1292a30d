#include "exporter/ingest/finished_walk.h"

#include <algorithm>
#include <utility>

namespace registry_exporter::ingest {
namespace {

/// Sweeps in a row that are not clean before the last one is believed all the same: the totals of
/// this list say nothing.
constexpr int kUncleanSweepsMax = 3;
/// Sweeps that a total asked for and that found nothing, before no total is asked any more.
constexpr int kFalseAlarmsMax = 3;

}  // namespace

/// All that can be read of the list was read, nothing of it was known before, and there is news:
/// what was listed between the last reading and this one may have come and gone.
bool FinishedWalk::is_gap() const {
  return (list_ended_ || run_.left_rows_unread) && !run_.resumed && run_.had_anchored &&
         run_.met.anchored == 0 && run_.met.unknown > 0;
}

bool FinishedWalk::lost_tail(const Ledger& ledger) const {
  return ledger.order == ListOrder::oldest_first && !run_.left_rows_unread &&
         ledger.newest_listed &&
         run_.met.newest_start.value_or(UnixMillis{}) < *ledger.newest_listed;
}

void FinishedWalk::close_head_walk(Ledger& ledger, const SweepProgress& progress) const {
  anchor_all(ledger);
  const bool reached_tail = list_ended_ || run_.left_rows_unread;
  if (ledger.order == ListOrder::oldest_first && reached_tail) remember_tail(ledger);
  if (run_.totals.first() && !run_.totals.lie()) judge_total(ledger, progress);
}

/// A total that is not the one before plus the news: rows went, or some were not met.
void FinishedWalk::judge_total(Ledger& ledger, const SweepProgress& progress) const {
  const std::uint64_t total = *run_.totals.first();
  if (ledger.total_prev && progress.false_alarms < kFalseAlarmsMax) {
    const std::uint64_t expected = *ledger.total_prev + run_.met.unknown;
    if (total < expected) ledger.capped = true;
    if (total > expected && !ledger.capped) ledger.sweep_wanted = true;
  }
  ledger.total_prev = total;
}

/// The page that the next walk of an oldest-first list begins with.
void FinishedWalk::remember_tail(Ledger& ledger) const {
  ledger.tail_page = run_.end.last_page();
  ledger.tail_page_size = run_.unreadable          ? run_.unreadable->page().size
                          : run_.end.asks_behind() ? run_.end.short_page().size
                                                   : run_.walk.page_size;
  // A first page that proved to be all of the list is asked for as long as any.
  if (run_.end.is_one_short_page()) ledger.tail_page_size = options_.page_size;
}

/// No removal was noticed, and all that the total promised was met: nothing can have been jumped.
/// A total that promises the same too many twice is a total that lies.
bool FinishedWalk::agrees_with_total(SweepProgress& progress) const {
  const auto& first = run_.totals.first();
  const auto& last = run_.totals.last();
  if (!first || !last || run_.totals.lie()) return true;
  if (*last < *first) return false;
  const bool all_met = !list_ended_ || run_.walk.records_met >= *first;
  if (all_met) {
    progress.missing_before.reset();
    return true;
  }
  const std::uint64_t missing = *first - run_.walk.records_met;
  const bool same_again = progress.missing_before == missing;
  progress.missing_before = missing;
  return same_again;
}

SweepResult FinishedWalk::close_sweep(Ledger& ledger, SweepProgress& progress,
                                      MergeEffects& effects) const {
  const bool agrees = agrees_with_total(progress);
  progress.unclean = agrees ? 0 : std::min(progress.unclean + 1, kUncleanSweepsMax);
  const bool believed = agrees || progress.unclean == kUncleanSweepsMax;
  const bool clean = believed && !run_.left_rows_unread;
  ledger.order = judge_order(run_.walk.pairs_descending, run_.walk.pairs_ascending);
  remember_tail(ledger);
  ledger.walk.reset();
  if (!ledger.read_whole) {
    if (!believed && !run_.left_rows_unread) return {.clean = clean, .read_again = true};
    end_first_reading(ledger, effects);
  }
  anchor_all(ledger);
  ledger.total_prev = run_.totals.last();
  ledger.capped = false;
  if (std::exchange(ledger.sweep_wanted, false)) {
    progress.false_alarms = run_.met.unknown == 0 ? progress.false_alarms + 1 : 0;
  }
  if (believed) apply_findings(ledger, progress, effects);
  if (options_.sweep_due) progress.refused_ids.clear();
  return {.clean = clean, .read_again = false};
}

/// A record that goes moves those behind it to a page that was read before, unseen if the newest
/// are not first and a new one comes for each that goes. Between two visits many may go; between
/// two pages those of an oldest-first list that are older than what the next page showed.
std::optional<UnixMillis> FinishedWalk::may_have_jumped(const Ledger& ledger) const {
  const bool oldest_first = ledger.order == ListOrder::oldest_first;
  const bool many_pages = run_.end.last_page() > 0;
  if (oldest_first ? run_.resumed : many_pages && !is_proven(ledger.order)) {
    return run_.walk.started_at;
  }
  return oldest_first && many_pages ? run_.met.newest_start : std::nullopt;
}

void FinishedWalk::end_first_reading(Ledger& ledger, MergeEffects& effects) const {
  // Unread records may be listed later; only their times show that they are history.
  const auto jumped = may_have_jumped(ledger);
  const auto may_show_later = run_.left_rows_unread ? run_.walk.started_at : jumped;
  if (ledger.baseline_pending && may_show_later) ledger.history_before = may_show_later;
  if (!ledger.baseline_pending && run_.left_rows_unread) ++effects.history_gaps;
  ledger.read_whole = true;
  ledger.baseline_pending = false;
}

void FinishedWalk::apply_findings(Ledger& ledger, const SweepProgress& progress,
                                  MergeEffects& effects) const {
  SweepFindings findings;
  findings.met = progress.met;
  findings.refused_ids = progress.refused_ids;
  findings.started_at = run_.walk.started_at;
  findings.own_time = options_.own_time;
  findings.lookback = options_.lookback;
  findings.whole = list_ended_ && !run_.left_rows_unread;
  findings.met_is_whole = progress.whole;
  findings.left_out_rows = run_.left_rows_unread;
  findings.point_reads = options_.point_reads;
  findings.kept_below = std::max<std::size_t>(100, static_cast<std::size_t>(options_.page_size));
  conclude_sweep(ledger, findings, effects);
  if (!run_.left_rows_unread) ledger.last_sweep = run_.walk.started_at;
}

}  // namespace registry_exporter::ingest
