#include "exporter/registry_scope.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace registry_exporter;

namespace {

config::RegistryConfig enterprise() {
  config::RegistryConfig registry;
  registry.name = "prod";
  config::SwrConfig swr;
  swr.is_enterprise = true;
  registry.cloud = swr;
  return registry;
}

}  // namespace

TEST_CASE("registry scope: filters are for repositories, and policies pass them") {
  config::RegistryConfig registry = enterprise();
  registry.repositories.include = {"apps/.*"};
  registry.repositories.exclude = {".*/tmp"};
  const auto accepts = accepts_of(registry, {});
  CHECK(accepts("apps/web/shop"));
  CHECK(accepts("apps/"));
  CHECK_FALSE(accepts("apps/tmp"));
  CHECK_FALSE(accepts("other/web"));
  CHECK_FALSE(accepts("other/"));
  CHECK(accepts("/to-paris"));
}

TEST_CASE("registry scope: of a fixed list there is nothing else") {
  config::RegistryConfig registry;
  registry.static_repositories = {{"team", "a", ""}};
  const auto accepts = accepts_of(registry, {});
  CHECK(accepts("team/a"));
  CHECK_FALSE(accepts("team/b"));
}

TEST_CASE("registry scope: each shard has what no other has, and a namespace is of one") {
  const config::RegistryConfig registry = enterprise();
  for (const std::string space : {"apps", "base", "data", "web"}) {
    int owners = 0;
    for (int shard = 0; shard < 3; ++shard) {
      const auto accepts = accepts_of(registry, {shard, 3});
      owners += accepts(space + "/") ? 1 : 0;
      CHECK(accepts(space + "/one") == accepts(space + "/"));
    }
    CHECK(owners == 1);
  }
}

TEST_CASE("registry scope: its text tells filters, shards and kinds apart") {
  const config::RegistryConfig plain = enterprise();
  config::RegistryConfig filtered = plain;
  filtered.repositories.include = {"apps/.*"};
  config::RegistryConfig without = plain;
  without.repositories.exclude = {"apps/.*"};
  config::RegistryConfig half = plain;
  half.collect = {config::Collected::replications};
  config::RegistryConfig default_written = plain;
  default_written.collect = plain.default_collect();
  CHECK(scope_of(plain, {}) == scope_of(default_written, {}));
  const std::vector<std::string> others = {scope_of(filtered, {}), scope_of(without, {}),
                                           scope_of(half, {}), scope_of(plain, {0, 2}),
                                           scope_of(plain, {1, 2})};
  for (std::size_t i = 0; i < others.size(); ++i) {
    CHECK(others[i] != scope_of(plain, {}));
    for (std::size_t j = 0; j < i; ++j) CHECK(others[i] != others[j]);
  }
}
