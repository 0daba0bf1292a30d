#pragma once

#include "exporter/engine.h"

namespace registry_exporter {

/// The client that speaks to a registry's cloud over `transport`: a third cloud is one line in it.
CloudConnection connect(std::unique_ptr<HttpTransport> transport, const RegistryConfig& registry,
                        const MetricsConfig& metrics, Runtime runtime, CallObserver& observer);

/// The real clouds over libcurl.
CloudFactory real_clouds();

}  // namespace registry_exporter
