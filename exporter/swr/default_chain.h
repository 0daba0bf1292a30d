#pragma once

#include <string>

#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"

/// Where the official clients look for credentials that nobody configured, in the order of their
/// chain. Source: huaweicloud-sdk-go-v3 and huaweicloud-sdk-python-v3, core/auth/provider.
namespace registry_exporter::swr {

/// A form of credentials, with settings from the same place.
struct FoundForm {
  config::SwrCredentials credentials;
  std::string project_id;    ///< Empty: unknown.
  std::string iam_endpoint;  ///< Empty: unknown. May lack the scheme.
};

Result<FoundForm> in_environment(const cloud::HostEnvironment& host);
/// Section [basic] of the clients' credentials file.
Result<FoundForm> in_profile(const cloud::HostEnvironment& host);
Result<FoundForm> on_instance(const cloud::HostEnvironment& host);
/// CCE's pod identity.
Result<FoundForm> in_pod(const cloud::HostEnvironment& host);

}  // namespace registry_exporter::swr
