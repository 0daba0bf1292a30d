#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exporter/store/state_codec.h"
#include "exporter/store/state_store.h"

namespace registry_exporter {

/// What is on the simulation's disk; outlives a crash.
struct Disk {
  std::map<store::RegistryNumber, std::string> registries;
  std::map<store::RepositoryNumber, std::pair<store::RegistryNumber, std::string>> repositories;
  std::map<store::RepositoryNumber, std::vector<std::string>> segments;
};

/// A state store on such a disk, through the real codecs. `at_point` is called before and after
/// each write reaches the disk: others may run there, and the process may die. What dies before is
/// not on the disk; what dies after is, but nobody was told. A `real` store, where there is one, is
/// given the same commits, and has to give the same back.
class MemoryStore final : public store::StateStore {
 public:
  enum class Fate { lives, fails, dies };
  using Point = std::function<Fate()>;

  MemoryStore(Disk& disk, Point at_point, std::unique_ptr<store::StateStore> real = nullptr)
      : disk_(disk), at_point_(std::move(at_point)), real_(std::move(real)) {}

  Result<store::LoadedState> load() override {
    store::LoadedState loaded = remembered();
    if (!real_) return loaded;
    auto read = real_->load();
    if (!read) return read;
    if (content_of(std::move(*read)) == content_of(loaded)) return loaded;
    return fail(ErrorKind::state_damaged, "what was read is not what was written");
  }

  Result<Done> commit(const store::StateChanges& changes) override {
    if (at_point_() != Fate::lives) return fail(ErrorKind::state_io, "simulated: not written");
    if (real_) {
      if (auto written = real_->commit(changes); !written) return written;
    }
    remember(changes);
    if (at_point_() == Fate::dies) return fail(ErrorKind::state_io, "simulated: crash");
    return Done{};
  }
  std::uint64_t size_bytes() const override { return real_ ? real_->size_bytes() : 0; }

 private:
  store::LoadedState remembered() {
    store::LoadedState loaded;
    for (const auto& [number, blob] : disk_.registries) {
      loaded.registries.push_back({number, store::decode_registry(blob).value()});
    }
    for (const auto& [number, entry] : disk_.repositories) {
      store::StoredRepository repository{number, entry.first,
                                         store::decode_repository(entry.second).value()};
      std::map<RecordKey, ClosedRecord> closed;
      for (const std::string& segment : disk_.segments[number]) {
        const auto records = store::decode_closed(segment);
        for (const ClosedRecord& record : *records) closed[record.key] = record;
      }
      for (const auto& [key, record] : closed) repository.state.ledger.closed.push_back(record);
      loaded.repositories.push_back(std::move(repository));
    }
    return loaded;
  }

  void remember(const store::StateChanges& changes) {
    for (const auto& registry : changes.registries) {
      disk_.registries[registry.number] = store::encode_registry(registry.state);
    }
    for (const auto& change : changes.repositories) {
      disk_.repositories[change.number] = {change.registry, store::encode_repository(change.head)};
      auto& segments = disk_.segments[change.number];
      if (change.replaces_closed) segments.clear();
      if (!change.closed.empty()) segments.push_back(store::encode_closed(change.closed));
    }
  }

  /// Everything, in a form that can be compared.
  static std::map<std::string, std::string> content_of(store::LoadedState state) {
    std::map<std::string, std::string> content;
    for (const store::StoredRegistry& registry : state.registries) {
      content["registry " + std::to_string(registry.number)] =
          store::encode_registry(registry.state);
    }
    for (store::StoredRepository& repository : state.repositories) {
      std::vector<ClosedRecord> closed = std::move(repository.state.ledger.closed);
      repository.state.ledger.closed.clear();
      std::sort(closed.begin(), closed.end(),
                [](const ClosedRecord& a, const ClosedRecord& b) { return a.key < b.key; });
      content["repository " + std::to_string(repository.number)] =
          std::to_string(repository.registry) + " " + store::encode_repository(repository.state) +
          store::encode_closed(closed);
    }
    return content;
  }

  Disk& disk_;
  Point at_point_;
  std::unique_ptr<store::StateStore> real_;
};

}  // namespace registry_exporter
