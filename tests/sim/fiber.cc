#include "tests/sim/fiber.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace registry_exporter {
namespace {

constexpr std::size_t kStackSize = 1024 * 1024;  ///< Only the pages that are touched are real.

/// The ends of the switch that is under way: a body that begins takes no pointers as arguments.
thread_local Fiber* leaving = nullptr;
thread_local Fiber* entering = nullptr;

}  // namespace

Fiber::Fiber() {
#if defined(__SANITIZE_THREAD__)
  tsan_ = __tsan_get_current_fiber();
#endif
}

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)), size_(kStackSize) {
  stack_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (stack_ == MAP_FAILED) throw std::bad_alloc();
  bottom_ = stack_;
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_;
  context_.uc_stack.ss_size = size_;
  makecontext(&context_, &Fiber::begin, 0);
#if defined(__SANITIZE_THREAD__)
  tsan_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
  if (stack_ == nullptr) return;
  munmap(stack_, size_);
#if defined(__SANITIZE_THREAD__)
  __tsan_destroy_fiber(tsan_);
#endif
}

void Fiber::switch_to(Fiber& next) {
  if (&next == this) return;
  leaving = this;
  entering = &next;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&fake_stack_, next.bottom_, next.size_);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(next.tsan_, 0);
#endif
  swapcontext(&context_, &next.context_);
  arrived();
}

/// On the stack that was switched to.
void Fiber::arrived() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack_, &leaving->bottom_, &leaving->size_);
#endif
}

void Fiber::begin() {
  Fiber& self = *entering;
  self.arrived();
  self.body_();
  std::abort();
}

}  // namespace registry_exporter
