// Shell: the only file that reads the system's clocks, starts its threads and asks for its entropy.
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <random>
#include <thread>
#include <utility>

#include "exporter/base/last_words.h"
#include "exporter/base/runtime.h"

namespace registry_exporter {
namespace {

class SystemClock final : public Clock {
 public:
  UnixMillis now() const override {
    return std::chrono::floor<Millis>(std::chrono::system_clock::now());
  }
  SteadyTime steady_now() const override { return std::chrono::steady_clock::now(); }
};

class SystemWaiter final : public Waiter {
 public:
  void wait_until(Mutex& mutex, SteadyTime deadline) REQUIRES(mutex) override {
    std::unique_lock lock(mutex.native(), std::adopt_lock);
    if (deadline == SteadyTime::max()) {
      condition_.wait(lock);
    } else {
      condition_.wait_until(lock, deadline);
    }
    lock.release();  // The caller goes on holding it.
  }
  void notify_all() override { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

/// What reaches the end of a thread left half-made changes behind: the program ends, and goes on
/// from what is on the disk when it is started again.
void run_to_the_end(const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& problem) {
    limit_last_words();
    std::fprintf(stderr, "registry_exporter: %s; exiting, restart it\n", problem.what());
    std::_Exit(1);
  }
}

class SystemThread final : public Thread {
 public:
  explicit SystemThread(std::function<void()> body)
      : thread_([body = std::move(body)]() mutable { run_to_the_end(std::exchange(body, {})); }) {}

 private:
  std::jthread thread_;
};

class SystemThreads final : public Threads {
 public:
  std::unique_ptr<Waiter> make_waiter() override { return std::make_unique<SystemWaiter>(); }
  std::unique_ptr<Thread> start(std::string, std::function<void()> body) override {
    return std::make_unique<SystemThread>(std::move(body));
  }
};

class SystemEntropy final : public Entropy {
 public:
  std::uint64_t next() override {
    std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32) | device();
  }
};

}  // namespace

Runtime system_runtime() {
  static SystemClock clock;
  static SystemThreads threads;
  static SystemEntropy entropy;
  return Runtime{clock, threads, entropy};
}

}  // namespace registry_exporter
