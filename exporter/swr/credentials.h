#pragma once

#include <vector>

#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"

namespace registry_exporter::swr {

/// Where the keys of a registry of type swr may come from, in the order they are looked for: the
/// form that is configured alone, or else the official clients' own chain (environment, profile,
/// instance metadata).
std::vector<Source> credential_sources(const RegistryConfig& config, KeyServices services,
                                       Machine machine);

}  // namespace registry_exporter::swr
