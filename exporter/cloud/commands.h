#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/result.h"
#include "exporter/base/secret.h"

namespace registry_exporter::cloud {

/// Splits a command into words like Python's shlex in POSIX mode: blanks, quotes, backslashes; no
/// expansion. Pure. Errors: invalid_config (empty, a quote that is not closed).
Result<std::vector<std::string>> split_command(std::string_view command);

/// Runs programs that print credentials. There is no shell; stdin is empty; stderr is discarded,
/// because it may contain secrets. They inherit the environment and no file descriptors. They are
/// limited to one minute (as in the official clients) and 64 KiB of output, and are killed when
/// this process ends, even by SIGKILL. Thread-safe.
class Commands {
 public:
  explicit Commands(const Clock& clock) : clock_(clock) {}

  /// The program's output. Errors: invalid_config (not found, failed, unknown exit status, too
  /// long; the cause is program_missing or program_denied where it could not be started), timeout,
  /// canceled.
  Result<Secret> run(std::string_view command);
  /// Kills running programs and starts no more.
  void abort() { aborted_ = true; }

 private:
  Result<int> watch(int pid, int output, std::string& text) const;

  const Clock& clock_;
  std::atomic<bool> aborted_ = false;
};

}  // namespace registry_exporter::cloud
