#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/ingest/ledger_rules.h"
#include "exporter/ingest/list_reader_options.h"
#include "exporter/ingest/open_record_search.h"
#include "exporter/ingest/sweep_progress.h"
#include "exporter/ingest/walk_run.h"
#include "exporter/model/cloud.h"
#include "exporter/model/ledger.h"

namespace registry_exporter::ingest {

/// What to ask the cloud for next.
struct ListRequest {
  enum class What { page, record } what = What::page;
  PageRequest page;
  std::string record_id;
};

/// Reads one list in one visit: decides which page or record to ask for next, merges the answers,
/// and concludes. Pure but for the ledger that is handed in at each step: the caller calls the
/// cloud in between, holding no lock.
///
///  - Newest first: pages from the head to an anchored record.
///  - Oldest first: back from where the last walk ended to a page with an anchored record, then on
///    to the end.
///  - Order not proven, first reading, or a sweep due: the whole list; down to the lookback horizon
///    where the order is proven.
///
/// Where a list ends: see EndSearch.
///
/// A page that is refused for good, or fails again and again, though the head of the list can be
/// read, is searched for the rows that can't be read (see UnreadablePage); the others count as
/// ever. If the page behind it fails, too, the walk ends there (Ledger::unread_from). The next
/// sweep tries again.
class ListReader {
 public:
  ListReader(const Ledger& ledger, ListReaderOptions options, SweepProgress progress);

  /// nullopt: this visit is over.
  std::optional<ListRequest> next(const Ledger& ledger) const;
  void apply_page(Ledger& ledger, const Page& page, const MergeContext& context,
                  MergeEffects& effects);
  void apply_record(Ledger& ledger, const Result<Record>& record, const MergeContext& context,
                    MergeEffects& effects);
  /// The page asked for could not be read. True: the visit goes on around it. False: it is over.
  bool apply_page_error(Ledger& ledger, const Error& error, MergeEffects& effects);

  /// Some records that have ended are still to be asked for by id.
  bool awaits_details(const Ledger& ledger) const {
    return open_.awaits_details(ledger, progress_);
  }
  /// The visit read all that it came for: the list is up to date.
  bool complete() const;
  /// Set when the answers made no sense (a list that repeats one page for ever).
  const std::optional<Error>& error() const { return error_; }
  /// Set when a sweep ended: was it clean?
  std::optional<bool> sweep_ok() const { return sweep_ok_; }
  /// Why this visit left rows unread, if it did.
  const std::optional<Error>& unreadable() const { return unreadable_; }
  SweepProgress take_progress() { return std::move(progress_); }

 private:
  enum class Stage { resume, head, sweep, records };

  void begin_stage(const Ledger& ledger);
  void end_stage(const Ledger& ledger);
  bool sweep_waits() const;
  bool wants_small_head(const Ledger& ledger) const;
  std::vector<const OpenRecord*> open_not_met(const Ledger& ledger) const;

  // A page that was read.
  PageFacts merge_page(Ledger& ledger, const Page& page, const MergeContext& context,
                       MergeEffects& effects);
  void note_known(const Ledger& ledger, std::uint64_t known_before, PageFacts& facts,
                  std::vector<RecordKey> keys);
  bool order_is_contradicted(const Ledger& ledger, const PageFacts& facts) const;
  void after_page(Ledger& ledger, const PageFacts& facts, MergeEffects& effects);
  bool list_ends_here(const Ledger& ledger, const PageFacts& facts);
  bool goal_reached(const Ledger& ledger, const PageFacts& facts) const;
  void walk_on(Ledger& ledger, const PageFacts& facts);

  // A page that could not be read.
  bool seek_around(const Error& error);
  bool meet_unreadable_page(const Ledger& ledger, const Error& error);
  bool is_known_to_fail(const Ledger& ledger) const;
  bool fails_often(const Ledger& ledger);
  bool search_unreadable_page(const Ledger& ledger);
  void leave_rows_unread(Ledger& ledger);
  bool lies_beyond_reach(const Ledger& ledger) const;

  // The end of a walk.
  void distrust_order(Ledger& ledger);
  void turn_into_sweep(Ledger& ledger);
  void end_before(int page, Ledger& ledger, MergeEffects& effects);
  void finish_walk(Ledger& ledger, bool list_ended, MergeEffects& effects);

  ListReaderOptions options_;
  SweepProgress progress_;
  std::vector<Stage> stages_;  ///< Still to do; the first is under way.
  WalkRun run_;                ///< Of the stage under way.
  OpenRecordSearch open_;
  int pages_read_ = 0;
  std::optional<bool> sweep_ok_;
  std::optional<Error> unreadable_;
  std::optional<Error> error_;
};

}  // namespace registry_exporter::ingest
