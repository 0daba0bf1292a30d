#pragma once

#include <cstdint>
#include <string>

#include "exporter/base/clock.h"
#include "exporter/base/result.h"

namespace registry_exporter::store {

/// The last commit of a state. Nothing newer was ever shown.
struct HighWater {
  UnixMillis created_at;      ///< Which state it is.
  std::uint64_t commits = 0;  ///< Its last commit that was synced.
  bool damaged = false;       ///< It is being moved away: the next state follows damage.
};

/// The file `<state>.lock` beside a state. It is locked until the process ends, and is not removed.
/// It contains the pid, for the error message of a second process, and a high water that a state
/// must have reached when it is opened again. Shell.
class LockFile {
 public:
  LockFile() = default;
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  /// Never waits. Errors: state_locked; state_io (no such directory, not writable, no locks).
  Result<Done> lock(const std::string& state_path);

  /// The last note, also of an earlier process; all zero if there is none that can be read.
  const HighWater& high_water() const { return high_water_; }

  /// Not synced, and a failure is no error: with an outdated note some damage goes unnoticed, but
  /// no intact state is refused.
  void note(HighWater high_water);

  /// Synced to disk. Errors: state_io.
  Result<Done> note_synced(HighWater high_water);

 private:
  int descriptor_ = -1;
  HighWater high_water_;
};

}  // namespace registry_exporter::store
