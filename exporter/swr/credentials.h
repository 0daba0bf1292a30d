#pragma once

#include <memory>
#include <vector>

#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"
#include "exporter/swr/iam_hosts.h"

namespace registry_exporter::swr {

/// The sources of keys of a registry of type swr, in the order in which they are asked: only the
/// configured one, or, if none is configured, the official clients' chain (environment, profile,
/// instance metadata, pod identity).
std::vector<cloud::Source> credential_sources(const config::RegistryConfig& config,
                                              cloud::KeyServices services,
                                              cloud::HostEnvironment host);

/// The hosts of IAM, unless the keys come with another one.
std::shared_ptr<const IamHosts> iam_hosts(const config::RegistryConfig& config,
                                          const cloud::HostEnvironment& host);

}  // namespace registry_exporter::swr
