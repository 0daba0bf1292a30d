#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/ingest/ledger_rules.h"
#include "exporter/model/cloud.h"
#include "exporter/model/ledger.h"

namespace registry_exporter {

/// What the cloud is asked next.
struct Ask {
  enum class What { page, record } what = What::page;
  PageRequest page;
  std::string record_id;
};

/// Which records a sweep has met so far; kept between the visits of a long one, in memory only.
struct SweepProgress {
  std::vector<RecordKey> met;  ///< Sorted.
  bool whole = false;          ///< From the sweep's first page on, without a restart in between.
  /// Records that the total promised beyond those met, at the last sweep that ended so.
  std::optional<std::uint64_t> missing_before;
  int first_readings = 0;  ///< Whole readings tried before the first clean one.
};

struct ReadingOptions {
  int page_size = 100;
  /// Of a walk from the head of a newest-first list: little news is expected. Where it does not
  /// reach an anchor, the walk starts again with `page_size`. 0: the same as that.
  int head_page_size = 0;
  Millis lookback{0};
  /// Pages in one visit; a longer walk goes on at the next one. Fairness, not a limit.
  int pages_per_visit = 16;
  bool sweep_due = false;
  bool point_reads = false;  ///< Single records may be asked for by id.
};

/// One visit to one repository's list: decides which page or record to ask for next, merges what
/// comes, and concludes. Pure but for the ledger that is handed in at each step: the caller calls
/// the cloud in between, holding no lock.
///
///  - Newest first: pages from the head to an anchored record.
///  - Oldest first: back from where the last walk ended to a page with an anchored record, then on
///    to the end.
///  - Order not proven, first reading, or a sweep due: the whole list; down to the lookback horizon
///    where the order is proven.
///
/// A short or empty page ends a list only if the total agrees or the next page is empty, too.
class Reading {
 public:
  Reading(const Ledger& ledger, ReadingOptions options, SweepProgress progress);

  /// nullopt: this visit is over.
  std::optional<Ask> next(const Ledger& ledger) const;
  void apply_page(Ledger& ledger, const Page& page, const MergeContext& context,
                  MergeEffects& effects);
  void apply_record(Ledger& ledger, const Result<Record>& record, const MergeContext& context,
                    MergeEffects& effects);

  /// The visit read all that it came for: the repository is up to date.
  bool complete() const;
  /// Set when the answers made no sense (a list that repeats one page for ever).
  const std::optional<Error>& error() const { return error_; }
  /// Set when a sweep ended: was it clean?
  std::optional<bool> sweep_ok() const { return sweep_ok_; }
  bool point_reads_refused() const { return point_reads_refused_; }
  SweepProgress take_progress() { return std::move(progress_); }

 private:
  enum class Stage { resume, head, sweep, records };
  struct PageFacts;

  PageFacts merge_page(Ledger& ledger, const Page& page, const MergeContext& context,
                       MergeEffects& effects);
  void begin_stage(const Ledger& ledger);
  void end_stage(const Ledger& ledger);
  bool list_ends_here(const Page& page);
  void walk_on(Ledger& ledger, const PageFacts& facts, const Page& page);
  void seek_anchor(const PageFacts& facts);
  bool goal_reached(const Ledger& ledger, const PageFacts& facts) const;
  void turn_into_sweep(Ledger& ledger);
  void finish_walk(Ledger& ledger, bool list_ended, MergeEffects& effects);
  bool finish_sweep(Ledger& ledger, bool list_ended, MergeEffects& effects);
  bool sweep_was_clean(bool list_ended);
  bool finish_head_walk(Ledger& ledger, bool list_ended);
  bool sweep_waits() const;
  bool wants_small_head(const Ledger& ledger) const;
  std::vector<const OpenRecord*> open_not_met(const Ledger& ledger) const;

  ReadingOptions options_;
  SweepProgress progress_;
  std::vector<Stage> stages_;  ///< Still to do; the first is under way.
  Walk walk_;
  std::vector<RecordKey> head_met_;  ///< By a walk to an anchor, in this visit. Sorted.
  bool resumed_ = false;             ///< The walk under way began in an earlier visit.
  bool seeking_ = false;  ///< oldest_first: still looking for an anchored record, backwards.
  int seek_step_ = 1;
  bool small_head_ = false;  ///< The page asked for is the first and smaller one.
  int pages_read_ = 0;
  int empty_in_a_row_ = 0;
  int repeats_in_a_row_ = 0;
  std::uint64_t unknown_met_ = 0;   ///< By this walk.
  std::uint64_t anchored_met_ = 0;  ///< By this walk.
  std::optional<std::uint64_t> first_total_;
  std::optional<std::uint64_t> last_total_;
  std::optional<UnixMillis> newest_met_;
  std::optional<UnixMillis> previous_start_;
  bool had_anchored_ = false;        ///< Before this walk, anything was anchored.
  std::vector<RecordKey> open_met_;  ///< In this visit.
  int records_asked_ = 0;
  bool point_reads_refused_ = false;
  std::optional<bool> sweep_ok_;
  std::optional<Error> error_;
};

}  // namespace registry_exporter
