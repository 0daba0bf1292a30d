#include "tests/crash/script.h"

#include <algorithm>
#include <utility>

#include "exporter/store/state_codec.h"

namespace registry_exporter {
namespace {

constexpr int kRepositories = 5;
constexpr int kTries = 20;

void append(std::vector<ClosedRecord>& all, const std::vector<ClosedRecord>& more) {
  for (const ClosedRecord& record : more) {
    const auto at =
        std::lower_bound(all.begin(), all.end(), record.key,
                         [](const ClosedRecord& a, RecordKey key) { return a.key < key; });
    if (at != all.end() && at->key == record.key) {
      *at = record;
    } else {
      all.insert(at, record);
    }
  }
}

store::RepositoryChange some_change(store::Dice& dice) {
  RepositoryState state = sample_repository(dice);
  store::RepositoryChange change;
  change.number = static_cast<store::RepositoryNumber>(1 + dice.below(kRepositories));
  change.registry = 1;
  change.closed = std::exchange(state.ledger.closed, {});
  if (change.closed.size() > 8 && dice.below(8) != 0) change.closed.resize(8);
  change.replaces_closed = dice.below(10) == 0;
  if (dice.below(6) == 0) state.ref.name = dice.text(9000);
  change.head = std::move(state);
  return change;
}

}  // namespace

Model::Model(const store::LoadedState& loaded) {
  for (const store::StoredRegistry& each : loaded.registries) registries_[each.number] = each.state;
  for (const store::StoredRepository& each : loaded.repositories) repositories_[each.number] = each;
}

void Model::apply(const store::StateChanges& changes) {
  for (const store::StoredRegistry& each : changes.registries)
    registries_[each.number] = each.state;
  for (const store::RepositoryChange& change : changes.repositories) {
    store::StoredRepository& stored = repositories_[change.number];
    auto closed = std::exchange(stored.state.ledger.closed, {});
    if (change.replaces_closed) closed.clear();
    append(closed, change.closed);
    stored = {change.number, change.registry, change.head};
    stored.state.ledger.closed = std::move(closed);
  }
}

std::string Model::text() const {
  std::string text;
  for (const auto& [number, state] : registries_) {
    text += std::to_string(number) + store::encode_registry(state);
  }
  for (const auto& [number, stored] : repositories_) {
    text += std::to_string(number) + ":" + std::to_string(stored.registry) +
            store::encode_repository(stored.state) +
            store::encode_closed(stored.state.ledger.closed);
  }
  return text;
}

store::StateChanges some_changes(store::Dice& dice) {
  store::StateChanges changes;
  if (dice.below(3) == 0) changes.registries.push_back({1, sample_registry(dice)});
  for (std::uint64_t i = 1 + dice.below(3); i > 0; --i) {
    changes.repositories.push_back(some_change(dice));
  }
  return changes;
}

Recording run_script(Recorder& recorder, std::uint64_t seed, int commits, std::string& error) {
  Recording recording;
  Progress progress;
  store::Dice dice(seed);
  recorder.on_event = [&](const DiskEvent& event) {
    recording.events.push_back({event, progress});
  };
  record_to(&recorder);
  std::unique_ptr<store::StateStore> store;
  const auto start = [&]() -> Result<store::LoadedState> {
    Result<store::LoadedState> loaded = fail(ErrorKind::state_io, "not tried");
    for (int tries = 0; tries < kTries && !loaded; ++tries) {
      store.reset();
      store = store::make_sqlite_state_store({.path = recorder.path, .vfs = kRecordingVfs}, kStart);
      loaded = store->load();
      if (!loaded && loaded.error().kind != ErrorKind::state_io) break;
    }
    if (!loaded) error = "start: " + loaded.error().detail;
    if (loaded && loaded->damaged_moved_to) error = "set aside: " + *loaded->damaged_moved_to;
    return loaded;
  };
  const auto first = start();
  progress.started = true;
  if (first) {
    Model model(*first);
    recording.states.push_back(model.text());
    for (int i = 0; i < commits && error.empty(); ++i) {
      if (dice.below(8) == 0) {
        const auto again = start();
        if (again && Model(*again).text() != model.text()) error = "wrong after a restart";
        if (!error.empty()) break;
      }
      const store::StateChanges changes = some_changes(dice);
      model.apply(changes);
      recording.states.push_back(model.text());
      ++progress.begun;
      Result<Done> committed = fail(ErrorKind::state_io, "not tried");
      for (int tries = 0; tries < kTries && !committed; ++tries) committed = store->commit(changes);
      if (!committed) error = "commit: " + committed.error().detail;
      progress.acknowledged = progress.begun;
    }
  }
  store.reset();
  record_to(nullptr);
  return recording;
}

}  // namespace registry_exporter
