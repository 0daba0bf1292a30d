#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "exporter/base/mutex.h"
#include "exporter/base/threads.h"

namespace registry_exporter::web {

/// A bounded set of threads for blocking tasks. Threads are started on demand and kept. A task gets
/// a thread immediately or is refused: tasks never queue behind running ones. Thread-safe.
class TaskThreads {
 public:
  TaskThreads(Threads& threads, std::size_t threads_max);
  ~TaskThreads();  ///< Stops.
  TaskThreads(const TaskThreads&) = delete;
  TaskThreads& operator=(const TaskThreads&) = delete;

  /// Returns false if all threads are busy, no thread can be started, or stop() was called.
  bool run(std::function<void()> task);
  /// Refuses further tasks and waits for the running ones.
  void stop();

 private:
  void work(std::function<void()> first);

  Threads& source_;
  const std::size_t threads_max_;
  Mutex mutex_;
  std::unique_ptr<Waiter> waiter_;
  std::deque<std::function<void()>> tasks_
      GUARDED_BY(mutex_);  ///< Each is reserved for an idle thread.
  std::vector<std::unique_ptr<Thread>> threads_ GUARDED_BY(mutex_);
  std::size_t size_ GUARDED_BY(mutex_) = 0;      ///< Threads started or being started.
  std::size_t starting_ GUARDED_BY(mutex_) = 0;  ///< Not in `threads_` yet.
  std::size_t idle_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace registry_exporter::web
