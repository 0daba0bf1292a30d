#include "exporter/swr/asked_once.h"

#include <algorithm>

namespace registry_exporter::swr {
namespace {

/// After a failure: doubles from the first to the second.
constexpr Millis kPauseMin{1'000};
constexpr Millis kPauseMax{60'000};
constexpr int kDoublingsMax = 6;

/// Refused keys are limited by ApiCaller, and a stop is not a failure.
bool is_watched_elsewhere(ErrorKind kind) {
  return kind == ErrorKind::unauthorized || kind == ErrorKind::canceled;
}

}  // namespace

AskedOnce::AskedOnce(Runtime runtime, cloud::SignedClient& client,
                     std::function<Result<std::string>()> ask)
    : runtime_(runtime),
      client_(client),
      ask_(std::move(ask)),
      changed_(runtime.threads.make_waiter()) {}

bool AskedOnce::available() const {
  const MutexLock lock(mutex_);
  return !failure_;
}

Result<std::string> AskedOnce::get() {
  MutexLock lock(mutex_);
  while (asking_) changed_->wait_until(mutex_, SteadyTime::max());
  if (!known_.empty()) return known_;
  asking_ = true;
  const bool rests = failure_ && runtime_.clock.steady_now() < retry_at_;
  const std::uint64_t failed_generation = failed_generation_;
  lock.unlock();
  const bool asks = !rests || generation() != failed_generation;
  Result<std::string> told = asks ? ask_() : Result<std::string>();
  const std::uint64_t used_generation = asks ? generation() : failed_generation;
  lock.lock();
  asking_ = false;
  changed_->notify_all();
  return asks ? settle(std::move(told), used_generation) : tl::unexpected(*failure_);
}

/// Of the available keys; 0: there are none.
std::uint64_t AskedOnce::generation() {
  const auto keys = client_.credentials().at_hand();
  return keys ? keys->generation : 0;
}

Result<std::string> AskedOnce::settle(Result<std::string> told, std::uint64_t used_generation) {
  if (told) {
    known_ = *told;
    failure_.reset();
  } else if (!is_watched_elsewhere(told.error().kind)) {
    failure_ = told.error();
    failed_generation_ = used_generation;
    const Millis pause = kPauseMin * (1 << std::min(failures_++, kDoublingsMax));
    retry_at_ = runtime_.clock.steady_now() + std::min(pause, kPauseMax);
  }
  return told;
}

}  // namespace registry_exporter::swr
