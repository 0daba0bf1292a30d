#pragma once

#include <string>
#include <vector>

#include "exporter/config/config.h"

namespace registry_exporter {

/// The files with secrets that a configuration names and that every user of this machine may read.
/// Shell.
std::vector<std::string> exposed_secret_files(const Config& config);

/// Logs each of these files that every user of this machine may read; "" is none. Shell.
void warn_of_exposed(const std::vector<std::string>& files);

}  // namespace registry_exporter
