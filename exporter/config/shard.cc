#include "exporter/config/shard.h"

#include <charconv>
#include <cstdint>

#include "exporter/base/hash.h"

namespace registry_exporter::config {
namespace {

/// Part of what users rely on: never change it.
std::uint64_t stable_hash(std::string_view registry, std::string_view full_name) {
  return mix(fnv1a(full_name, fnv1a("/", fnv1a(registry))));
}

}  // namespace

int shard_of(std::string_view registry, std::string_view full_name, int total_shards) {
  std::uint64_t key = stable_hash(registry, full_name);
  std::int64_t shard = -1;
  std::int64_t next = 0;
  while (next < total_shards) {
    shard = next;
    key = key * 2862933555777941757U + 1;
    const double divisor = static_cast<double>((key >> 33) + 1);
    next = static_cast<std::int64_t>(static_cast<double>(shard + 1) *
                                     (static_cast<double>(std::int64_t{1} << 31) / divisor));
  }
  return static_cast<int>(shard < 0 ? 0 : shard);
}

std::optional<int> ordinal_of(std::string_view pod_name) {
  pod_name = pod_name.substr(0, pod_name.find('.'));  // A host's name may come with its domain.
  const std::size_t dash = pod_name.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view digits = pod_name.substr(dash + 1);
  int ordinal = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
  const bool whole = !digits.empty() && end == digits.data() + digits.size();
  if (error != std::errc{} || !whole || ordinal < 0) return std::nullopt;
  return ordinal;
}

}  // namespace registry_exporter::config
