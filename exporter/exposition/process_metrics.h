#pragma once

#include <map>
#include <string>

namespace registry_exporter {

/// The standard `process_*` values by family, read from /proc/self now. What can't be read is left
/// out. Shell.
std::map<std::string, double> read_process_metrics();

}  // namespace registry_exporter
