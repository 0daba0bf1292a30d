#pragma once

#include <cstdint>
#include <string_view>

/// FNV-1a, 64 bits. Its values are part of the state and of the assignment of shards: they never
/// change. Pure.
namespace registry_exporter {

inline constexpr std::uint64_t kFnvOffset = 0xcbf29ce484222325U;

/// `hash`: of the bytes before `text`.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t hash = kFnvOffset) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

/// The finaliser of SplitMix64: hashes of texts that differ in one character land far apart.
constexpr std::uint64_t mix(std::uint64_t hash) {
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9U;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebU;
  return hash ^ (hash >> 31);
}

}  // namespace registry_exporter
