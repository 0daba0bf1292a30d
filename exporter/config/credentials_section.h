#pragma once

#include "exporter/config/config.h"
#include "exporter/config/yaml_section.h"

/// The key `credentials` of a registry. For config/registry_section.cc only.
namespace registry_exporter::config {

AcrCredentials read_acr_credentials(Section section);
/// `region`: the project of an IAM user that names none.
SwrCredentials read_swr_credentials(Section section, const std::string& region);

}  // namespace registry_exporter::config
