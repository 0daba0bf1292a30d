#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/simulator/world.h"

namespace registry_exporter {

/// What really ended in a world: kept here before it leaves the lists, and told at the end.
class Diary {
 public:
  /// Often enough that nothing leaves a list in between.
  void remember(const simulator::World& world);
  /// Of each repository, namespace and policy, with what has not ended yet.
  void tell(const simulator::World& world, nlohmann::json& truth) const;

 private:
  struct Ended {
    double at = 0;  ///< Seconds since 1970.
    int end = 0;    ///< -1: it has not.
    double span = 0;
  };
  struct Deleted {
    double at = 0;
    std::string rule_template;
  };
  using EndedByNumber = std::map<std::uint64_t, Ended>;

  void remember_syncs(const simulator::SyncTasks& syncs, std::size_t cloud);
  void remember_executions(const simulator::World& world);
  void tell_repositories(const simulator::World& world, nlohmann::json& truth) const;
  void tell_syncs(const simulator::World& world, std::size_t cloud, nlohmann::json& truth) const;
  void tell_executions(const simulator::World& world, nlohmann::json& truth) const;
  /// What ended since then.
  static nlohmann::json told(const EndedByNumber& ended, double since = 0);

  std::map<std::uint32_t, EndedByNumber> builds_;                       ///< By index and number.
  std::map<std::uint32_t, std::map<std::int64_t, Deleted>> deletions_;  ///< By index and id.
  std::array<std::map<std::size_t, EndedByNumber>, 2> syncs_;           ///< By cloud and owner.
  std::map<std::string, EndedByNumber> retentions_;                     ///< By namespace.
  std::map<std::int64_t, EndedByNumber> replications_;                  ///< By policy.
};

}  // namespace registry_exporter
