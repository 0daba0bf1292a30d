#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "exporter/base/mutex.h"
#include "exporter/base/runtime.h"

namespace registry_exporter {

/// Writes a line and a newline. May block for ever; what can't be written is lost.
void write_line(int descriptor, std::string line);

/// Writes lines on a thread of its own, so that a terminal, pipe or socket that takes none holds
/// nobody up for long: callers wait for their line, but no more than a fiftieth of the time, and
/// 200 ms at once. Thread-safe.
class LineQueue {
 public:
  static constexpr std::size_t kBytesMax = 256 * 1024;

  LineQueue(int descriptor, Runtime runtime);
  /// Waits until all lines are written, which may be never.
  ~LineQueue();
  LineQueue(const LineQueue&) = delete;
  LineQueue& operator=(const LineQueue&) = delete;

  /// Returns false if there is no room for the line: it is lost.
  bool write(std::string_view line) EXCLUDES(mutex_);

 private:
  void work() EXCLUDES(mutex_);
  void wait_written(std::uint64_t line) REQUIRES(mutex_);

  const int descriptor_;
  const Clock& clock_;
  Mutex mutex_;
  std::unique_ptr<Waiter> changed_;
  std::deque<std::string> lines_ GUARDED_BY(mutex_);
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
  std::uint64_t accepted_ GUARDED_BY(mutex_) = 0;
  std::uint64_t written_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  SteadyTime waited_at_ GUARDED_BY(mutex_);
  SteadyTime::duration patience_ GUARDED_BY(mutex_);  ///< Callers may still wait so long.
  std::unique_ptr<Thread> thread_;
};

}  // namespace registry_exporter
