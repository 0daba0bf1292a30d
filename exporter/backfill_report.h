#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "exporter/base/mutex.h"
#include "exporter/base/runtime.h"
#include "exporter/ingest/history_reader.h"

namespace registry_exporter {

/// Tells, in the log, how the backfill of one registry goes and what is missing of it. Thread-safe.
class BackfillReport {
 public:
  BackfillReport(Runtime runtime, std::string registry)
      : clock_(runtime.clock), registry_(std::move(registry)), told_at_(clock_.steady_now()) {}

  /// Nothing of the registry could be read.
  void failed(const Error& error) EXCLUDES(mutex_);
  void found(std::size_t repositories, std::size_t over_limit, bool all) EXCLUDES(mutex_);
  /// `live_is_behind`: the exporter itself has not read this list yet.
  void read(const RepositoryRef& ref, const ingest::ListHistory& list, std::size_t events,
            bool live_is_behind) EXCLUDES(mutex_);
  void ended(UnixMillis until) const EXCLUDES(mutex_);

  bool is_whole() const EXCLUDES(mutex_);

 private:
  void tell_progress() REQUIRES(mutex_);
  void tell_cut_off(const RepositoryRef& ref, const ingest::ListHistory& list) REQUIRES(mutex_);

  Clock& clock_;
  const std::string registry_;
  mutable Mutex mutex_;
  bool is_whole_ GUARDED_BY(mutex_) = true;
  bool names_time_ GUARDED_BY(mutex_) = true;  ///< Each list that was cut off tells since when.
  std::optional<UnixMillis> whole_since_ GUARDED_BY(mutex_);  ///< The newest of those.
  std::size_t repositories_ GUARDED_BY(mutex_) = 0;
  std::size_t read_ GUARDED_BY(mutex_) = 0;
  std::size_t events_ GUARDED_BY(mutex_) = 0;
  std::size_t live_is_behind_ GUARDED_BY(mutex_) = 0;
  SteadyTime told_at_ GUARDED_BY(mutex_);
};

}  // namespace registry_exporter
