#pragma once

#include <vector>

#include "exporter/base/runtime.h"
#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"

namespace registry_exporter::acr {

/// The sources of keys of a registry of type acr, in the order in which they are asked: only the
/// configured one, or, if none is configured, the official libraries' chain (environment, OIDC,
/// profile of the CLI, credentials file, instance metadata, credentials URI). What `runtime` refers
/// to must outlive the sources.
std::vector<cloud::Source> credential_sources(const config::RegistryConfig& config,
                                              cloud::KeyServices services,
                                              cloud::HostEnvironment host, Runtime runtime);

}  // namespace registry_exporter::acr
