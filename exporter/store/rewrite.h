#pragma once

#include <string>

#include "exporter/base/result.h"

namespace registry_exporter {

/// Writes a file's bytes over themselves and syncs them: after a sync that failed, the system takes
/// pages for written that never reached the disk, and only writing them again brings them there.
/// No such file: nothing to do. Errors: state_io. Shell.
Result<Done> rewrite_in_place(const std::string& path);

}  // namespace registry_exporter
