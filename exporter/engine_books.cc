#include "exporter/engine_books.h"

#include <algorithm>
#include <utility>

#include "exporter/registry_scope.h"

namespace registry_exporter {

std::unique_ptr<ingest::TrackedRegistry> EngineBooks::take(const std::string& identity) {
  auto found = registries.find(identity);
  const bool is_open = identity.ends_with('\n');
  for (auto each = registries.lower_bound(identity); is_open && each != registries.end(); ++each) {
    if (!each->first.starts_with(identity)) break;
    const RegistryState& state = each->second->state;
    if (!state.created_at) continue;
    const bool newer = found == registries.end() || !found->second->state.created_at ||
                       state.last_success > found->second->state.last_success;
    if (newer) found = each;
  }
  return found == registries.end() ? nullptr : std::move(registries.extract(found).mapped());
}

EngineBooks engine_books_of(store::LoadedState loaded) {
  EngineBooks data;
  std::map<store::RegistryNumber, ingest::TrackedRegistry*> by_number;
  for (store::StoredRegistry& stored : loaded.registries) {
    auto registry = std::make_unique<ingest::TrackedRegistry>();
    registry->number = stored.number;
    registry->state = std::move(stored.state);
    registry->dirty = false;
    by_number[stored.number] = registry.get();
    data.last_registry = std::max(data.last_registry, stored.number);
    data.registries[registry->state.identity] = std::move(registry);
  }
  for (store::StoredRepository& stored : loaded.repositories) {
    data.last_repository = std::max(data.last_repository, stored.number);
    const auto found = by_number.find(stored.registry);
    if (found == by_number.end()) continue;
    auto repository = std::make_unique<ingest::TrackedList>();
    repository->number = stored.number;
    repository->state = std::move(stored.state);
    if (repository->state.kind == nullptr) {
      repository->state.kind = &first_kind(found->second->state.identity);
    }
    found->second->add(std::move(repository));
  }
  data.shown = !loaded.registries.empty();
  return data;
}

}  // namespace registry_exporter
