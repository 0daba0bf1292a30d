#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>

namespace registry_exporter {

/// A stack of its own for a body that is left and entered again by hand: a thread that costs no
/// system's scheduler. Everything runs in the thread that switches.
class Fiber {
 public:
  /// Stands for the code that is running already.
  Fiber();
  /// Begins with `body` when it is switched to for the first time; the body never returns.
  explicit Fiber(std::function<void()> body);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  /// Leaves this fiber, which is the one that runs, and goes on in `next`.
  void switch_to(Fiber& next);

 private:
  static void begin();
  void arrived();

  std::function<void()> body_;
  ucontext_t context_{};
  void* stack_ = nullptr;
  // What the sanitizers have to be told about stacks that change.
  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
  [[maybe_unused]] void* fake_stack_ = nullptr;
  [[maybe_unused]] void* tsan_ = nullptr;
};

}  // namespace registry_exporter
