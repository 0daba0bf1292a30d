#include "exporter/ingest/tracked_registry.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::ingest;

TEST_CASE("exemplars: each bucket keeps the build that ended last in it") {
  constexpr std::size_t kBounds = 2;
  TrackedRegistry registry;
  TrackedList list;
  const auto observe = [&](const std::string& id, std::size_t bucket, std::int64_t ended_at) {
    MergeEffects effects;
    effects.observations.push_back(
        {Outcome::failed, bucket, id, Millis{1'500}, UnixMillis{Millis{ended_at}}});
    absorb(registry, list, effects, kBounds);
  };
  const auto id_of = [](const CopyOnWrite<Exemplars>& exemplars, std::size_t bucket) {
    const auto& exemplar = exemplars->at(bucket);
    return exemplar ? exemplar->build_record_id : "none";
  };
  const auto& exemplars = list.exemplars[Outcome::failed];
  CHECK_FALSE(exemplars);
  observe("b-1", 0, 1'000);
  observe("b-2", 2, 2'000);
  CHECK(exemplars->size() == kBounds + 1);
  CHECK(id_of(exemplars, 0) == "b-1");
  CHECK(id_of(exemplars, 1) == "none");
  CHECK(id_of(exemplars, 2) == "b-2");

  const auto published = exemplars;
  observe("b-3", 0, 3'000);
  observe("older", 2, 1'999);
  CHECK(id_of(exemplars, 0) == "b-3");
  CHECK(id_of(exemplars, 2) == "b-2");
  CHECK(id_of(published, 0) == "b-1");
  CHECK_FALSE(list.exemplars[Outcome::success]);
}
