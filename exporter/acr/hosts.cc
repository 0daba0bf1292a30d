#include "exporter/acr/hosts.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "exporter/base/url.h"
#include "exporter/cloud/credentials.h"

namespace registry_exporter::acr {
namespace {

constexpr const char* kEverywhere = "https://sts.aliyuncs.com";

constexpr std::array<std::string_view, 3> kWithoutStsInside{"cn-hangzhou-finance", "ap-southeast-6",
                                                            "us-southeast-1"};
constexpr std::array<std::string_view, 3> kWithoutCrInside{"cn-wulanchabu", "cn-huhehaote",
                                                           "cn-heyuan"};

bool is_one_of(const std::array<std::string_view, 3>& regions, std::string_view region) {
  return std::find(regions.begin(), regions.end(), region) != regions.end();
}

/// Whether the endpoint is internal, by `network: vpc` or as written.
bool is_inside(const config::RegistryConfig& config) {
  return config.endpoint.starts_with("https://cr-vpc.");
}

/// Permanent keys never need STS.
bool may_ask_sts(const config::RegistryConfig& config) {
  const config::AcrCredentials& form = std::get<config::AcrConfig>(config.cloud).credentials;
  return !config.credentials_given || form.assume_role || form.oidc;
}

/// The endpoint may lack its scheme.
std::string origin_of(const std::string& endpoint) {
  return has_scheme(endpoint) ? endpoint : "https://" + endpoint;
}

}  // namespace

std::string sts_origin(const config::RegistryConfig& config,
                       const config::AcrCredentials::Sts& told,
                       const config::Environment& environment) {
  const cloud::HostEnvironment host{environment, {}};
  const bool inside = is_inside(config);
  if (!config.key_endpoints.sts.empty()) return config.key_endpoints.sts;
  if (!told.endpoint.empty()) return origin_of(told.endpoint);
  const std::string endpoint = host.variable("ALIBABA_CLOUD_STS_ENDPOINT");
  if (!endpoint.empty()) return origin_of(endpoint);
  std::string region = told.region;
  if (region.empty()) region = host.variable("ALIBABA_CLOUD_STS_REGION");
  if (region.empty() && inside && !is_one_of(kWithoutStsInside, config.region))
    region = config.region;
  if (region.empty()) return kEverywhere;
  const bool vpc = told.vpc || inside || host.is_on("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED");
  return (vpc ? "https://sts-vpc." : "https://sts.") + region + ".aliyuncs.com";
}

std::vector<std::string> host_notes(const config::RegistryConfig& config,
                                    const config::Environment& environment) {
  std::vector<std::string> notes;
  if (!is_inside(config)) return notes;
  if (is_one_of(kWithoutCrInside, config.region)) {
    notes.push_back("no host of the container registry is listed inside the VPCs of " +
                    config.region + ": where " + config.endpoint +
                    " doesn't resolve, take network: public");
  }
  if (may_ask_sts(config) && is_one_of(kWithoutStsInside, config.region) &&
      sts_origin(config, {}, environment) == kEverywhere) {
    notes.push_back("no STS is listed inside the VPCs of " + config.region + ": " + kEverywhere +
                    " is asked instead, which needs a way out of the VPC (or sts_endpoint)");
  }
  return notes;
}

}  // namespace registry_exporter::acr
