#include "exporter/web/task_threads.h"

#include <exception>
#include <new>
#include <system_error>
#include <utility>

#include "exporter/base/log.h"

namespace registry_exporter::web {
namespace {

void run_guarded(const std::function<void()>& task) {
  try {
    task();
  } catch (const std::bad_alloc&) {
    throw;  // The client would never get a response: end the program.
  } catch (const std::exception& problem) {
    log::error("task failed", {{"reason", problem.what()}});
  }
}

}  // namespace

TaskThreads::TaskThreads(Threads& threads, std::size_t threads_max)
    : source_(threads), threads_max_(threads_max), waiter_(threads.make_waiter()) {}

TaskThreads::~TaskThreads() { stop(); }

bool TaskThreads::run(std::function<void()> task) {
  {
    const MutexLock lock(mutex_);
    if (stopping_) return false;
    if (idle_ > tasks_.size()) {
      tasks_.push_back(std::move(task));
      waiter_->notify_all();
      return true;
    }
    if (size_ >= threads_max_) return false;
    ++size_;
    ++starting_;
  }
  std::unique_ptr<Thread> thread;
  try {
    thread = source_.start(
        "task", [this, first = std::move(task)]() mutable { work(std::exchange(first, nullptr)); });
  } catch (const std::system_error& problem) {
    log::error("cannot start a thread for a request", {{"reason", problem.what()}});
  }
  const MutexLock lock(mutex_);
  const bool started = thread != nullptr;
  if (started) threads_.push_back(std::move(thread));
  if (!started) --size_;
  --starting_;
  waiter_->notify_all();
  return started;
}

void TaskThreads::work(std::function<void()> first) {
  run_guarded(first);
  first = nullptr;  // Release what it captured: the thread may stay idle for long.
  MutexLock lock(mutex_);
  while (true) {
    ++idle_;
    while (tasks_.empty() && !stopping_) waiter_->wait_until(mutex_, SteadyTime::max());
    --idle_;
    if (tasks_.empty()) return;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    run_guarded(task);
    task = nullptr;
    lock.lock();
  }
}

void TaskThreads::stop() {
  std::vector<std::unique_ptr<Thread>> threads;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    waiter_->notify_all();
    while (starting_ > 0) waiter_->wait_until(mutex_, SteadyTime::max());
    threads.swap(threads_);
  }
  threads.clear();  // Joins.
}

}  // namespace registry_exporter::web
