#pragma once

#include <string>
#include <vector>

#include "exporter/config/config.h"

/// The hosts of Alibaba Cloud. Pure.
namespace registry_exporter::acr {

/// The STS to ask: what the registry's `sts_endpoint` names, else the profile (`told`), else the
/// environment (ALIBABA_CLOUD_STS_ENDPOINT, ..._STS_REGION with ..._VPC_ENDPOINT_ENABLED), else the
/// internal host of the registry's region if its `network` is vpc, else the one for all regions.
/// A host that is not in the public lists is used only if somebody named its region.
/// Source: aliyun-openapi-meta @2563691, products.json; the page "Endpoints" of the `cr` API.
std::string sts_origin(const config::RegistryConfig& config,
                       const config::AcrCredentials::Sts& told,
                       const config::Environment& environment);

/// Warnings for a registry in a VPC whose hosts are not in the public lists. One sentence each.
std::vector<std::string> host_notes(const config::RegistryConfig& config,
                                    const config::Environment& environment);

}  // namespace registry_exporter::acr
