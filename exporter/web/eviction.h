#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "exporter/base/clock.h"

namespace registry_exporter::web {

/// What a connection is doing, in the order of eviction: the first go first.
enum class ConnectionPhase {
  lingering,   ///< Response sent, our side closed; waiting for the client to close.
  idle,        ///< Waiting for the first byte of a request.
  head,        ///< Receiving a request head.
  writing,     ///< Sending the response.
  processing,  ///< The handler is running: never evicted.
};

struct ConnectionState {
  ConnectionPhase phase = ConnectionPhase::idle;
  SteadyTime since;  ///< Start of the phase; writing: when the client last took bytes.
};

/// Which connection to close when there are too many: the oldest idle one, else the oldest
/// unfinished head, else the one whose client has not read for longest. nullopt: none. Pure.
std::optional<std::size_t> choose_eviction(std::span<const ConnectionState> connections);

}  // namespace registry_exporter::web
