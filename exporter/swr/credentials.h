#pragma once

#include <memory>
#include <vector>

#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"
#include "exporter/swr/iam_hosts.h"

namespace registry_exporter::swr {

/// Where the keys of a registry of type swr may come from, in the order they are looked for: the
/// form that is configured alone, or else the official clients' own chain (environment, profile,
/// instance metadata, pod identity).
std::vector<Source> credential_sources(const RegistryConfig& config, KeyServices services,
                                       HostEnvironment host);

/// Where IAM is asked, unless the keys say better.
std::shared_ptr<const IamHosts> iam_hosts(const RegistryConfig& config,
                                          const HostEnvironment& host);

}  // namespace registry_exporter::swr
