#pragma once

#include <string>
#include <vector>

#include "exporter/config/config.h"

/// Checks who may read the files that contain secrets. Shell.
namespace registry_exporter::config {

/// The files that a configuration names, and `config_file` itself if it contains a secret; each
/// once. Pure.
std::vector<std::string> secret_files(const Config& config, const std::string& config_file);

/// Warns about each file that can't be read or that every user of this host may read, and says how
/// to fix it. Skips empty names.
void warn_of_secret_files(const std::vector<std::string>& files);

}  // namespace registry_exporter::config
