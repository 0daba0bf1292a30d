#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/simulator/ee_world.h"
#include "tests/simulator/world.h"

namespace registry_exporter {

/// Rows of the longest page that a history asks for.
inline constexpr int kPageMax = 14;

/// Nobody can be asked for what is refused for good. Where such places never answer, their
/// neighbours are not asked for one by one, either: it would take too long.
inline bool can_be_read(const simulator::LastingFaults& lasting, std::size_t row,
                        std::uint32_t number) {
  const int around = lasting.answer == simulator::Broken::never ? kPageMax : 0;
  if (lasting.is_too_deep(row, row + static_cast<std::size_t>(around) + 1)) return false;
  for (int off = -around; off <= around; ++off) {
    if (lasting.breaks_record(number + static_cast<std::uint32_t>(off))) return false;
  }
  return true;
}

}  // namespace registry_exporter
