#pragma once

#include <string>
#include <vector>

#include "exporter/config/config.h"

/// Which hosts of Alibaba Cloud there are. Pure.
namespace registry_exporter::acr {

/// The STS to ask: what the registry's `sts_endpoint` names, else the profile (`told`), else the
/// environment (ALIBABA_CLOUD_STS_ENDPOINT, ..._STS_REGION with ..._VPC_ENDPOINT_ENABLED), else the
/// inner side of the registry's region where its `network` is vpc, else the one for all regions.
/// Only where nobody names a region we leave out hosts that are not listed.
/// Source: aliyun-openapi-meta @2563691, products.json; the page "Endpoints" of the `cr` API.
std::string sts_origin(const RegistryConfig& config, const AcrCredentials::Sts& told,
                       const Environment& environment);

/// What is worth knowing where a registry is read inside a VPC whose hosts are not in the public
/// lists. One sentence each.
std::vector<std::string> host_notes(const RegistryConfig& config, const Environment& environment);

}  // namespace registry_exporter::acr
