#pragma once

#include "exporter/engine.h"

namespace registry_exporter {

/// What is collected of a registry, as kinds of records.
std::vector<const StreamKind*> kinds_of(const config::RegistryConfig& registry);

/// Makes the client for a registry's cloud. Another cloud is added here, in a folder beside `acr/`
/// and `swr/`, in `config/` and `doctor_*`, with families in `exposition/` and with an arrow in
/// `tests/tidy`.
CloudConnection connect(std::unique_ptr<net::HttpTransport> transport,
                        const config::RegistryConfig& registry,
                        const config::MetricsConfig& metrics, Runtime runtime,
                        CallObserver& observer);

/// The real clouds over libcurl.
CloudFactory real_clouds();

}  // namespace registry_exporter
