// Shell: reads files, has a thread.
#include "exporter/config/config_watch.h"

#include <algorithm>
#include <utility>

namespace registry_exporter::config {
namespace {

constexpr std::size_t kFileBytesMax = 8UL * 1024 * 1024;
/// For a change that was seen: until the next look.
constexpr Millis kSettle{200};

}  // namespace

void ConfigWatch::loaded(FileDigests files) {
  const MutexLock lock(mutex_);
  loaded_ = std::move(files);
  changing_.reset();
}

void ConfigWatch::start(Millis interval, std::function<void()> look, std::function<void()> reload) {
  thread_ = runtime_.threads.start(
      "config", [this, interval, look = std::move(look), reload = std::move(reload)] {
        run(interval, look, reload);
      });
}

void ConfigWatch::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    waiter_->notify_all();
  }
  thread_.reset();  // Joins.
}

void ConfigWatch::run(Millis interval, const std::function<void()>& look,
                      const std::function<void()>& reload) {
  SteadyTime next = runtime_.clock.steady_now() + interval;
  for (;;) {
    {
      const MutexLock lock(mutex_);
      while (!stopping_ && runtime_.clock.steady_now() < next) waiter_->wait_until(mutex_, next);
      if (stopping_) return;
    }
    look();
    if (is_changed()) reload();
    const MutexLock lock(mutex_);
    const Millis pause = changing_ ? std::min(interval, kSettle) : interval;
    next = runtime_.clock.steady_now() + pause;
  }
}

bool ConfigWatch::is_changed() {
  FileDigests loaded;
  {
    const MutexLock lock(mutex_);
    loaded = loaded_;
  }
  FileDigests now = digests_now(loaded, kFileBytesMax);
  const MutexLock lock(mutex_);
  if (loaded_ != loaded || now == loaded) {
    changing_.reset();
    return false;
  }
  const bool settled = changing_ == now;
  changing_ = settled ? std::nullopt : std::optional(std::move(now));
  return settled;
}

FileDigests config_digests(const std::string& config_file) {
  return digests_of({config_file}, kFileBytesMax);
}

FileDigests certificate_digests(const Config& config) {
  std::vector<std::string> files;
  for (const RegistryConfig& registry : config.registries) {
    const TlsConfig& tls = registry.tls;
    for (const std::string& file : {tls.ca_file, tls.cert_file, tls.key_file}) {
      if (!file.empty()) files.push_back(file);
    }
  }
  return digests_of(files, kFileBytesMax);
}

}  // namespace registry_exporter::config
