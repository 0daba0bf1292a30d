#pragma once

#include <functional>
#include <string>

#include "tests/crash/disk.h"

namespace registry_exporter {

/// Sees everything that goes to the files of one state: SQLite's through a VFS of its own
/// (`kRecordingVfs`) over the real one, the store's own through wrapped system calls.
struct Recorder {
  std::string path;                                ///< Of the state; names are told without it.
  std::function<void(const DiskEvent&)> on_event;  ///< After it was done.
  /// The calls to the disk are numbered from 1: this one fails, and the ones after it up
  /// to `failures`. 0: none.
  int fail_at = 0;
  int failures = 1;
  int calls = 0;
  /// Executed on each new connection, after which the store can't set `ignored_pragma` any more:
  /// how a mistake in the store is made on purpose.
  std::string on_open_sql = {};
  std::string ignored_pragma = {};
};

inline constexpr const char* kRecordingVfs = "recording";

/// The recorder of this thread from now on; nullptr: none.
void record_to(Recorder* recorder);

}  // namespace registry_exporter
