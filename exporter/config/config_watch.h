#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/file_digests.h"
#include "exporter/base/mutex.h"
#include "exporter/base/runtime.h"
#include "exporter/config/config.h"

namespace registry_exporter::config {

/// Asks for a reload when the files of the configuration have changed. Each content is loaded at
/// most once, also if it is bad, and only when it stayed the same for a moment: a file may be seen
/// while it is written. Thread-safe.
class ConfigWatch {
 public:
  explicit ConfigWatch(Runtime runtime)
      : runtime_(runtime), waiter_(runtime.threads.make_waiter()) {}
  ~ConfigWatch() { stop(); }
  ConfigWatch(const ConfigWatch&) = delete;
  ConfigWatch& operator=(const ConfigWatch&) = delete;

  /// How the files were just before they were loaded, whether that succeeded or not.
  void loaded(FileDigests files);
  /// Looks every `interval` (> 0), on a thread of its own, until stop(). `reload` calls loaded();
  /// `look` is called at each look, for what is watched elsewhere.
  /// Throws std::system_error when the system has no thread to give.
  void start(Millis interval, std::function<void()> look, std::function<void()> reload);
  /// Waits for a reload under way.
  void stop();

 private:
  void run(Millis interval, const std::function<void()>& look, const std::function<void()>& reload);
  bool is_changed();

  Runtime runtime_;
  const std::unique_ptr<Waiter> waiter_;
  Mutex mutex_;
  FileDigests loaded_ GUARDED_BY(mutex_);
  std::optional<FileDigests> changing_ GUARDED_BY(mutex_);  ///< Seen once; other than loaded.
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::unique_ptr<Thread> thread_;
};

/// The file itself, as it is now. Shell.
FileDigests config_digests(const std::string& config_file);
/// The certificates that a configuration names, as they are now. Its other secrets are left out:
/// they are read again when they are used. Shell.
FileDigests certificate_digests(const Config& config);

}  // namespace registry_exporter::config
