#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "exporter/config/config.h"
#include "tests/sim/baton.h"
#include "tests/simulator/faults.h"
#include "tests/simulator/world.h"

namespace registry_exporter {

inline constexpr std::chrono::seconds kSweepInterval{120};

/// What is drawn once for a whole history.
struct Plan {
  config::Config config;
  simulator::WorldOptions world;
  simulator::FaultMix faults;
  std::string mix;
  int lives = 1;
  bool asks_for_notices = false;
  bool second_scraper = false;
  bool clock_jumps = false;
  bool disk_fails = false;
  bool disk_slow = false;
};

Plan draw_plan(Baton& dice, std::uint64_t seed);

}  // namespace registry_exporter
