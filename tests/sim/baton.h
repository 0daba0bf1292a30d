#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "exporter/base/mutex.h"
#include "exporter/base/runtime.h"
#include "tests/sim/fiber.h"

namespace registry_exporter {

/// A world of its own for the program's threads, which are fibers here: one runs at a time, the one
/// that has the baton. At each seam it gives the baton away, and the seed decides who goes on; when
/// nobody can, time jumps to the next deadline. The same seed gives the same history, to the last
/// step.
class Baton {
 public:
  explicit Baton(std::uint64_t seed)
      : dice_(seed * 2 + 1), clock_(*this), threads_(*this), entropy_(*this) {
    runners_.push_back(std::make_unique<Runner>());
    current_ = runners_.front().get();
  }

  Runtime runtime() { return {clock_, threads_, entropy_}; }
  UnixMillis now() const { return clock_.now(); }

  /// Virtual time passes for the calling thread; others may run.
  void sleep(Millis duration) {
    current_->waiting = true;
    current_->deadline = elapsed_ + duration;
    pass_on();
  }
  /// Anybody may go on, the caller too.
  void yield() { sleep(Millis{0}); }

  std::uint64_t roll(std::uint64_t limit) { return next() % limit; }
  /// Grows with every decision: equal for equal histories.
  std::uint64_t trace() const { return trace_; }
  void note(std::uint64_t event) { trace_ = (trace_ ^ event) * 0x100000001b3U + 0x9e37U; }

 private:
  struct Runner {
    Runner() = default;
    explicit Runner(std::function<void()> body) : fiber(std::move(body)) {}
    Fiber fiber;
    bool waiting = false;
    bool finished = false;
    const void* waiter = nullptr;  ///< Whose notification it waits for.
    Millis deadline = Millis::max();
  };

  class BatonClock final : public Clock {
   public:
    explicit BatonClock(Baton& baton) : baton_(baton) {}
    UnixMillis now() const override {
      return UnixMillis{Millis{1'767'323'045'000}} + baton_.elapsed_;
    }
    SteadyTime steady_now() const override {
      return SteadyTime{std::chrono::hours(1)} + baton_.elapsed_;
    }

   private:
    Baton& baton_;
  };

  class BatonWaiter final : public Waiter {
   public:
    explicit BatonWaiter(Baton& baton) : baton_(baton) {}
    void wait_until(Mutex& held, SteadyTime deadline) override {
      held.unlock();
      Runner& runner = *baton_.current_;
      runner.waiting = true;
      runner.waiter = this;
      runner.deadline =
          deadline == SteadyTime::max()
              ? Millis::max()
              : std::chrono::ceil<Millis>(deadline.time_since_epoch() - std::chrono::hours(1));
      baton_.pass_on();
      held.lock();
    }
    void notify_all() override {
      for (const auto& runner : baton_.runners_) {
        if (runner->waiter == this) runner->waiting = false;
      }
    }

   private:
    Baton& baton_;
  };

  class BatonThread final : public Thread {
   public:
    BatonThread(Baton& baton, std::function<void()> body)
        : baton_(baton),
          runner_(
              *baton.runners_.emplace_back(std::make_unique<Runner>([this, body = std::move(body)] {
                body();
                runner_.finished = true;
                baton_.pass_on();
              }))) {}
    ~BatonThread() override {
      while (!runner_.finished) baton_.sleep(Millis{1});
      std::erase_if(baton_.runners_, [this](const auto& each) { return each.get() == &runner_; });
    }

   private:
    Baton& baton_;
    Runner& runner_;
  };

  class BatonThreads final : public Threads {
   public:
    explicit BatonThreads(Baton& baton) : baton_(baton) {}
    std::unique_ptr<Waiter> make_waiter() override { return std::make_unique<BatonWaiter>(baton_); }
    std::unique_ptr<Thread> start(std::string, std::function<void()> body) override {
      return std::make_unique<BatonThread>(baton_, std::move(body));
    }

   private:
    Baton& baton_;
  };

  class BatonEntropy final : public Entropy {
   public:
    explicit BatonEntropy(Baton& baton) : baton_(baton) {}
    std::uint64_t next() override { return baton_.next(); }

   private:
    Baton& baton_;
  };

  std::uint64_t next() {
    std::uint64_t z = dice_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  Runner& choose_next() {
    ready_.clear();
    while (ready_.empty()) {
      Millis soonest = Millis::max();
      for (const auto& runner : runners_) {
        if (runner->finished) continue;
        if (!runner->waiting || runner->deadline <= elapsed_) ready_.push_back(runner.get());
        soonest = std::min(soonest, runner->deadline);
      }
      if (!ready_.empty()) break;
      if (soonest == Millis::max()) throw std::logic_error("everybody waits for ever");
      elapsed_ = soonest;
    }
    const std::size_t chosen = next() % ready_.size();
    note(chosen * 1000 + ready_.size());
    return *ready_[chosen];
  }

  void pass_on() {
    Runner& self = *current_;
    current_ = &choose_next();
    current_->waiting = false;
    current_->waiter = nullptr;
    current_->deadline = Millis::max();
    self.fiber.switch_to(current_->fiber);
  }

  std::uint64_t dice_;
  std::uint64_t trace_ = 1;
  Millis elapsed_{0};
  std::vector<std::unique_ptr<Runner>> runners_;
  std::vector<Runner*> ready_;
  Runner* current_ = nullptr;
  BatonClock clock_;
  BatonThreads threads_;
  BatonEntropy entropy_;
};

}  // namespace registry_exporter
