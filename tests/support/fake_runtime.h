#pragma once

#include <thread>

#include "exporter/base/mutex.h"
#include "exporter/base/runtime.h"

namespace registry_exporter {

/// Time that moves only when told, or when somebody waits: a wait ends at once, at its deadline.
/// For tests of one thread.
class FakeRuntime {
 public:
  Runtime runtime() { return {clock_, threads_, entropy_}; }
  void advance(Millis by) { clock_.advance(by); }
  SteadyTime now() const { return clock_.steady_now(); }
  UnixMillis wall() const { return clock_.now(); }

 private:
  class FakeClock final : public Clock {
   public:
    UnixMillis now() const override {
      const MutexLock lock(mutex_);
      return UnixMillis{Millis{1'767'323'045'000}} + elapsed_;
    }
    SteadyTime steady_now() const override {
      const MutexLock lock(mutex_);
      return SteadyTime{std::chrono::hours(1)} + elapsed_;
    }
    void advance(Millis by) {
      const MutexLock lock(mutex_);
      elapsed_ += by;
    }
    void advance_to(SteadyTime time) {
      const Millis left = std::chrono::ceil<Millis>(time - steady_now());
      if (left > Millis{0}) advance(left);
    }

   private:
    mutable Mutex mutex_;
    Millis elapsed_{0};
  };
  class FakeWaiter final : public Waiter {
   public:
    explicit FakeWaiter(FakeClock& clock) : clock_(clock) {}
    void wait_until(Mutex&, SteadyTime deadline) override {
      if (deadline != SteadyTime::max()) clock_.advance_to(deadline);
    }
    void notify_all() override {}

   private:
    FakeClock& clock_;
  };
  class FakeThreads final : public Threads {
   public:
    explicit FakeThreads(FakeClock& clock) : clock_(clock) {}
    std::unique_ptr<Waiter> make_waiter() override { return std::make_unique<FakeWaiter>(clock_); }
    std::unique_ptr<Thread> start(std::string name, std::function<void()> body) override {
      return system_runtime().threads.start(std::move(name), std::move(body));
    }

   private:
    FakeClock& clock_;
  };
  class FakeEntropy final : public Entropy {
   public:
    std::uint64_t next() override {
      return state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    }

   private:
    std::uint64_t state_ = 1;
  };

  FakeClock clock_;
  FakeThreads threads_{clock_};
  FakeEntropy entropy_;
};

}  // namespace registry_exporter
