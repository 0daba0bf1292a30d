#pragma once

#include <cstdint>
#include <vector>

#include "tests/simulator/dice.h"
#include "tests/simulator/script.h"

namespace registry_exporter {

enum class IncidentKind {
  broken,
  common_cause,
  slow,
  stuck,
  silent,
  spike,
  emptied,
  stopped,
  sync_broken,
  sync_stuck,
  swr_sync_broken,
  swr_sync_stuck,
  retention_broken,
  retention_missing,
  replication_broken,
};
const char* name_of(IncidentKind kind);

/// Something that befalls repositories whose index is `index`, modulo `every` (0: that one alone).
/// For synchronisations and executions, the index is that of simulator::Script.
struct Incident {
  IncidentKind kind;
  std::uint32_t index = 0;
  std::uint32_t every = 0;
  simulator::Life from{0};
  simulator::Life until{0};

  bool concerns(std::uint32_t other, simulator::Life at) const {
    const bool chosen = every == 0 ? other == index : other % every == index;
    return chosen && at >= from && at < until;
  }
};

/// What a month is made of.
struct StoryOptions {
  std::uint64_t seed = 1;
  int days = 30;
  int repositories = 60;  ///< Of each cloud.
  int quiet_days = 9;     ///< Before the first incident: what is usual has to be learnt.
};

/// A week of people who work, with storms of deploys, and the incidents.
class Story final : public simulator::Script {
 public:
  using Life = simulator::Life;

  Story(const StoryOptions& options, UnixMillis begun);

  double pace(std::uint32_t index, Life at) const override;
  double success_share(std::uint32_t index, Life at, double own) const override;
  double slowness(std::uint32_t index, Life at) const override;
  std::uint32_t keep(std::uint32_t index, Life at, std::uint32_t own) const override;
  double sync_success_share(simulator::SyncCloud cloud, std::size_t index, Life at,
                            double own) const override;
  double sync_slowness(simulator::SyncCloud cloud, std::size_t index, Life at) const override;
  double retention_success_share(std::size_t index, Life at, double own) const override;
  Life next_retention(std::size_t index, Life at, Life own) const override;
  std::uint32_t kept_versions(std::size_t index, std::uint32_t own) const override;
  double replication_success_share(std::size_t index, Life at, double own) const override;

  const std::vector<Incident>& incidents() const { return incidents_; }

 private:
  struct Plan;
  void add(const Plan& plan);
  std::uint32_t unused(std::uint32_t rank, std::uint32_t ranks, IncidentKind kind) const;
  bool concerned(IncidentKind kind, std::size_t index, Life at) const;
  Life into_first_day() const;
  int day_of(Life at) const;
  double hour_of(Life at) const;
  bool works_on(int day) const;

  StoryOptions options_;
  UnixMillis begun_;
  simulator::Dice dice_;
  std::vector<Incident> incidents_;
};

}  // namespace registry_exporter
