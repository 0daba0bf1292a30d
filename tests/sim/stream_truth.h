#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "exporter/model/stream_kind.h"
#include "tests/simulator/ee_world.h"
#include "tests/simulator/world.h"

namespace registry_exporter {

/// Registries of a history, by name.
inline constexpr const char* kSwrName = "swr";
inline constexpr const char* kEeName = "ee";

/// What is collected besides builds and deletions of the basic editions.
struct OtherStreams {
  bool acr_syncs = false;
  bool swr_syncs = false;
  bool enterprise = false;
};

/// One record that a list shows now, as far as it adds to one counter.
struct TrueEvent {
  std::size_t outcome = 0;  ///< By the order of StreamKind::outcomes.
  std::uint64_t amount = 1;
  UnixMillis over_at;
  UnixMillis placed_at;  ///< Where the list has it.
  simulator::Absence absence;
  bool can_be_read = true;
};

/// What the world knows of one owner's records of one kind.
struct StreamTruth {
  std::string registry;
  const StreamKind* kind = nullptr;
  RepositoryRef owner;
  std::string list;  ///< Key of the list that tells it.
  bool exists = true;
  bool list_exists = true;
  bool can_be_read = true;
  UnixMillis created_at;                ///< Of the owner.
  UnixMillis list_created_at;           ///< Of the owner of the list.
  std::vector<std::uint64_t> happened;  ///< Ever, by outcome.
  std::vector<TrueEvent> listed;        ///< Those that ended.
  /// Of those that ended, by outcome: what is away from its list for a while, once.
  std::vector<std::uint64_t> flickering;
};

/// Of SWR's synchronisations, and of SWR Enterprise Edition.
std::vector<StreamTruth> truths_of(const simulator::World& world, const OtherStreams& streams);

}  // namespace registry_exporter
