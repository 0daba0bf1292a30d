#include "exporter/registry_scope.h"

#include <memory>
#include <set>

#include "exporter/config/filter.h"
#include "exporter/config/shard.h"

namespace registry_exporter {
namespace {

/// Empty: found by discovery.
std::set<std::string> static_names(const config::RegistryConfig& registry) {
  std::set<std::string> names;
  if (!registry.static_repositories) return names;
  for (const config::StaticRepository& each : *registry.static_repositories) {
    names.insert(each.repo_namespace + "/" + each.name);
  }
  return names;
}

}  // namespace

std::string scope_of(const config::RegistryConfig& registry, const Shard& shard) {
  std::string scope;
  const auto add = [&scope](const std::string& part) {
    scope += std::to_string(part.size()) + ":" + part + ",";
  };
  for (const std::string& pattern : registry.repositories.include) add("+" + pattern);
  for (const std::string& pattern : registry.repositories.exclude) add("-" + pattern);
  add(std::to_string(shard.number) + "/" + std::to_string(shard.of));
  // What is collected by default is not told: states of old have nothing of it.
  if (registry.collect != registry.default_collect()) {
    for (const config::Collected each : registry.collect) add(std::string(name(each)));
  }
  return scope;
}

std::function<bool(const std::string&)> accepts_of(const config::RegistryConfig& registry,
                                                   const Shard& shard) {
  return [wanted = static_names(registry),
          filter = std::make_shared<const config::RepositoryFilter>(registry.repositories),
          registry = registry, shard](const std::string& full_name) {
    const bool is_policy = full_name.starts_with('/');
    return (is_policy || filter->matches(full_name)) &&
           (wanted.empty() || wanted.contains(full_name)) &&
           config::shard_of(registry.name, registry.sharded_by(full_name), shard.of) ==
               shard.number;
  };
}

}  // namespace registry_exporter
