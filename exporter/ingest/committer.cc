#include "exporter/ingest/committer.h"

#include "exporter/base/check.h"
#include "exporter/base/log.h"

namespace registry_exporter::ingest {
namespace {

/// What is merged shows at the latest after this.
constexpr Millis kCommitInterval{200};

}  // namespace

Committer::Committer(Runtime runtime, store::StateStore& store,
                     std::function<void(bool ok)> finished)
    : runtime_(runtime),
      store_(store),
      finished_(std::move(finished)),
      changed_(runtime.threads.make_waiter()),
      size_bytes_(store.size_bytes()) {}

Committer::~Committer() { stop(); }

void Committer::set_collectors(std::vector<Collector*> collectors) {
  collectors_ = std::move(collectors);
}

void Committer::start() {
  {
    const MutexLock lock(mutex_);
    stopping_ = false;
  }
  thread_ = runtime_.threads.start("commit", [this] { run(); });
}

void Committer::stop() {
  if (!thread_) return;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_->notify_all();
  thread_.reset();
  commit();
}

void Committer::dirty() {
  const MutexLock lock(mutex_);
  if (dirty_since_) return;
  dirty_since_ = runtime_.clock.steady_now();
  changed_->notify_all();
}

bool Committer::flush(SteadyTime deadline) {
  MutexLock lock(mutex_);
  const std::uint64_t wanted = ++flushes_wanted_;
  changed_->notify_all();
  while (flushes_done_ < wanted && !stopping_) {
    if (runtime_.clock.steady_now() >= deadline) return false;
    changed_->wait_until(mutex_, deadline);
  }
  return last_ok_;
}

std::uint64_t Committer::state_size_bytes() const {
  const MutexLock lock(mutex_);
  return size_bytes_;
}

void Committer::run() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    const bool flush_wanted = flushes_done_ < flushes_wanted_;
    const SteadyTime due = dirty_since_ ? *dirty_since_ + kCommitInterval : SteadyTime::max();
    if (!flush_wanted && runtime_.clock.steady_now() < due) {
      changed_->wait_until(mutex_, due);
      continue;
    }
    const std::uint64_t flushes = flushes_wanted_;
    dirty_since_.reset();
    lock.unlock();
    const bool ok = commit();
    const std::uint64_t size = store_.size_bytes();
    lock.lock();
    last_ok_ = ok;
    size_bytes_ = size;
    CHECK_RULE(flushes >= flushes_done_);
    flushes_done_ = flushes;
    changed_->notify_all();
  }
  changed_->notify_all();
}

bool Committer::commit() {
  store::StateChanges changes;
  std::vector<std::shared_ptr<CommitBatch>> batches;
  for (Collector* collector : collectors_) batches.push_back(collector->collect(changes));
  Result<Done> result = Done{};
  if (!changes.empty()) {
    result = store_.commit(changes);
    finished_(result.has_value());
    if (!result) log::error("state not written", {{"error", result.error().detail}});
  }
  for (std::size_t i = 0; i < collectors_.size(); ++i) {
    collectors_[i]->committed(*batches[i], result.has_value());
  }
  return result.has_value();
}

}  // namespace registry_exporter::ingest
