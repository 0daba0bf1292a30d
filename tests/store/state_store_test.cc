#include "exporter/store/state_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/store/sample_state.h"

using namespace registry_exporter;

namespace {

/// A folder of its own for each test, gone afterwards.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    char pattern[] = "/tmp/state_store_test.XXXXXX";
    path_ = mkdtemp(pattern);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name = "state.db") const { return path_ + "/" + name; }

 private:
  std::string path_;
};

const UnixMillis kNow{Millis{1'767'323'045'000}};

std::unique_ptr<StateStore> open_store(const std::string& path) {
  return make_sqlite_state_store({.path = path, .vfs = {}}, kNow);
}

RepositoryChange change_of(RepositoryNumber number, RepositoryState state) {
  RepositoryChange change;
  change.number = number;
  change.registry = 1;
  change.closed = std::exchange(state.ledger.closed, {});
  change.head = std::move(state);
  return change;
}

StateChanges sample_changes(int repositories, std::uint64_t seed) {
  Dice dice(seed);
  StateChanges changes;
  changes.registries.push_back({1, sample_registry(dice)});
  for (int i = 1; i <= repositories; ++i) {
    changes.repositories.push_back(change_of(i, sample_repository(dice)));
  }
  return changes;
}

/// Runs `body` in a child process; its exit code.
template <class Body>
int in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

}  // namespace

