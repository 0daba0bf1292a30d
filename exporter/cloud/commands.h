#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/result.h"
#include "exporter/base/secret.h"

namespace registry_exporter {

/// The words of a command as POSIX's shlex takes them apart: blanks, quotes, backslashes; nothing
/// is expanded. Pure. Errors: invalid_config (empty, a quote that is not closed).
Result<std::vector<std::string>> split_command(std::string_view command);

/// Runs the programs that print credentials. No shell, nothing on their input, what they print as
/// errors is dropped (it may hold secrets); they get our environment and none of our descriptors.
/// They have a minute, as the official clients give them, and 64 KiB, and end with this process,
/// even where it is killed. Thread-safe.
class Commands {
 public:
  explicit Commands(const Clock& clock) : clock_(clock) {}

  /// What it printed. Errors: invalid_config (not found, failed or nobody knows, printed too much;
  /// the cause is program_missing or program_denied where it could not be started), timeout,
  /// canceled.
  Result<Secret> run(std::string_view command);
  /// Ends what runs, and refuses what would run.
  void abort() { aborted_ = true; }

 private:
  Result<int> watch(int pid, int output, std::string& text) const;

  const Clock& clock_;
  std::atomic<bool> aborted_ = false;
};

}  // namespace registry_exporter
