// Shell: writes to a descriptor.
#include "exporter/base/line_queue.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace registry_exporter {
namespace {

constexpr std::chrono::milliseconds kPatienceMax{200};
constexpr int kShareOfTime = 50;

}  // namespace

void write_line(int descriptor, std::string line) {
  line += '\n';
  for (std::string_view text = line; !text.empty();) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // Somebody made it so: it is shared with other processes.
      pollfd polled{descriptor, POLLOUT, 0};
      ::poll(&polled, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

LineQueue::LineQueue(int descriptor, Runtime runtime)
    : descriptor_(descriptor),
      clock_(runtime.clock),
      changed_(runtime.threads.make_waiter()),
      waited_at_(clock_.steady_now()),
      patience_(kPatienceMax),
      thread_(runtime.threads.start("log", [this] { work(); })) {}

LineQueue::~LineQueue() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_->notify_all();
  thread_.reset();
}

bool LineQueue::write(std::string_view line) {
  const MutexLock lock(mutex_);
  if (bytes_ + line.size() > kBytesMax) return false;
  bytes_ += line.size();
  lines_.emplace_back(line);
  ++accepted_;
  changed_->notify_all();
  wait_written(accepted_);
  return true;
}

void LineQueue::wait_written(std::uint64_t line) {
  const SteadyTime begun = clock_.steady_now();
  const SteadyTime::duration earned = (begun - waited_at_) / kShareOfTime;
  patience_ = std::min<SteadyTime::duration>(kPatienceMax, patience_ + earned);
  while (written_ < line && clock_.steady_now() < begun + patience_) {
    changed_->wait_until(mutex_, begun + patience_);
  }
  waited_at_ = clock_.steady_now();
  patience_ -= std::min(patience_, waited_at_ - begun);
}

void LineQueue::work() {
  MutexLock lock(mutex_);
  while (true) {
    while (lines_.empty() && !stopping_) changed_->wait_until(mutex_, SteadyTime::max());
    if (lines_.empty()) return;
    std::string line = std::exchange(lines_.front(), {});
    lines_.pop_front();
    const std::size_t size = line.size();
    lock.unlock();
    write_line(descriptor_, std::move(line));
    lock.lock();
    bytes_ -= size;
    ++written_;
    changed_->notify_all();
  }
}

}  // namespace registry_exporter
