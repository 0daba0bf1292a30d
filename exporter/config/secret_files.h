#pragma once

#include <string>
#include <vector>

#include "exporter/config/config.h"

/// The files on this machine that hold secrets: who may read them. Shell.
namespace registry_exporter {

/// Those that a configuration names, and `config_file` itself where a secret is written out in it;
/// each once. Pure.
std::vector<std::string> secret_files(const Config& config, const std::string& config_file);

/// Logs each that can't be read, and each that every user of this machine may read, with what would
/// mend it; "" is none.
void warn_of_secret_files(const std::vector<std::string>& files);

}  // namespace registry_exporter
