#include "exporter/web/task_threads.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <system_error>
#include <thread>

#include "exporter/base/runtime.h"

using namespace registry_exporter;
using namespace registry_exporter::web;

TEST_CASE("task_threads: a task beyond the bound is refused, and taken once there is room") {
  TaskThreads tasks(system_runtime().threads, 2);
  std::promise<void> open;
  const std::shared_future<void> access = open.get_future().share();
  std::atomic<int> done{0};
  const auto task = [&] {
    access.wait();
    ++done;
  };
  CHECK(tasks.run(task));
  CHECK(tasks.run(task));
  CHECK(!tasks.run(task));
  open.set_value();
  while (!tasks.run([&] { ++done; })) std::this_thread::yield();
  tasks.stop();
  CHECK(done == 3);
  CHECK(!tasks.run([] {}));
}

TEST_CASE("task_threads: every task that was taken runs, also those taken just before the stop") {
  std::atomic<int> done{0};
  int taken = 0;
  {
    TaskThreads tasks(system_runtime().threads, 3);
    for (int i = 0; i < 2'000; ++i) {
      if (tasks.run([&] { ++done; })) ++taken;
    }
  }
  CHECK(taken >= 3);
  CHECK(done == taken);
}

namespace {

class NoThreads final : public Threads {
 public:
  std::unique_ptr<Waiter> make_waiter() override { return system_runtime().threads.make_waiter(); }
  std::unique_ptr<Thread> start(std::string, std::function<void()>) override {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  }
};

}  // namespace

TEST_CASE("task_threads: a system without a thread to give refuses the task, again and again") {
  NoThreads none;
  TaskThreads tasks(none, 1);
  for (int i = 0; i < 3; ++i) CHECK(!tasks.run([] {}));
}
