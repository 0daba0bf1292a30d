#pragma once

#include <functional>
#include <string>

#include "exporter/config/config.h"

/// Which of what a registry lists is this process's to read. Pure.
namespace registry_exporter {

/// This process's share of the repositories.
struct Shard {
  int number = 0;
  int of = 1;
};

/// Filters, fixed lists, shards and kinds as a text: another text is another set of lists.
std::string scope_of(const config::RegistryConfig& registry, const Shard& shard);

/// Filters, fixed lists and shards, by full_name(): of a namespace "namespace/", of a policy
/// "/policy". A policy is for all namespaces: it is not filtered.
std::function<bool(const std::string& full_name)> accepts_of(const config::RegistryConfig& registry,
                                                             const Shard& shard);

}  // namespace registry_exporter
