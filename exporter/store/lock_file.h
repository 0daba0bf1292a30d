#pragma once

#include <cstdint>
#include <string>

#include "exporter/base/clock.h"
#include "exporter/base/result.h"

namespace registry_exporter {

/// How far a state has come: what was shown is never newer than this.
struct HighWater {
  UnixMillis created_at;      ///< Which state it is.
  std::uint64_t commits = 0;  ///< Its last commit that was synced.
  bool damaged = false;       ///< It is being set aside: the state after it follows damage.
};

/// The file `<state>.lock` beside a state: locked as long as the process lives, however it ends,
/// and left behind. Holds the pid for the message to a second process, and a high water that a
/// state found later must have reached. Shell.
class LockFile {
 public:
  LockFile() = default;
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  /// Never waits. Errors: state_locked; state_io (no such directory, not writable, no locks).
  Result<Done> lock(const std::string& state_path);

  /// What was noted last, also by an earlier holder; all zero if nothing readable.
  const HighWater& high_water() const { return high_water_; }

  /// Not synced, and a failure is no error: an older note finds less, never something wrong.
  void note(HighWater high_water);

  /// For what must not be forgotten. Errors: state_io.
  Result<Done> note_synced(HighWater high_water);

 private:
  int descriptor_ = -1;
  HighWater high_water_;
};

}  // namespace registry_exporter
