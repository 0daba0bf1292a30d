#pragma once

#include <functional>
#include <memory>
#include <string>

#include "exporter/base/clock.h"
#include "exporter/base/mutex.h"

namespace registry_exporter {

/// Where threads wait for one another: a condition variable as a seam, so that a simulation can
/// decide who goes on. A thread must hold no mutex but `mutex` while it waits.
class Waiter {
 public:
  virtual ~Waiter() = default;
  /// Releases `mutex`, waits until notified or until `deadline`, takes `mutex` again.
  /// May wake early for no reason: callers loop over their own condition.
  virtual void wait_until(Mutex& mutex, SteadyTime deadline) REQUIRES(mutex) = 0;
  virtual void notify_all() = 0;
};

/// A running thread; the destructor joins it.
class Thread {
 public:
  virtual ~Thread() = default;
};

/// Starts threads and makes waiters. Thread-safe.
class Threads {
 public:
  virtual ~Threads() = default;
  virtual std::unique_ptr<Waiter> make_waiter() = 0;
  /// Throws std::system_error when the system has no thread to give.
  virtual std::unique_ptr<Thread> start(std::string name, std::function<void()> body) = 0;
};

}  // namespace registry_exporter
