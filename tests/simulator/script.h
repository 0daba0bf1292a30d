#pragma once

#include <cstdint>

#include "tests/simulator/world_time.h"

namespace registry_exporter::simulator {

/// Whose words and habits synchronisations have.
enum class SyncCloud : std::uint8_t { acr, swr };

/// What a story changes in the world's life, by the index of a repository (or of who else it is
/// about) and the moment; as it stands, nothing. Pure.
class Script {
 public:
  virtual ~Script() = default;

  // Builds, pushes and retention of a repository.
  /// The share of the builds (pushes) that come about.
  virtual double pace(std::uint32_t, Life) const { return 1; }
  /// The chance of success; `own` is the repository's.
  virtual double success_share(std::uint32_t, Life, double own) const { return own; }
  /// Times as long as a build would have taken.
  virtual double slowness(std::uint32_t, Life) const { return 1; }
  /// The tags that a run of retention leaves.
  virtual std::uint32_t keep(std::uint32_t, Life, std::uint32_t own) const { return own; }

  // Synchronisations of a repository, by its place among those that are synchronised.
  virtual double sync_success_share(SyncCloud, std::size_t, Life, double own) const { return own; }
  virtual double sync_slowness(SyncCloud, std::size_t, Life) const { return 1; }

  // Executions of SWR Enterprise Edition, by the place of the namespace or of the policy.
  virtual double retention_success_share(std::size_t, Life, double own) const { return own; }
  /// When the next execution begins, after one that began at `at`.
  virtual Life next_retention(std::size_t, [[maybe_unused]] Life at, Life own) const { return own; }
  /// The versions that a retention policy leaves.
  virtual std::uint32_t kept_versions(std::size_t, std::uint32_t own) const { return own; }
  virtual double replication_success_share(std::size_t, Life, double own) const { return own; }
};

/// The script of a world that has none.
inline const Script& script_or_none(const Script* script) {
  static const Script nothing;
  return script == nullptr ? nothing : *script;
}

}  // namespace registry_exporter::simulator
