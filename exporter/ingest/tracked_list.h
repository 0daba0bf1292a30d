#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "exporter/ingest/schedule.h"
#include "exporter/ingest/sweep_progress.h"
#include "exporter/ingest/view.h"
#include "exporter/model/registry_state.h"
#include "exporter/model/snapshot.h"
#include "exporter/model/stream_kind.h"
#include "exporter/store/state_store.h"

namespace registry_exporter::ingest {

/// How the lists of one registry are read.
struct ReadRules {
  int page_size = 100;
  Millis lookback{0};
  Millis sweep_interval{0};
  Millis max_staleness{0};
  std::vector<double> bucket_bounds;  ///< Seconds.
  bool has_histograms = true;         ///< Some kind that is collected has durations.
};

/// When a list was read, and what was learned of when to read it again.
struct ScheduleState {
  bool in_flight = false;
  std::optional<std::uint64_t> planned;  ///< For this demand.
  bool hinted = false;                   ///< Its listing changed since the last visit.
  bool noticed = false;                  ///< A notice came since, that is newer.
  std::optional<UnixMillis> listed_at;   ///< By the newest discovery.
  std::optional<SteadyTime> read_at;     ///< Completely.
  std::optional<SteadyTime> visited_at;  ///< However the visit ended.
  std::optional<SteadyTime> swept_at;    ///< A sweep ended, clean or not.
  bool swept_clean = false;
  Activity activity;
  BuildSpans spans;

  void learn_from(const ClosedRecord& record) {
    activity.happened(record.ended_at);
    spans.took(record.ended_at - record.placed_at);
  }
};

/// Why a list, or a part of it, could not be read, and when that is tried again.
struct ReadFailures {
  int in_a_row = 0;
  std::optional<SteadyTime> retry_at;
  std::optional<Error> newest;      ///< Of the newest visit; nullopt: it did not fail.
  std::optional<Error> unreadable;  ///< Why rows of the list could not be read when last tried.
  int unreadable_tries = 0;         ///< In a row.
  std::optional<SteadyTime> unreadable_retry_at;
  std::optional<SteadyTime> ids_refused_at;  ///< Since when some are.
};

/// What the next commit has to save of a list.
struct PendingChanges {
  bool replaces_closed = false;       ///< Save all closed records, not only the new ones.
  std::vector<ClosedRecord> unsaved;  ///< Closed since the last commit.
};

/// What is committed of a list, and what scrapes see of it.
struct Publication {
  std::shared_ptr<const RepositoryView> view;
  std::shared_ptr<const EventCounters> frozen;  ///< Shown instead, until it was seen once more.
  std::shared_ptr<const EventCounters> held;    ///< The view's counters with held series at 0.
  SeriesSet holds_known = 0;                    ///< Held series that ScraperVisibility knows of.
};

struct TrackedList;
/// Each once, in the order in which they became dirty.
using DirtyLists = std::vector<TrackedList*>;

/// What is followed while the program runs: a list, or a repository's share of a feed. Its state,
/// and what need not survive.
struct TrackedList {
  store::RepositoryNumber number = 0;
  RepositoryState state;
  ListedRepository listed;  ///< As the newest discovery showed it.

  ScheduleState schedule;
  ReadFailures failures;
  PendingChanges pending;
  Publication publication;

  SweepProgress sweep;
  PerOutcome<CopyOnWrite<Exemplars>> exemplars;
  std::vector<RetentionRule> rules;
  std::optional<SteadyTime> rules_read_at;

  /// It is to be saved with the next commit.
  void mark_dirty() {
    if (std::exchange(dirty_, true)) return;
    if (dirty_lists_ != nullptr) dirty_lists_->push_back(this);
  }
  bool is_dirty() const { return dirty_; }
  /// It is dirty no more.
  PendingChanges take_pending() {
    dirty_ = false;
    return std::exchange(pending, {});
  }
  /// From now on it is among these while it is dirty.
  void report_to(DirtyLists& lists) {
    dirty_lists_ = &lists;
    if (dirty_) lists.push_back(this);
  }

  const StreamKind& kind() const { return *state.kind; }
  bool is_feed() const { return registry_exporter::is_feed(state); }
  bool is_share() const { return registry_exporter::is_share(state); }
  bool is_read() const { return !is_share() && !state.dropped && !state.excluded; }
  bool has_series() const {
    return !is_feed() && !state.dropped && !state.excluded && !state.unlisted;
  }

 private:
  bool dirty_ = false;
  DirtyLists* dirty_lists_ = nullptr;
};

/// Rows that could not be read are to be tried again.
bool unreadable_due(const TrackedList& list, SteadyTime now);
/// Ids whose reading is refused are to be tried again. No list has their details. Without an order
/// every visit sweeps, so a sweep is no reason to retry.
bool refused_ids_due(const TrackedList& list, const ReadRules& rules, SteadyTime now);
/// After each visit.
void note_refused_ids(TrackedList& list, const ReadRules& rules, SteadyTime now);
bool sweep_due(const TrackedList& list, const ReadRules& rules, SteadyTime now);
RepositoryPace pace_of(const TrackedList& list, const ReadRules& rules, SteadyTime now,
                       UnixMillis wall);

/// After a start or a reload: learns the schedule anew from what is remembered, and takes over the
/// stored times of sweeps and, but with `read_everything`, of readings.
void resume_schedule(TrackedList& list, bool read_everything, SteadyTime now, UnixMillis wall);

/// A visit failed. `back_off`: the list is left alone for a while. Returns true if the reason is
/// news.
bool note_failure(ReadFailures& failures, const Error& error, bool back_off, const ReadRules& rules,
                  SteadyTime now);
/// A visit did not fail. Returns true if the one before it did.
bool note_success(ReadFailures& failures);
/// A visit left rows unread. Returns true if the one before it did not.
bool note_unreadable(ReadFailures& failures, const Error& error, const ReadRules& rules,
                     SteadyTime now);

}  // namespace registry_exporter::ingest
