#pragma once

#include <cstddef>
#include <string>

#include "exporter/base/result.h"

namespace registry_exporter {

/// A regular file's whole content; links are followed. Shell.
/// Errors: invalid_config, beginning with the path.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

/// Whether every user of this machine may read it; false when it isn't there. Shell.
bool readable_by_all(const std::string& path);

}  // namespace registry_exporter
