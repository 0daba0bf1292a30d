#pragma once

#include <string>

#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"

/// Where the official clients look for credentials that nobody configured, in the order of their
/// chain. Source: huaweicloud-sdk-go-v3 and huaweicloud-sdk-python-v3, core/auth/provider.
namespace registry_exporter::swr {

/// A form of credentials, with what its place says beside it.
struct FoundForm {
  SwrCredentials credentials;
  std::string project_id;    ///< Empty: not told.
  std::string iam_endpoint;  ///< Empty: not told. May lack the scheme.
};

Result<FoundForm> in_environment(const HostEnvironment& host);
/// Section [basic] of the clients' credentials file.
Result<FoundForm> in_profile(const HostEnvironment& host);
Result<FoundForm> on_instance(const HostEnvironment& host);
/// What CCE's pod identity gives a container.
Result<FoundForm> in_pod(const HostEnvironment& host);

}  // namespace registry_exporter::swr
