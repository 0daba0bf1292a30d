#pragma once

#include <algorithm>

#include "exporter/exposition/encode.h"
#include "exporter/exposition/render.h"
#include "exporter/exposition/sample_writer.h"

/// Lines that are true at the moment of a scrape: what several families share. Pure.
namespace registry_exporter::exposition {

/// A family with one value for each registry; `Value(health)` returns nullopt if there is none.
template <auto Value>
void health_value(const Family& family, const ScrapeSource& source, SampleWriter& writer) {
  const auto& healths = source.live.registries;
  for (const auto& registry : source.registries) {
    if (!concerns(family, *registry)) continue;
    const auto health = std::find_if(healths.begin(), healths.end(), [&](const auto& each) {
      return each.first == registry->name;
    });
    if (health == healths.end()) continue;
    const auto value = Value(health->second);
    if (value) writer.add(family.name, family.type, {{"registry", registry->name}}, *value);
  }
}

/// acr_up, swr_up.
inline std::optional<std::uint64_t> up(const CloudHealth& health) { return health.up; }

}  // namespace registry_exporter::exposition
