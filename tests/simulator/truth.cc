#include "tests/simulator/truth.h"

#include <array>
#include <nlohmann/json.hpp>

namespace registry_exporter::simulator {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, 4> kEnds{"success", "failed", "canceled", "other"};

}  // namespace

std::string durations_text(const World& world) {
  Json acr = Json::array();
  for (const AcrRepository& repository : world.acr()) {
    Json durations;
    for (const char* end : kEnds) durations[end] = Json::array();
    for (const Build& build : repository.builds) {
      if (!build.ended_at) continue;
      const Millis span = *build.ended_at - build.started_at;
      durations[kEnds.at(static_cast<std::size_t>(build.end))].push_back(span.count());
    }
    acr.push_back({{"repo_namespace", repository.repo_namespace},
                   {"repo", repository.name},
                   {"durations", std::move(durations)}});
  }
  return Json{{"acr", std::move(acr)}}.dump();
}

}  // namespace registry_exporter::simulator
