#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "exporter/ingest/reading.h"
#include "exporter/ingest/schedule.h"
#include "exporter/ingest/view.h"
#include "exporter/model/registry_state.h"
#include "exporter/model/snapshot.h"
#include "exporter/store/state_store.h"

namespace registry_exporter {

/// One repository while the program runs: its state, and what need not survive.
struct Repository {
  RepositoryNumber number = 0;
  RepositoryState state;
  ListedRepository listed;  ///< As the newest discovery showed it.

  // To be saved with the next commit.
  bool dirty = false;
  bool replaces_closed = false;
  std::vector<ClosedRecord> unsaved;

  // For the schedule.
  bool in_flight = false;
  std::optional<std::uint64_t> planned;  ///< For this demand.
  bool hinted = false;                   ///< Its listing changed since the last visit.
  std::optional<UnixMillis> listed_at;   ///< By the newest discovery.
  std::optional<SteadyTime> read_at;     ///< Completely.
  std::optional<SteadyTime> visited_at;  ///< However it ended.
  std::optional<SteadyTime> swept_at;    ///< A sweep ended, clean or not.
  bool swept_clean = false;
  Activity activity;
  BuildSpans spans;
  /// What a closed record tells of when to read it.
  void learn_from(const ClosedRecord& record) {
    activity.happened(record.ended_at);
    spans.took(record.ended_at - record.placed_at);
  }
  int failures = 0;
  std::optional<SteadyTime> retry_at;
  std::optional<Error> failing;     ///< Why the newest reading failed.
  std::optional<Error> unreadable;  ///< Why rows of the list could not be read when last tried.
  int unreadable_tries = 0;         ///< In a row.
  std::optional<SteadyTime> unreadable_retry_at;

  SweepProgress sweep;
  PerOutcome<std::vector<std::optional<Exemplar>>> exemplars;
  std::vector<RetentionRule> rules;
  std::optional<SteadyTime> rules_read_at;

  // As committed and shown.
  std::shared_ptr<const RepositoryView> view;
  std::shared_ptr<const EventCounters> frozen;  ///< Shown instead, until seen once more.
  std::shared_ptr<const EventCounters> held;    ///< The view's counters with held series at 0.
  SeriesSet holds_known = 0;                    ///< Held series already given to Showing.
  SeriesSet lingering = 0;  ///< No longer held for a later process, but still shown as 0.
  SeriesSet shown_as_zero() const {
    return static_cast<SeriesSet>(held_series(*view) | unsigned{lingering});
  }

  bool has_series() const { return !state.dropped && !state.excluded; }
};

/// Namespace, then name: the order of every listing and exposition of ours.
using RepositoryKey = std::pair<std::string, std::string>;

/// Everything of one registry that outlives a change of configuration.
struct RegistryBooks {
  RegistryNumber number = 0;
  RegistryType type = RegistryType::acr;
  RegistryState state;
  bool dirty = true;               ///< `state` is to be saved with the next commit.
  int incomplete_discoveries = 0;  ///< In a row.
  std::map<RepositoryKey, std::unique_ptr<Repository>> repositories;
};

}  // namespace registry_exporter
