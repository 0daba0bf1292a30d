#include "exporter/clouds.h"

#include "exporter/acr/client.h"
#include "exporter/net/curl_transport.h"
#include "exporter/swr/client.h"

namespace registry_exporter {
namespace {

CurlOptions curl_options(const RegistryConfig& registry) {
  CurlOptions options;
  options.proxy = {registry.proxy_url, environment_variable};
  options.ca_file = registry.tls.ca_file;
  options.cert_file = registry.tls.cert_file;
  options.key_file = registry.tls.key_file;
  options.server_name = registry.tls.server_name;
  options.server_name_origin = registry.endpoint;
  return options;
}

}  // namespace

CloudConnection connect(std::unique_ptr<HttpTransport> transport, const RegistryConfig& registry,
                        const MetricsConfig& metrics, Runtime runtime, CallObserver& observer) {
  CloudConnection connection;
  if (registry.is_acr()) {
    connection.kind = &kBuilds;
    connection.cloud =
        std::make_unique<acr::Client>(runtime, *transport, observer, registry, metrics);
  } else {
    connection.kind = &kDeletions;
    connection.cloud = std::make_unique<swr::Client>(runtime, *transport, observer, registry);
  }
  connection.transport = std::move(transport);
  return connection;
}

CloudFactory real_clouds() {
  return [](const RegistryConfig& registry, const MetricsConfig& metrics, Runtime runtime,
            CallObserver& observer) -> Result<CloudConnection> {
    return connect(make_curl_transport(curl_options(registry)), registry, metrics, runtime,
                   observer);
  };
}

}  // namespace registry_exporter
