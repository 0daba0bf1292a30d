#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "exporter/base/threads.h"

namespace registry_exporter {

/// A bounded set of threads for tasks that block. Threads are started as tasks need them and kept.
/// Nothing queues behind a running task: a task has a thread at once, or is refused. Thread-safe.
class TaskThreads {
 public:
  TaskThreads(Threads& threads, std::size_t threads_max);
  ~TaskThreads();  ///< Stops.
  TaskThreads(const TaskThreads&) = delete;
  TaskThreads& operator=(const TaskThreads&) = delete;

  /// False: all threads are busy, the system has no thread to give, or we are stopping.
  bool run(std::function<void()> task);
  /// Takes no more tasks, waits for those under way.
  void stop();

 private:
  void work(std::function<void()> first);

  Threads& source_;
  const std::size_t threads_max_;
  std::mutex mutex_;
  std::unique_ptr<Waiter> waiter_;
  std::deque<std::function<void()>> tasks_;  ///< Each has an idle thread that will take it.
  std::vector<std::unique_ptr<Thread>> threads_;
  std::size_t size_ = 0;      ///< Threads started or being started.
  std::size_t starting_ = 0;  ///< Not in `threads_` yet.
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace registry_exporter
