#pragma once

#include <functional>
#include <map>
#include <string>

#include "exporter/store/state_codec.h"
#include "exporter/store/state_store.h"

namespace registry_exporter {

/// What is on the simulation's disk; outlives a crash.
struct Disk {
  std::map<RegistryNumber, std::string> registries;
  std::map<RepositoryNumber, std::pair<RegistryNumber, std::string>> repositories;
  std::map<RepositoryNumber, std::vector<std::string>> segments;
};

/// A state store on such a disk, through the real codecs. `at_point` is called before and after
/// each write reaches the disk: others may run there, and the process may die. What dies before is
/// not on the disk; what dies after is, but nobody was told.
class MemoryStore final : public StateStore {
 public:
  enum class Fate { lives, fails, dies };
  using Point = std::function<Fate()>;

  MemoryStore(Disk& disk, Point at_point) : disk_(disk), at_point_(std::move(at_point)) {}

  Result<LoadedState> load() override {
    LoadedState loaded;
    for (const auto& [number, blob] : disk_.registries) {
      loaded.registries.push_back({number, decode_registry(blob).value()});
    }
    for (const auto& [number, entry] : disk_.repositories) {
      StoredRepository repository{number, entry.first, decode_repository(entry.second).value()};
      std::map<RecordKey, ClosedRecord> closed;
      for (const std::string& segment : disk_.segments[number]) {
        const auto records = decode_closed(segment);
        for (const ClosedRecord& record : *records) closed[record.key] = record;
      }
      for (const auto& [key, record] : closed) repository.state.ledger.closed.push_back(record);
      loaded.repositories.push_back(std::move(repository));
    }
    return loaded;
  }

  Result<Done> commit(const StateChanges& changes) override {
    if (at_point_() != Fate::lives) return fail(ErrorKind::state_io, "simulated: not written");
    for (const auto& registry : changes.registries) {
      disk_.registries[registry.number] = encode_registry(registry.state);
    }
    for (const auto& change : changes.repositories) {
      disk_.repositories[change.number] = {change.registry, encode_repository(change.head)};
      auto& segments = disk_.segments[change.number];
      if (change.replaces_closed) segments.clear();
      if (!change.closed.empty()) segments.push_back(encode_closed(change.closed));
    }
    if (at_point_() == Fate::dies) return fail(ErrorKind::state_io, "simulated: crash");
    return Done{};
  }
  std::uint64_t size_bytes() const override { return 0; }

 private:
  Disk& disk_;
  Point at_point_;
};

}  // namespace registry_exporter
