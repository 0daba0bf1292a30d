#pragma once

#include <vector>

#include "exporter/config/config.h"
#include "exporter/config/yaml_section.h"

/// The key `registries`. For config/parse.cc only.
namespace registry_exporter::config {

/// Reads every registry that can be read; `root` is the whole file.
std::vector<RegistryConfig> read_registries(Section& root);

}  // namespace registry_exporter::config
