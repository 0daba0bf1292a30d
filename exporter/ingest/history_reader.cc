#include "exporter/ingest/history_reader.h"

#include <algorithm>
#include <unordered_map>

#include "exporter/ingest/event_rules.h"
#include "exporter/ingest/list_order.h"
#include "exporter/ingest/list_reader.h"

namespace registry_exporter::ingest {
namespace {

/// Visits in a row that fail and read nothing new before the rest of a list is given up.
constexpr int kFailuresMax = 6;
/// A first page that fails so often may have a row that breaks it.
constexpr int kFailuresBeforeProbe = 3;
constexpr Millis kFirstPause{500};
/// Visits of one list. Each one that does not fail reads further.
constexpr int kVisitsMax = 50'000;

/// Which rows a page had, and when the oldest of them began.
struct PageRows {
  std::uint64_t end = 0;  ///< The row behind it.
  std::optional<UnixMillis> oldest_start;
};

/// What pages told of the length of the list.
struct PromisedTotal {
  std::optional<std::uint64_t> latest;
  bool moved = false;

  void tell(std::optional<std::uint64_t> total) {
    moved |= latest && total != latest;
    latest = total;
  }
};

/// One list being read: the ledger only tells the reader what was met.
class HistoryReader {
 public:
  HistoryReader(Cloud& cloud, const ListRef& list, const HistoryReading& options)
      : cloud_(cloud), list_(list), options_(options) {}

  ListHistory run() {
    for (int visits = 0; visits < kVisitsMax && !ledger_.read_whole; ++visits) {
      visit();
      if (!failure_) {
        failures_ = 0;
        continue;
      }
      // The first failure is followed by the pause, each next one by twice as much.
      const Millis pause = kFirstPause * (1 << failures_);
      if (++failures_ >= kFailuresMax || is_hopeless(*failure_)) break;
      options_.pause(pause);
    }
    return result();
  }

 private:
  /// Whatever else is read of this list is refused as well.
  bool is_hopeless(const Error& error) const {
    const bool nothing_read = pages_.empty();
    const bool row_may_be_to_blame =
        traits(error.kind).concerns_row && failures_ <= kFailuresBeforeProbe;
    return traits(error.kind).fails_every_call ||
           (traits(error.kind).lasting && nothing_read && !row_may_be_to_blame);
  }

  ListReaderOptions reader_options() const {
    ListReaderOptions reading;
    reading.page_size = options_.page_size;
    reading.failed_before = failures_ > 0;
    reading.first_page_fails = failures_ >= kFailuresBeforeProbe && failure_ && pages_.empty() &&
                               traits(failure_->kind).concerns_row;
    return reading;
  }

  void visit() {
    ListReader reading(ledger_, reader_options(), std::move(progress_));
    failure_.reset();
    while (const auto ask = reading.next(ledger_)) {
      if (ask->what != ListRequest::What::page) break;  // Open records are not history.
      const Result<Page> page = cloud_.list_records(list_, ask->page);
      MergeEffects effects;
      if (!page) {
        if (reading.apply_page_error(ledger_, page.error(), effects)) continue;
        failure_ = page.error();
        failed_row_ = first_row(ask->page);
        break;
      }
      take(*page, ask->page);
      reading.apply_page(ledger_, *page, context_of(*page), effects);
    }
    if (!failure_) failure_ = reading.error();
    if (reading.unreadable()) unreadable_ = reading.unreadable();
    progress_ = reading.take_progress();
  }

  MergeContext context_of(const Page& page) const {
    MergeContext context;
    context.kind = list_.kind;
    context.seen_at = page.server_time.value_or(options_.now);
    return context;
  }

  void take(const Page& page, const PageRequest& asked) {
    PageRows rows{first_row(asked) + page.rows, std::nullopt};
    const UnixMillis server_time = page.server_time.value_or(options_.now);
    std::optional<UnixMillis> before;
    for (const Record& record : page.records) {
      if (record.started_at) {
        const UnixMillis start = *record.started_at;
        starts_.add(start, before);
        before = start;
        rows.oldest_start = std::min(rows.oldest_start.value_or(start), start);
      }
      if (record.open) continue;
      PastRecord past{record.key,     record.started_at, record.ended_at,
                      record.outcome, record.owner,      record.parts};
      if (record.needs_details) past.id_of_details = record.id;
      past.duration = valid_duration(record);
      if (past.ended_at > server_time + kEndAheadMax) past.ended_at.reset();
      records_.insert_or_assign(record.key, past);
    }
    pages_.push_back(rows);
    if (page.rows == 0) return;
    if (rows.end > rows_met_) failures_ = 0;
    rows_met_ = std::max(rows_met_, rows.end);
    total_.tell(page.total);
  }

  ListHistory result() {
    ListHistory history;
    history.records.reserve(records_.size());
    for (const auto& [key, record] : records_) history.records.push_back(record);
    std::optional<std::uint64_t> missing_from;
    if (!ledger_.read_whole) {
      history.cut_off =
          failure_.value_or(Error{ErrorKind::malformed, "the list has no end", {}, {}});
      missing_from = failed_row_.value_or(0);
    } else if (unreadable_) {
      history.cut_off = unreadable_;
      missing_from = ledger_.unread_from;
    } else if (ends_early()) {
      history.cut_off = Error{ErrorKind::malformed,
                              "the list ends after " + std::to_string(rows_met_) + " of " +
                                  std::to_string(*total_.latest) + " records",
                              {},
                              {}};
      missing_from = rows_met_;
    }
    const ListOrder order = judge_order(starts_.descending, starts_.ascending);
    if (missing_from && order == ListOrder::newest_first) {
      history.whole_since = oldest_before(*missing_from);
    }
    return history;
  }

  /// A total that stays the same and promises more than a page beyond the end is believed: the
  /// server does not show the rest.
  bool ends_early() const {
    return total_.latest && !total_.moved &&
           *total_.latest > rows_met_ + static_cast<std::uint64_t>(options_.page_size);
  }

  std::optional<UnixMillis> oldest_before(std::uint64_t row) const {
    std::optional<UnixMillis> oldest;
    for (const PageRows& page : pages_) {
      if (page.end > row || !page.oldest_start) continue;
      oldest = std::min(oldest.value_or(*page.oldest_start), *page.oldest_start);
    }
    return oldest;
  }

  Cloud& cloud_;
  const ListRef& list_;
  const HistoryReading& options_;
  Ledger ledger_;
  SweepProgress progress_;
  std::unordered_map<RecordKey, PastRecord> records_;
  std::vector<PageRows> pages_;
  std::uint64_t rows_met_ = 0;
  PageStarts starts_;  ///< Of all pages; neighbours on one page tell the order.
  PromisedTotal total_;
  int failures_ = 0;  ///< Visits in a row.
  std::optional<Error> failure_;
  std::optional<std::uint64_t> failed_row_;
  std::optional<Error> unreadable_;
};

}  // namespace

ListHistory read_history(Cloud& cloud, const ListRef& list, const HistoryReading& options) {
  return HistoryReader(cloud, list, options).run();
}

}  // namespace registry_exporter::ingest
