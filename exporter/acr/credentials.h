#pragma once

#include <vector>

#include "exporter/base/runtime.h"
#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"

namespace registry_exporter::acr {

/// Where the keys of a registry of type acr may come from, in the order they are looked for: the
/// form that is configured alone, or else the official libraries' own chain (environment, OIDC,
/// profile of the CLI, credentials file, instance metadata, credentials URI). What `runtime` refers
/// to must outlive the sources.
std::vector<Source> credential_sources(const RegistryConfig& config, KeyServices services,
                                       HostEnvironment host, Runtime runtime);

}  // namespace registry_exporter::acr
