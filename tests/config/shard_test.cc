#include "exporter/config/shard.h"

#include <doctest/doctest.h>

#include <string>

#include "exporter/config/config.h"

using namespace registry_exporter;
using namespace registry_exporter::config;

TEST_CASE("shard: with one more shard only about its share moves, and all of it to the new one") {
  for (int shards = 1; shards <= 8; ++shards) {
    CAPTURE(shards);
    constexpr int kRepositories = 10'000;
    int moved = 0;
    for (int i = 0; i < kRepositories; ++i) {
      const std::string name = "team-" + std::to_string(i % 37) + "/service-" + std::to_string(i);
      const int before = shard_of("registry", name, shards);
      const int after = shard_of("registry", name, shards + 1);
      REQUIRE(before >= 0);
      REQUIRE(before < shards);
      if (before == after) continue;
      ++moved;
      CHECK(after == shards);
    }
    const double share = static_cast<double>(moved) / kRepositories;
    CHECK(share == doctest::Approx(1.0 / (shards + 1)).epsilon(0.1));
  }
}

TEST_CASE("shard: where a repository lives never changes") {
  CHECK(shard_of("acr-prod", "team-a/api", 10) == 8);
  CHECK(shard_of("swr-prod", "team-b/web/api", 10) == 8);
}

TEST_CASE("shard: of SWR Enterprise Edition a namespace stays together") {
  RegistryConfig registry;
  registry.cloud = SwrConfig{};
  CHECK(registry.sharded_by("apps/web/shop") == "apps/web/shop");
  std::get<SwrConfig>(registry.cloud).is_enterprise = true;
  CHECK(registry.sharded_by("apps/web/shop") == "apps");
  CHECK(registry.sharded_by("apps/") == "apps");
  CHECK(registry.sharded_by("/to-paris") == "/to-paris");
}

TEST_CASE("shard: one process has everything") {
  CHECK(shard_of("a", "b/c", 1) == 0);
  CHECK(shard_of("", "", 1) == 0);
}

TEST_CASE("shard: repositories are spread evenly") {
  constexpr int kShards = 4;
  constexpr int kRepositories = 8'000;
  int load[kShards] = {};
  for (int i = 0; i < kRepositories; ++i) {
    ++load[shard_of("registry", "team/service-" + std::to_string(i), kShards)];
  }
  for (const int each : load) CHECK(each == doctest::Approx(kRepositories / kShards).epsilon(0.1));
}

TEST_CASE("shard: a pod's ordinal is the number at the end of its name") {
  CHECK(ordinal_of("exporter-12") == 12);
  CHECK(ordinal_of("exporter-0") == 0);
  CHECK(ordinal_of("exporter-3.exporter.monitoring.svc.cluster.local") == 3);
  for (const char* name : {"", "exporter", "exporter-", "exporter-a1", "exporter-1a", "exporter--",
                           "exporter-99999999999", "12", "exporter.team-1"}) {
    CAPTURE(name);
    CHECK_FALSE(ordinal_of(name));
  }
}
