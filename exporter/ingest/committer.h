#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "exporter/base/mutex.h"
#include "exporter/base/runtime.h"
#include "exporter/ingest/collector.h"
#include "exporter/store/state_store.h"

namespace registry_exporter::ingest {

/// Saves what the collectors merged, then lets them show it: in one synced transaction at least
/// every 200 ms while there is something, and at once before a deadline. The only user of the state
/// store; a disk that hangs holds up this thread, never a scrape. Thread-safe.
class Committer {
 public:
  /// `finished` is told of each commit.
  Committer(Runtime runtime, store::StateStore& store, std::function<void(bool ok)> finished);
  ~Committer();

  /// Before start(), or while stopped.
  void set_collectors(std::vector<Collector*> collectors);
  void start();
  /// Saves what is left and ends.
  void stop();

  /// There is something to commit. May be called with a collector's lock held.
  void dirty();
  /// Commits what there is now; waits for it until the deadline. False: not in time, or it failed.
  bool flush(SteadyTime deadline);
  /// Size of the state on disk after the last commit.
  std::uint64_t state_size_bytes() const;

 private:
  void run();
  bool commit();

  Runtime runtime_;
  store::StateStore& store_;
  const std::function<void(bool ok)> finished_;
  std::vector<Collector*> collectors_;

  mutable Mutex mutex_;
  std::unique_ptr<Waiter> changed_;
  std::unique_ptr<Thread> thread_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::optional<SteadyTime> dirty_since_ GUARDED_BY(mutex_);
  std::uint64_t flushes_wanted_ GUARDED_BY(mutex_) = 0;
  std::uint64_t flushes_done_ GUARDED_BY(mutex_) = 0;
  bool last_ok_ GUARDED_BY(mutex_) = true;
  std::uint64_t size_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace registry_exporter::ingest
