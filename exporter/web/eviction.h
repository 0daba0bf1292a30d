#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "exporter/base/clock.h"

namespace registry_exporter {

/// What a connection is busy with, in the order in which it may be given up for a new one.
enum class ConnectionPhase {
  lingering,  ///< Answered and closed on our side; waits for the client to notice.
  idle,       ///< Not a byte of a request yet.
  head,       ///< Sends a head.
  writing,    ///< Takes its answer.
  answering,  ///< Its answer is being made: never given up.
};

struct ConnectionState {
  ConnectionPhase phase = ConnectionPhase::idle;
  SteadyTime since;  ///< Of the phase; writing: of the last byte taken.
};

/// Which connection goes when there are too many: the oldest idle one, else the oldest unfinished
/// head, else the reader that has taken nothing for longest. nullopt: none may go. Pure.
std::optional<std::size_t> choose_eviction(std::span<const ConnectionState> connections);

}  // namespace registry_exporter
