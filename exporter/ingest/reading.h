#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/ingest/ledger_rules.h"
#include "exporter/model/cloud.h"
#include "exporter/model/ledger.h"
#include "exporter/model/list_end.h"

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
  int unclean = 0;       ///< Sweeps in a row that did not agree with the total.
  int false_alarms = 0;  ///< Sweeps in a row that a total asked for and that found nothing.
  /// The row whose page failed last, for a reason that may pass, and how often in a row.
  std::optional<std::uint64_t> failed_row;
  int failed_times = 0;
  /// Open records whose own reading is refused, or failed twice in a row: they are followed in the
  /// list, until a sweep ends.
  std::vector<RecordKey> refused_ids;
  std::vector<RecordKey> failed_ids;  ///< Open records whose own reading failed when last tried.
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
  /// A first page of fewer rows is not cut by a limit of the server: see list_end().
  std::size_t short_below = 0;
  bool failed_before = false;  ///< The visit before this one.
  /// The first page has failed often: if one row alone can be read, the page is to blame.
  bool first_page_fails = false;
  /// Rows that could not be read (Ledger::unread_from) are asked for again.
  bool try_unreadable = true;
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
/// Where a list ends, list_end() says; what it can't say is asked once more.
///
/// A page that is refused for good, or fails again and again, though the head of the list can be
/// read, is an obstacle. Smaller pages find the rows that can't be read; the others count as ever.
/// If the page behind it fails, too, the walk ends there (Ledger::unread_from). The next sweep
/// tries again.
class Reading {
 public:
  Reading(const Ledger& ledger, ReadingOptions options, SweepProgress progress);

  /// nullopt: this visit is over.
  std::optional<Ask> next(const Ledger& ledger) const;
  void apply_page(Ledger& ledger, const Page& page, const MergeContext& context,
                  MergeEffects& effects);
  void apply_record(Ledger& ledger, const Result<Record>& record, const MergeContext& context,
                    MergeEffects& effects);
  /// The page asked for could not be read. True: the visit goes on around it. False: it is over.
  bool apply_page_error(Ledger& ledger, const Error& error, MergeEffects& effects);

  /// The visit read all that it came for: the repository is up to date.
  bool complete() const;
  /// Set when the answers made no sense (a list that repeats one page for ever).
  const std::optional<Error>& error() const { return error_; }
  /// Set when a sweep ended: was it clean?
  std::optional<bool> sweep_ok() const { return sweep_ok_; }
  /// Rows that this visit found to be out of reach, in words.
  const std::optional<Error>& unreadable() const { return unreadable_; }
  /// Rows of the longest page.
  std::size_t longest_page() const { return longest_page_; }
  SweepProgress take_progress() { return std::move(progress_); }

 private:
  enum class Stage { resume, head, sweep, records };
  struct PageFacts;

  /// A page that could not be read, and what is being tried about it.
  struct Obstacle {
    enum class Step {
      probe,   ///< Whether another part of the list can be read.
      behind,  ///< Whether the row behind the page can be read.
      within,  ///< Smaller pages within the page.
      beyond,  ///< The page behind it.
    } step = Step::probe;
    PageRequest page;               ///< As it was asked for first.
    PageRequest failed;             ///< The part of it that failed last, while `behind` is asked.
    int probe_row = 0;              ///< That is asked for alone.
    std::uint64_t row = 0;          ///< The first one that can't be read, as far as known.
    int rows_failed = 0;            ///< That can't be divided any more.
    std::uint64_t fails_until = 0;  ///< Where the smallest page that failed so far ends.
    Error error;
  };

  PageFacts merge_page(Ledger& ledger, const Page& page, const MergeContext& context,
                       MergeEffects& effects);
  void begin_stage(const Ledger& ledger);
  void end_stage(const Ledger& ledger);
  bool must_prove_end(const Ledger& ledger) const;
  bool list_ends_here(const Ledger& ledger, const Page& page, const PageFacts& facts);
  void prove_end(std::size_t rows);
  PageSeen seen(const Page& page) const;
  void note_total(const Page& page);
  bool order_is_contradicted(const Ledger& ledger, const PageFacts& facts) const;
  void after_page(Ledger& ledger, const Page& page, const PageFacts& facts, MergeEffects& effects);
  void remember_tail(Ledger& ledger) const;
  std::uint64_t row_asked() const;
  bool seek_around(const Error& error);
  int note_failure(std::uint64_t row);
  bool meet_obstacle(const Ledger& ledger, const Error& error);
  bool is_known_obstacle(const Ledger& ledger) const;
  bool try_around(const Ledger& ledger);
  int size_of_pages() const;
  bool ask_behind();
  void go_on_within();
  bool try_within();
  void ask_within(std::uint64_t row);
  bool ask_beyond();
  void leave_out(Ledger& ledger);
  void pass_obstacle(Ledger& ledger);
  void end_at(int last_page, Ledger& ledger, MergeEffects& effects);
  bool lies_beyond_reach(const Ledger& ledger) const;
  void walk_on(Ledger& ledger, const PageFacts& facts, const Page& page);
  void seek_back();
  bool goal_reached(const Ledger& ledger, const PageFacts& facts) const;
  void turn_into_sweep(Ledger& ledger);
  void finish_walk(Ledger& ledger, bool list_ended, MergeEffects& effects);
  bool finish_sweep(Ledger& ledger, bool list_ended, MergeEffects& effects);
  void conclude(Ledger& ledger, bool list_ended, MergeEffects& effects);
  bool sweep_agrees_with_total(bool list_ended);
  bool finish_head_walk(Ledger& ledger, bool list_ended);
  bool sweep_waits() const;
  bool wants_small_head(const Ledger& ledger) const;
  bool may_ask(RecordKey key) const;
  void note_failed_id(RecordKey key, const Error& error);
  std::vector<const OpenRecord*> open_not_met(const Ledger& ledger, bool by_id) const;

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
  std::size_t longest_page_ = 0;
  std::optional<std::size_t> first_rows_;  ///< Of a first page that was short.
  /// A later page that was short, and may be the last.
  struct Proof {
    PageRequest page;
    std::size_t rows = 0;
  };
  std::optional<Proof> proof_;
  SignsOfEnd signs_of_end_;
  int last_page_ = 0;  ///< That had rows, in this walk.
  int repeats_in_a_row_ = 0;
  std::uint64_t unknown_met_ = 0;   ///< By this walk.
  std::uint64_t anchored_met_ = 0;  ///< By this walk.
  std::optional<std::uint64_t> first_total_;
  std::optional<std::uint64_t> last_total_;
  std::optional<UnixMillis> newest_met_;
  std::optional<UnixMillis> previous_start_;
  bool had_anchored_ = false;        ///< Before this walk, anything was anchored.
  std::vector<RecordKey> open_met_;  ///< In this visit.
  std::optional<Obstacle> obstacle_;
  std::optional<Error> unreadable_;
  bool blocked_ = false;      ///< The walk under way left rows unread.
  bool totals_rose_ = false;  ///< By more than a page, from one answer of this walk to the next.
  bool totals_fell_ = false;
  bool totals_lie_ = false;  ///< In this walk.
  int records_asked_ = 0;
  int records_failed_ = 0;
  std::optional<bool> sweep_ok_;
  std::optional<Error> error_;
};

}  // namespace registry_exporter
