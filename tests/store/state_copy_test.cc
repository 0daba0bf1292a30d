#include "exporter/store/state_copy.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "tests/store/sample_state.h"
#include "tests/support/temporary_folder.h"

using namespace registry_exporter;
using namespace registry_exporter::store;

namespace {

const UnixMillis kNow{Millis{1'767'323'045'000}};

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::unique_ptr<StateStore> opened(const std::string& path) {
  auto store = make_sqlite_state_store({.path = path, .vfs = {}}, kNow);
  REQUIRE(store->load());
  return store;
}

StateChanges changes_of(int repositories) {
  Dice dice(1);
  StateChanges changes;
  changes.registries.push_back({1, sample_registry(dice)});
  for (int i = 1; i <= repositories; ++i) {
    RepositoryState state = sample_repository(dice);
    RepositoryChange change{i, 1, {}, std::exchange(state.ledger.closed, {}), true};
    change.head = std::move(state);
    changes.repositories.push_back(std::move(change));
  }
  return changes;
}

}  // namespace

TEST_CASE("state copy: no state is no error") {
  const TemporaryFolder folder;
  for (const std::string& path : {folder.file("none.db"), std::string(":memory:")}) {
    const auto state = read_state_copy(path);
    REQUIRE(state);
    CHECK_FALSE(*state);
  }
}

TEST_CASE("state copy: a state in use is read with what is only in its log, and left as it was") {
  const TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  const auto store = opened(path);
  const StateChanges changes = changes_of(5);
  REQUIRE(store->commit(changes));
  const std::string before = bytes_of(path);
  const std::string log = bytes_of(path + "-wal");
  CHECK_FALSE(log.empty());
  const auto state = read_state_copy(path);
  REQUIRE(state);
  REQUIRE(*state);
  CHECK((*state)->created_at == kNow);
  REQUIRE((*state)->registries.size() == 1);
  CHECK((*state)->registries.front().state == changes.registries.front().state);
  REQUIRE((*state)->repositories.size() == 5);
  for (const RepositoryChange& change : changes.repositories) {
    const auto& stored = (*state)->repositories[static_cast<std::size_t>(change.number - 1)];
    CHECK(stored.state.ref == change.head.ref);
    CHECK(stored.state.ledger.closed.size() == change.closed.size());
  }
  CHECK(bytes_of(path) == before);
  CHECK(bytes_of(path + "-wal") == log);
  CHECK(store->commit(changes));
}

TEST_CASE("state copy: what is no state is an error that names the file") {
  const TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  std::ofstream(path) << std::string(5000, 'x');
  const auto state = read_state_copy(path);
  REQUIRE_FALSE(state);
  CHECK(state.error().detail.find(path) != std::string::npos);
}
