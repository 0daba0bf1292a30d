#include "exporter/clouds.h"

#include "exporter/acr/client.h"
#include "exporter/net/curl_transport.h"
#include "exporter/swr/client.h"
#include "exporter/swr_ee/instance_cloud.h"

namespace registry_exporter {
namespace {

net::CurlOptions curl_options(const config::RegistryConfig& registry) {
  net::CurlOptions options;
  options.proxy = {registry.proxy_url, config::environment_variable};
  options.ca_file = registry.tls.ca_file;
  options.cert_file = registry.tls.cert_file;
  options.key_file = registry.tls.key_file;
  options.server_name = registry.tls.server_name;
  options.server_name_origin = registry.endpoint;
  return options;
}

}  // namespace

std::vector<const StreamKind*> kinds_of(const config::RegistryConfig& registry) {
  std::vector<const StreamKind*> kinds;
  if (registry.collects(config::Collected::builds)) kinds.push_back(&kBuilds);
  if (registry.collects(config::Collected::deletions)) kinds.push_back(&kDeletions);
  if (registry.collects(config::Collected::syncs)) {
    kinds.push_back(registry.is_acr() ? &kAcrSyncs : &kSwrSyncs);
  }
  if (registry.collects(config::Collected::retentions)) {
    kinds.insert(kinds.end(), {&kRetentions, &kRetentionDeletions});
  }
  if (registry.collects(config::Collected::replications)) {
    kinds.insert(kinds.end(), {&kReplications, &kReplicatedArtifacts});
  }
  return kinds;
}

CloudConnection connect(std::unique_ptr<net::HttpTransport> transport,
                        const config::RegistryConfig& registry,
                        const config::MetricsConfig& metrics, Runtime runtime,
                        CallObserver& observer) {
  CloudConnection connection;
  connection.kinds = kinds_of(registry);
  if (registry.is_acr()) {
    connection.cloud =
        std::make_unique<acr::Client>(runtime, *transport, observer, registry, metrics);
  } else if (registry.is_swr_ee()) {
    connection.cloud =
        std::make_unique<swr_ee::InstanceCloud>(runtime, *transport, observer, registry);
  } else {
    connection.cloud = std::make_unique<swr::Client>(runtime, *transport, observer, registry);
  }
  connection.transport = std::move(transport);
  return connection;
}

CloudFactory real_clouds() {
  return [](const config::RegistryConfig& registry, const config::MetricsConfig& metrics,
            Runtime runtime, CallObserver& observer) -> Result<CloudConnection> {
    return connect(net::make_curl_transport(curl_options(registry)), registry, metrics, runtime,
                   observer);
  };
}

}  // namespace registry_exporter
