#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "exporter/ingest/end_search.h"
#include "exporter/ingest/ledger_rules.h"
#include "exporter/ingest/list_order.h"
#include "exporter/ingest/list_reader_options.h"
#include "exporter/ingest/list_totals.h"
#include "exporter/ingest/unreadable_page.h"
#include "exporter/model/ledger.h"

namespace registry_exporter::ingest {

/// What one page told, besides its records.
struct PageFacts {
  PageSeen seen;
  std::size_t new_to_walk = 0;
  std::uint64_t unknown = 0;
  std::uint64_t anchored = 0;
  bool below_floor = false;  ///< Some of the unknown ones.
  /// A record that was unknown is listed as older than an anchored one.
  bool news_behind_anchor = false;
  PageStarts starts;

  /// How the next record of the page stood before it was merged.
  void add(PriorState prior, ListOrder order);
  bool anchor_met() const { return anchored > 0 || below_floor; }

 private:
  bool news_met_ = false;  ///< Unknown, and not below the floor.
};

/// Records that one walk met.
struct RecordsMet {
  std::vector<RecordKey> keys;  ///< Sorted. Of a walk to an anchor alone: see SweepProgress.
  std::uint64_t unknown = 0;
  std::uint64_t anchored = 0;
  std::optional<UnixMillis> newest_start;
};

/// Adds the new ones of `keys` to the sorted `met`. Returns how many were new.
std::size_t add_met(std::vector<RecordKey>& met, std::vector<RecordKey> keys);

/// What belongs to one walk through a list, in one visit. Each walk begins with a new one, so that
/// nothing of the walk before is left.
struct WalkRun {
  Walk walk;                  ///< Where it is. Saved with the ledger, to go on in another visit.
  bool resumed = false;       ///< It began in an earlier visit.
  bool had_anchored = false;  ///< Before it, anything was anchored.
  bool small_head = false;    ///< The page asked for is the first, and smaller than the others.
  bool seeking = false;       ///< oldest_first: looks for an anchored record, backwards.
  int seek_step = 1;          ///< Pages to go back next.
  RecordsMet met;
  std::optional<UnixMillis> previous_start;  ///< Of the record that was read last.
  int repeats_in_a_row = 0;                  ///< Pages without anything new.
  ListTotals totals;
  EndSearch end;
  std::optional<UnreadablePage> unreadable;  ///< It is being searched, or gone around.
  bool left_rows_unread = false;

  bool sweeps() const { return walk.goal == Walk::Goal::sweep; }
  PageRequest asked() const { return {walk.next_page, walk.page_size}; }
  void ask(const PageRequest& page);
  /// Of an oldest-first list: further towards the first page.
  void seek_back();
  /// The page that follows from one that was read.
  void ask_next(const PageFacts& page);
  void note(const PageFacts& page);
  /// What it met so far is not in this order.
  bool contradicts(ListOrder order) const;
  /// The list repeats itself, or never ends. Called once for each page.
  bool is_stuck(const PageFacts& page);
};

/// The walk that the ledger has, from where it was.
WalkRun resume_walk(const Ledger& ledger);
/// Oldest first: from where the last walk ended. Otherwise from the first page, which is of
/// `head_page_size` if `small_head`.
WalkRun walk_to_anchor(const Ledger& ledger, const ListReaderOptions& options, bool small_head);
WalkRun walk_whole_list(const Ledger& ledger, const ListReaderOptions& options);

}  // namespace registry_exporter::ingest
