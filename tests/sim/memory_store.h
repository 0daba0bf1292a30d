#pragma once

#include <map>
#include <string>

#include "exporter/store/state_codec.h"
#include "exporter/store/state_store.h"
#include "tests/sim/baton.h"

namespace registry_exporter {

/// What is on the simulation's disk; outlives a crash.
struct Disk {
  std::map<RegistryNumber, std::string> registries;
  std::map<RepositoryNumber, std::pair<RegistryNumber, std::string>> repositories;
  std::map<RepositoryNumber, std::vector<std::string>> segments;
  int commits = 0;
};

/// A state store on such a disk, through the real codecs. Others run before and after a commit; a
/// crash is a commit that may or may not have reached the disk and never answers well again.
class MemoryStore final : public StateStore {
 public:
  MemoryStore(Disk& disk, Baton& baton) : disk_(disk), baton_(baton) {}

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
    baton_.yield();
    if (crashed_ || failing_) return fail(ErrorKind::state_io, "simulated: disk gone");
    for (const auto& registry : changes.registries) {
      disk_.registries[registry.number] = encode_registry(registry.state);
    }
    for (const auto& change : changes.repositories) {
      disk_.repositories[change.number] = {change.registry, encode_repository(change.head)};
      auto& segments = disk_.segments[change.number];
      if (change.replaces_closed) segments.clear();
      if (!change.closed.empty()) segments.push_back(encode_closed(change.closed));
    }
    ++disk_.commits;
    baton_.yield();
    return crashed_ ? Result<Done>(fail(ErrorKind::state_io, "simulated: crash")) : Done{};
  }
  std::uint64_t size_bytes() const override { return 0; }

  void crash() { crashed_ = true; }
  void set_failing(bool failing) { failing_ = failing; }

 private:
  Disk& disk_;
  Baton& baton_;
  bool crashed_ = false;
  bool failing_ = false;
};

}  // namespace registry_exporter