TEST_CASE("store: what was committed is loaded again, also without a clean close") {
  const TemporaryFolder folder;
  const StateChanges changes = sample_changes(50, 1);
  const int code = in_child([&] {
    auto store = open_store(folder.file());
    return store->load() && store->commit(changes) ? 0 : 1;  // _exit: nothing is closed.
  });
  REQUIRE(code == 0);
  auto store = open_store(folder.file());
  const auto loaded = store->load();
  REQUIRE(loaded);
  CHECK_FALSE(loaded->damaged_moved_to);
  CHECK(loaded->created_at == kNow);
  REQUIRE(loaded->registries.size() == 1);
  CHECK(loaded->registries[0].state == changes.registries[0].state);
  REQUIRE(loaded->repositories.size() == 50);
  for (std::size_t i = 0; i < 50; ++i) {
    RepositoryState state = loaded->repositories[i].state;
    CHECK(std::exchange(state.ledger.closed, {}) == changes.repositories[i].closed);
    CHECK(state == changes.repositories[i].head);
  }
  struct stat status {};
  REQUIRE(stat(folder.file().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("store: appended records join the earlier ones, the latest of a key wins") {
  const TemporaryFolder folder;
  {
    auto store = open_store(folder.file());
    REQUIRE(store->load());
    for (std::uint64_t i = 0; i < 100; ++i) {  // More than the segments that are kept apart.
      StateChanges changes;
      RepositoryState state;
      state.ledger.closed = {{i, kNow, kNow, RecordClass::vanished, Outcome::other},
                             {i + 1000, kNow, kNow, RecordClass::counted, Outcome::success}};
      changes.repositories.push_back(change_of(7, state));
      REQUIRE(store->commit(changes));
    }
    StateChanges again;
    RepositoryState state;
    state.ledger.closed = {{5, kNow, kNow, RecordClass::counted, Outcome::failed}};
    again.repositories.push_back(change_of(7, state));
    REQUIRE(store->commit(again));
  }
  auto store = open_store(folder.file());
  auto loaded = store->load();
  REQUIRE(loaded);
  const auto& closed = loaded->repositories.at(0).state.ledger.closed;
  CHECK(closed.size() == 200);
  CHECK(closed[5].record_class == RecordClass::counted);

  StateChanges replaced;
  RepositoryState state;
  state.ledger.closed = {{1, kNow, kNow, RecordClass::baseline, Outcome::success}};
  replaced.repositories.push_back(change_of(7, state));
  replaced.repositories[0].replaces_closed = true;
  REQUIRE(store->commit(replaced));
  store.reset();
  store = open_store(folder.file());
  loaded = store->load();
  CHECK(loaded->repositories.at(0).state.ledger.closed == state.ledger.closed);
}

TEST_CASE("store: a second process is refused at once and told whom to stop") {
  const TemporaryFolder folder;
  auto store = open_store(folder.file());
  REQUIRE(store->load());
  const int code = in_child([&] {
    const auto second = open_store(folder.file())->load();
    if (second || second.error().kind != ErrorKind::state_locked) return 1;
    const bool names_holder =
        second.error().detail.find(std::to_string(getppid())) != std::string::npos;
    return names_holder ? 0 : 2;
  });
  CHECK(code == 0);
  store.reset();
  CHECK(open_store(folder.file())->load().has_value());
}

TEST_CASE("store: a damaged file is set aside or loads equal, never wrong") {
  const TemporaryFolder folder;
  const StateChanges changes = sample_changes(20, 3);
  {
    auto store = open_store(folder.file());
    REQUIRE(store->load());
    REQUIRE(store->commit(changes));
  }
  const std::string intact = read_file(folder.file());
  REQUIRE(intact.size() > 8192);
  Dice dice(5);
  int set_aside = 0;
  for (int round = 0; round < 150; ++round) {
    CAPTURE(round);
    std::string damaged = intact;
    switch (round % 4) {
      case 0:
        damaged.resize(dice.below(damaged.size()));
        break;
      case 1:
        damaged.replace(dice.below(damaged.size() / 4096) * 4096, 4096, 4096, '\0');
        break;
      default:
        damaged[dice.below(damaged.size())] ^= static_cast<char>(1U << dice.below(8));
        break;
    }
    write_file(folder.file("d.db"), damaged);
    std::filesystem::remove(folder.file("d.db-wal"));
    auto store = open_store(folder.file("d.db"));
    const auto loaded = store->load();
    REQUIRE((loaded || loaded.error().kind == ErrorKind::state_newer));
    if (!loaded) continue;  // The flipped bit was the schema's version.
    if (loaded->damaged_moved_to) {
      ++set_aside;
      CHECK(loaded->repositories.empty());
      CHECK(read_file(*loaded->damaged_moved_to).size() == damaged.size());
      std::filesystem::remove(*loaded->damaged_moved_to);
    } else if (!damaged.empty()) {
      REQUIRE(loaded->repositories.size() == 20);
      for (std::size_t i = 0; i < 20; ++i) {
        CHECK(loaded->repositories[i].state.ledger.closed == changes.repositories[i].closed);
        CHECK(loaded->repositories[i].state.ledger.counters ==
              changes.repositories[i].head.ledger.counters);
      }
    }
    store.reset();
  }
  CHECK(set_aside > 50);
}

TEST_CASE("store: a state of a newer version is refused and left as it is") {
  const TemporaryFolder folder;
  {
    auto store = open_store(folder.file());
    REQUIRE(store->load());
  }
  {
    SQLite::Database database(folder.file(), SQLite::OPEN_READWRITE);
    database.exec("PRAGMA user_version=99");
  }
  const std::string before = read_file(folder.file());
  const auto loaded = open_store(folder.file())->load();
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().kind == ErrorKind::state_newer);
  CHECK(read_file(folder.file()) == before);
}

TEST_CASE("store: a path that can't be a state file is refused with what to change") {
  const TemporaryFolder folder;
  write_file(folder.file("plain"), "x");
  mkdir(folder.file("directory").c_str(), 0700);
  struct Row {
    const char* name;
    std::string path;
  };
  const Row rows[] = {{"no such directory", folder.file("missing/state.db")},
                      {"below a file", folder.file("plain/state.db")},
                      {"a directory", folder.file("directory")},
                      {"a device", "/dev/null"}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto loaded = open_store(row.path)->load();
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().kind == ErrorKind::state_io);
    CHECK(loaded.error().detail.find("state.path") != std::string::npos);
  }
}

TEST_CASE("store: a full disk fails the commit whole, and the next one works when there is room") {
  const TemporaryFolder folder;
  const int code = in_child([&] {
    auto store = open_store(folder.file());
    if (!store->load() || !store->commit(sample_changes(5, 1))) return 1;
    signal(SIGXFSZ, SIG_IGN);
    const rlim_t now = store->size_bytes() + 4096;
    const rlimit full{now, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &full);
    const auto refused = store->commit(sample_changes(400, 2));
    if (refused || refused.error().kind != ErrorKind::state_io) return 2;
    const rlimit room{RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &room);
    return store->commit(sample_changes(400, 2)) ? 0 : 3;
  });
  CHECK(code == 0);
  auto store = open_store(folder.file());
  const auto loaded = store->load();
  REQUIRE(loaded);
  CHECK(loaded->repositories.size() == 400);
}

TEST_CASE("store: a quiet repository with 20 ids takes at most 1 KB") {
  const TemporaryFolder folder;
  constexpr int kRepositories = 10'000;
  {
    auto store = open_store(folder.file());
    REQUIRE(store->load());
    StateChanges changes;
    for (int i = 0; i < kRepositories; ++i) {
      changes.repositories.push_back(change_of(i + 1, quiet_repository(i)));
    }
    REQUIRE(store->commit(changes));
  }
  CHECK(read_file(folder.file()).size() / kRepositories <= 1024);
}

TEST_CASE("store: in memory nothing is kept") {
  auto store = open_store(":memory:");
  REQUIRE(store->load());
  CHECK(store->commit(sample_changes(3, 1)));
  CHECK(store->size_bytes() == 0);
}
