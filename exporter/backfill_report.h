#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "exporter/base/mutex.h"
#include "exporter/base/runtime.h"
#include "exporter/ingest/history_details.h"
#include "exporter/ingest/history_reader.h"

namespace registry_exporter {

/// How the reading of one list went.
struct ListOutcome {
  const ListRef& list;
  const ingest::ListHistory& history;
  ingest::MissingDetails missing;
  std::size_t undecided = 0;    ///< Records left out because they tell no time.
  std::uint64_t events = 0;     ///< What it adds to counters.
  bool live_is_behind = false;  ///< The exporter itself has not read this list yet.
};

/// Tells, in the log, how the backfill of one registry goes and what is missing of it. Thread-safe.
class BackfillReport {
 public:
  BackfillReport(Runtime runtime, std::string registry)
      : clock_(runtime.clock), registry_(std::move(registry)), told_at_(clock_.steady_now()) {}

  /// Nothing of the registry could be read.
  void failed(const Error& error) EXCLUDES(mutex_);
  /// Live samples may be older than the end of the past then, if there are any.
  void state_unknown(const std::string& path) const;
  void found(std::size_t lists, std::size_t over_limit) EXCLUDES(mutex_);
  /// `reason`, if one is known.
  void not_all_listed(const std::optional<Error>& reason) EXCLUDES(mutex_);
  void read(const ListOutcome& outcome) EXCLUDES(mutex_);
  void ended(UnixMillis until) const EXCLUDES(mutex_);

  bool is_whole() const EXCLUDES(mutex_);

 private:
  void tell_progress() REQUIRES(mutex_);
  void tell_missing(const ListRef& list, const std::string& what, const std::string& reason,
                    const std::optional<UnixMillis>& whole_since) REQUIRES(mutex_);

  Clock& clock_;
  const std::string registry_;
  mutable Mutex mutex_;
  bool is_whole_ GUARDED_BY(mutex_) = true;
  bool names_time_ GUARDED_BY(mutex_) = true;  ///< All that is missing is older than a time.
  std::optional<UnixMillis> whole_since_ GUARDED_BY(mutex_);  ///< The newest of those.
  std::size_t lists_ GUARDED_BY(mutex_) = 0;
  std::size_t read_ GUARDED_BY(mutex_) = 0;
  std::uint64_t events_ GUARDED_BY(mutex_) = 0;
  std::size_t live_is_behind_ GUARDED_BY(mutex_) = 0;
  SteadyTime told_at_ GUARDED_BY(mutex_);
};

}  // namespace registry_exporter
