#pragma once

#include <chrono>
#include <cstdint>

#include "exporter/base/clock.h"

namespace registry_exporter::simulator {

/// The world's own time since it began; negative is history. Runs `speed` times faster than the
/// wall clock.
using Life = std::chrono::microseconds;
using UnixMicros = std::chrono::sys_time<std::chrono::microseconds>;

/// When a record is away from its list.
struct Absence {
  Life from = Life::max();
  Life until = Life::max();
};

enum class Order : std::uint8_t { newest_first, oldest_first, shuffled };

}  // namespace registry_exporter::simulator
