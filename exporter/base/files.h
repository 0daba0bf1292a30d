#pragma once

#include <cstddef>
#include <string>

#include "exporter/base/result.h"

namespace registry_exporter {

/// A regular file's whole content; links are followed. Shell.
/// Errors: invalid_config, beginning with the path.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace registry_exporter
