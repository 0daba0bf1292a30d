#include "exporter/web/eviction.h"

#include <utility>

namespace registry_exporter::web {

std::optional<std::size_t> choose_eviction(std::span<const ConnectionState> connections) {
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < connections.size(); ++i) {
    const ConnectionState& candidate = connections[i];
    if (candidate.phase == ConnectionPhase::processing) continue;
    const auto rank = [](const ConnectionState& state) {
      return std::pair(state.phase, state.since);
    };
    if (!chosen || rank(candidate) < rank(connections[*chosen])) chosen = i;
  }
  return chosen;
}

}  // namespace registry_exporter::web
