#pragma once

#include <string>

#include "exporter/base/result.h"

/// A file as bytes, past SQLite. No such file: nothing to do, a success. Errors: state_io. Shell.
namespace registry_exporter {

/// Writes a file's bytes over themselves and syncs them: after a sync that failed, the system takes
/// pages for written that never reached the disk, and only writing them again brings them there.
Result<Done> rewrite_in_place(const std::string& path);

/// Whether every byte can be read. SQLite calls a page that can't be read damaged.
Result<Done> read_whole(const std::string& path);

}  // namespace registry_exporter
