// States that earlier releases wrote: tests/data/state/version-N.sqlite, and beside each what its
// release showed of it.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "exporter/model/stream_kind.h"
#include "exporter/store/state_store.h"
#include "tests/support/temporary_folder.h"

using namespace registry_exporter;
using namespace registry_exporter::store;

namespace {

const UnixMillis kNow{Millis{1'795'944'300'000}};

std::string label(const std::string& line, const std::string& name) {
  const std::size_t begin = line.find(name + "=\"") + name.size() + 2;
  return line.substr(begin, line.find('"', begin) - begin);
}

/// Event counters as the release exposed them, by "namespace/repo outcome".
std::map<std::string, std::uint64_t> shown(const std::string& path) {
  std::map<std::string, std::uint64_t> all;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const bool builds = line.starts_with("acr_builds_total");
    if (!builds && !line.starts_with("swr_retention_deletions_total")) continue;
    const std::string outcome = label(line, builds ? "status" : "template");
    // One outcome has the same name in both.
    const std::string key = label(line, "repo_namespace") + "/" + label(line, "repo");
    all[key + " " + outcome] = std::stoull(line.substr(line.rfind(' ') + 1));
  }
  return all;
}

std::map<std::string, std::uint64_t> stored(const LoadedState& state) {
  std::map<std::string, std::uint64_t> all;
  for (const StoredRepository& repository : state.repositories) {
    const auto owner = std::find_if(
        state.registries.begin(), state.registries.end(),
        [&](const StoredRegistry& each) { return each.number == repository.registry; });
    const StreamKind& kind = first_kind(owner->state.identity);
    if (repository.state.kind != nullptr && repository.state.kind != &kind) continue;
    for (const Outcome outcome : kind.outcomes) {
      all[full_name(repository.state.ref) + " " + std::string(name(outcome))] =
          repository.state.ledger.counters.events[outcome];
    }
  }
  return all;
}

/// `files`: without what they end in.
void check_state(const std::string& files) {
  const TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  std::filesystem::copy_file(files + ".sqlite", path);
  const auto expected = shown(files + ".txt");
  REQUIRE(expected.size() == 21);

  auto store = make_sqlite_state_store({.path = path, .vfs = {}}, kNow);
  const LoadedState state = store->load().value();
  CHECK_FALSE(state.damaged_moved_to);
  CHECK(stored(state) == expected);
  StateChanges changes;
  for (const StoredRegistry& registry : state.registries) changes.registries.push_back(registry);
  for (const StoredRepository& repository : state.repositories) {
    RepositoryChange change;
    change.number = repository.number;
    change.registry = repository.registry;
    change.head = repository.state;
    change.head.ledger.closed.clear();
    changes.repositories.push_back(std::move(change));
  }
  REQUIRE(store->commit(changes));
  store.reset();

  auto again = make_sqlite_state_store({.path = path, .vfs = {}}, kNow);
  const LoadedState saved = again->load().value();
  CHECK(stored(saved) == expected);
  for (std::size_t i = 0; i < saved.repositories.size(); ++i) {
    CHECK(saved.repositories[i].state == state.repositories[i].state);
  }
}

}  // namespace

TEST_CASE("old states: every count is there, and stays when saved anew") {
  for (const std::string version : {"version-1", "version-2", "version-3"}) {
    CAPTURE(version);
    check_state(std::string(TEST_DATA "/state/") + version);
  }
}
