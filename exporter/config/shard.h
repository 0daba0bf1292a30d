#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Which process reads which repository. Pure.
namespace registry_exporter::config {

/// Jump consistent hash (Lamping, Veach) of registry and repository: 0 ≤ shard < total_shards. Of n
/// shards that become n + 1, only about 1/(n + 1) of the repositories move, all to the new one.
int shard_of(std::string_view registry, std::string_view full_name, int total_shards);

/// The ordinal at the end of a StatefulSet pod's name ("exporter-3" → 3), or of its host's name
/// with the domain.
std::optional<int> ordinal_of(std::string_view pod_name);

}  // namespace registry_exporter::config
