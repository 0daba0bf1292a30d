#include "exporter/store/state_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/store/sample_state.h"
#include "tests/support/temporary_folder.h"

using namespace registry_exporter;
using namespace registry_exporter::store;

namespace {

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

/// Runs `body` in a child process that ends like a killed one: what `body` has not closed itself
/// (see `unclosed`) stays as it is on disk. Its exit code.
template <class Body>
int in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/// A store that nobody closes.
StateStore* unclosed(const std::string& path) { return open_store(path).release(); }

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

/// One bit, somewhere else each time; a part cut off; a page of zeros.
std::string damage(std::string bytes, Dice& dice, int round) {
  switch (round % 8) {
    case 0:
      bytes.resize(1 + dice.below(bytes.size() - 1));
      break;
    case 1: {
      const std::size_t at = dice.below(bytes.size()) / 4096 * 4096;
      const std::size_t size = std::min<std::size_t>(4096, bytes.size() - at);
      bytes.replace(at, size, size, '\0');
      break;
    }
    case 2:  // Where the file says what it is.
      bytes[dice.below(100)] ^= static_cast<char>(1U << dice.below(8));
      break;
    case 3:  // The tables' names and shapes, at the end of the first page.
      bytes[4095 - dice.below(500)] ^= static_cast<char>(1U << dice.below(8));
      break;
    default:
      bytes[dice.below(bytes.size())] ^= static_cast<char>(1U << dice.below(8));
      break;
  }
  return bytes;
}

void check_equal(const LoadedState& loaded, const StateChanges& changes) {
  CHECK(loaded.created_at == kNow);
  REQUIRE(loaded.registries.size() == changes.registries.size());
  for (std::size_t i = 0; i < loaded.registries.size(); ++i) {
    CHECK(loaded.registries[i].number == changes.registries[i].number);
    CHECK(loaded.registries[i].state == changes.registries[i].state);
  }
  REQUIRE(loaded.repositories.size() == changes.repositories.size());
  for (std::size_t i = 0; i < loaded.repositories.size(); ++i) {
    CHECK(loaded.repositories[i].number == changes.repositories[i].number);
    CHECK(loaded.repositories[i].registry == changes.repositories[i].registry);
    RepositoryState state = loaded.repositories[i].state;
    CHECK(std::exchange(state.ledger.closed, {}) == changes.repositories[i].closed);
    CHECK(state == changes.repositories[i].head);
  }
}

void remove_state(const std::string& path) {
  for (const char* suffix : {"", "-wal", ".lock"}) std::filesystem::remove(path + suffix);
}

RepositoryChange records_of_seven(std::vector<ClosedRecord> closed) {
  RepositoryChange change;
  change.number = 7;
  change.registry = 1;
  change.closed = std::move(closed);
  return change;
}

}  // namespace

TEST_CASE("store: what was committed is loaded again, also without a clean close") {
  const TemporaryFolder folder;
  const StateChanges changes = sample_changes(50, 1);
  const int code = in_child([&] {
    StateStore* store = unclosed(folder.file("state.db"));
    return store->load() && store->commit(changes) ? 0 : 1;
  });
  REQUIRE(code == 0);
  CHECK(read_file(folder.file("state.db-wal")).size() > 0);
  auto store = open_store(folder.file("state.db"));
  const auto loaded = store->load();
  REQUIRE(loaded);
  CHECK_FALSE(loaded->damaged_moved_to);
  CHECK_FALSE(loaded->follows_damage);
  check_equal(*loaded, changes);
  for (const char* suffix : {"", "-wal", ".lock"}) {
    CAPTURE(suffix);
    struct stat status {};
    REQUIRE(stat((folder.file("state.db") + suffix).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
}

TEST_CASE("store: appended records join the earlier ones, the latest of a key wins") {
  const TemporaryFolder folder;
  {
    auto store = open_store(folder.file("state.db"));
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
  auto store = open_store(folder.file("state.db"));
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
  store = open_store(folder.file("state.db"));
  loaded = store->load();
  CHECK(loaded->repositories.at(0).state.ledger.closed == state.ledger.closed);
}

TEST_CASE("store: a second process is refused at once and told whom to stop") {
  const TemporaryFolder folder;
  auto store = open_store(folder.file("state.db"));
  REQUIRE(store->load());
  const int code = in_child([&] {
    const auto second = open_store(folder.file("state.db"))->load();
    if (second || second.error().kind != ErrorKind::state_locked) return 1;
    const bool names_holder =
        second.error().detail.find(std::to_string(getppid())) != std::string::npos;
    return names_holder ? 0 : 2;
  });
  CHECK(code == 0);
  store.reset();
  CHECK(open_store(folder.file("state.db"))->load().has_value());
}

TEST_CASE("store: a repository that is twice in a commit keeps all its records") {
  const TemporaryFolder folder;
  const ClosedRecord one{1, kNow, kNow, RecordClass::counted, Outcome::success};
  const ClosedRecord two{2, kNow, kNow, RecordClass::counted, Outcome::failed};
  const ClosedRecord three{3, kNow, kNow, RecordClass::late, Outcome::failed};
  {
    auto store = open_store(folder.file("state.db"));
    REQUIRE(store->load());
    StateChanges changes;
    changes.repositories = {records_of_seven({one}), records_of_seven({two})};
    REQUIRE(store->commit(changes));
  }
  auto store = open_store(folder.file("state.db"));
  auto loaded = store->load();
  REQUIRE(loaded);
  CHECK(loaded->repositories.at(0).state.ledger.closed == std::vector<ClosedRecord>{one, two});
  StateChanges replaced;
  replaced.repositories = {records_of_seven({two}), records_of_seven({three})};
  replaced.repositories[1].replaces_closed = true;
  REQUIRE(store->commit(replaced));
  store.reset();
  store = open_store(folder.file("state.db"));
  loaded = store->load();
  REQUIRE(loaded);
  CHECK(loaded->repositories.at(0).state.ledger.closed == std::vector<ClosedRecord>{three});
}

TEST_CASE("store: a damaged file is set aside or loads equal, never wrong") {
  const TemporaryFolder folder;
  const StateChanges changes = sample_changes(20, 3);
  {
    auto store = open_store(folder.file("state.db"));
    REQUIRE(store->load());
    REQUIRE(store->commit(changes));
  }
  const std::string intact = read_file(folder.file("state.db"));
  REQUIRE(intact.size() > 8192);
  Dice dice(5);
  int set_aside = 0;
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    const std::string damaged = damage(intact, dice, round);
    remove_state(folder.file("d.db"));
    write_file(folder.file("d.db"), damaged);
    const auto loaded = open_store(folder.file("d.db"))->load();
    if (!loaded) {  // The flipped bit was the schema's version.
      REQUIRE(loaded.error().kind == ErrorKind::state_newer);
      CHECK(read_file(folder.file("d.db")) == damaged);
      continue;
    }
    if (!loaded->damaged_moved_to) {
      check_equal(*loaded, changes);
      continue;
    }
    ++set_aside;
    CHECK(loaded->follows_damage);
    CHECK(loaded->registries.empty());
    CHECK(loaded->repositories.empty());
    CHECK(read_file(*loaded->damaged_moved_to) == damaged);
    std::filesystem::remove(*loaded->damaged_moved_to);
  }
  CHECK(set_aside > 200);
}

TEST_CASE("store: a damaged log is set aside or loads equal, never older") {
  const TemporaryFolder folder;
  const StateChanges changes = sample_changes(20, 3);
  const int code = in_child([&] {
    StateStore* store = unclosed(folder.file("state.db"));
    if (!store->load() || !store->commit(sample_changes(20, 4))) return 1;
    StateChanges replaced = changes;
    for (RepositoryChange& change : replaced.repositories) change.replaces_closed = true;
    return store->commit(replaced) ? 0 : 2;
  });
  REQUIRE(code == 0);
  const std::string log = read_file(folder.file("state.db-wal"));
  REQUIRE(log.size() > 16'384);
  Dice dice(6);
  int set_aside = 0;
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    remove_state(folder.file("d.db"));
    std::filesystem::copy_file(folder.file("state.db"), folder.file("d.db"));
    std::filesystem::copy_file(folder.file("state.db.lock"), folder.file("d.db.lock"));
    const std::string damaged = damage(log, dice, round);
    if (round > 0) write_file(folder.file("d.db-wal"), damaged);  // 0: there is none at all.
    const auto loaded = open_store(folder.file("d.db"))->load();
    REQUIRE(loaded);
    if (!loaded->damaged_moved_to) {
      check_equal(*loaded, changes);
      continue;
    }
    ++set_aside;
    if (round > 0) CHECK(read_file(*loaded->damaged_moved_to + "-wal") == damaged);
    std::filesystem::remove(*loaded->damaged_moved_to);
    std::filesystem::remove(*loaded->damaged_moved_to + "-wal");
  }
  CHECK(set_aside > 100);
}

TEST_CASE("store: an old copy that was put back is set aside, a new state may begin") {
  const TemporaryFolder folder;
  const auto run = [&](std::uint64_t seed) {
    auto store = open_store(folder.file("state.db"));
    const auto loaded = store->load();
    REQUIRE(loaded);
    REQUIRE(store->commit(sample_changes(3, seed)));
    return *loaded;
  };
  run(1);
  const std::string old = read_file(folder.file("state.db"));
  run(2);
  write_file(folder.file("state.db"), old);
  const LoadedState put_back = run(3);
  REQUIRE(put_back.damaged_moved_to);
  CHECK(put_back.follows_damage);
  CHECK(read_file(*put_back.damaged_moved_to) == old);
  const LoadedState next = run(4);
  CHECK_FALSE(next.damaged_moved_to);
  CHECK(next.follows_damage);  // Also after a restart.

  std::filesystem::remove(folder.file("state.db"));
  const LoadedState deleted = run(5);
  CHECK_FALSE(deleted.damaged_moved_to);
  CHECK_FALSE(deleted.follows_damage);
  write_file(folder.file("state.db"), "");
  CHECK_FALSE(run(6).damaged_moved_to);  // Empty: a fresh state.
  std::filesystem::remove(folder.file("state.db.lock"));
  write_file(folder.file("state.db"), old);
  CHECK_FALSE(run(7).damaged_moved_to);  // On another machine a copy is a copy.
}

TEST_CASE("store: what is set aside twice in a second gets two names") {
  const TemporaryFolder folder;
  std::vector<std::string> names;
  for (int i = 0; i < 2; ++i) {
    write_file(folder.file("state.db"), std::string(5000, 'x'));
    const auto loaded = open_store(folder.file("state.db"))->load();
    REQUIRE(loaded);
    REQUIRE(loaded->damaged_moved_to);
    names.push_back(*loaded->damaged_moved_to);
    remove_state(folder.file("state.db"));
  }
  CHECK(names[0] == folder.file("state.db") + ".damaged-20260102T030405Z");
  CHECK(names[1] == folder.file("state.db") + ".damaged-20260102T030405Z-1");
}

TEST_CASE("store: the database of another program is neither used nor moved") {
  const TemporaryFolder folder;
  {
    SQLite::Database database(folder.file("state.db"),
                              SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec("CREATE TABLE dashboards (id INTEGER PRIMARY KEY)");
  }
  const std::string before = read_file(folder.file("state.db"));
  const auto loaded = open_store(folder.file("state.db"))->load();
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().kind == ErrorKind::state_io);
  CHECK(loaded.error().detail.find("state.path") != std::string::npos);
  CHECK(read_file(folder.file("state.db")) == before);
}

TEST_CASE("store: a state of a newer version is refused and left as it is") {
  const TemporaryFolder folder;
  {
    auto store = open_store(folder.file("state.db"));
    REQUIRE(store->load());
  }
  const int code = in_child([&] {  // Ends without a clean close: the newer schema is in the log.
    auto* database = new SQLite::Database(folder.file("state.db"), SQLite::OPEN_READWRITE);
    database->exec("PRAGMA user_version=99");
    return 0;
  });
  REQUIRE(code == 0);
  const std::string before = read_file(folder.file("state.db"));
  const std::string log = read_file(folder.file("state.db-wal"));
  REQUIRE(log.size() > 0);
  const auto loaded = open_store(folder.file("state.db"))->load();
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().kind == ErrorKind::state_newer);
  CHECK(read_file(folder.file("state.db")) == before);
  CHECK(read_file(folder.file("state.db-wal")) == log);
}

TEST_CASE("store: a path that can't be a state file is refused with what to change") {
  const TemporaryFolder folder;
  write_file(folder.file("plain"), "x");
  mkdir(folder.file("directory").c_str(), 0700);
  mkfifo(folder.file("pipe").c_str(), 0600);
  struct Row {
    const char* name;
    std::string path;
  };
  const Row rows[] = {{"no such directory", folder.file("missing/state.db")},
                      {"below a file", folder.file("plain/state.db")},
                      {"a directory", folder.file("directory")},
                      {"a pipe", folder.file("pipe")},
                      {"a device", "/dev/null"}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto loaded = open_store(row.path)->load();
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().kind == ErrorKind::state_io);
    CHECK(loaded.error().detail.find("state.path") != std::string::npos);
    CHECK(loaded.error().detail.find('\n') == std::string::npos);
  }
}

TEST_CASE("store: a full disk fails the commit whole, and the next one works when there is room") {
  const TemporaryFolder folder;
  const int code = in_child([&] {
    StateStore* store = unclosed(folder.file("state.db"));
    if (!store->load() || !store->commit(sample_changes(5, 1))) return 1;
    signal(SIGXFSZ, SIG_IGN);
    const rlim_t now = store->size_bytes() + 4096;
    const rlimit full{now, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &full);
    for (int i = 0; i < 3; ++i) {
      const auto refused = store->commit(sample_changes(400, 2));
      if (refused || refused.error().kind != ErrorKind::state_io) return 2;
    }
    const rlimit room{RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &room);
    return store->commit(sample_changes(400, 2)) ? 0 : 3;
  });
  CHECK(code == 0);
  auto store = open_store(folder.file("state.db"));
  const auto loaded = store->load();
  REQUIRE(loaded);
  CHECK(loaded->repositories.size() == 400);
}

TEST_CASE("store: a commit that a full disk refused is not there after a restart") {
  const TemporaryFolder folder;
  const int code = in_child([&] {
    StateStore* store = unclosed(folder.file("state.db"));
    if (!store->load() || !store->commit(sample_changes(5, 1))) return 1;
    signal(SIGXFSZ, SIG_IGN);
    const rlimit full{store->size_bytes() + 4096, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &full);
    return store->commit(sample_changes(400, 2)) ? 2 : 0;
  });
  CHECK(code == 0);
  const auto loaded = open_store(folder.file("state.db"))->load();
  REQUIRE(loaded);
  CHECK_FALSE(loaded->damaged_moved_to);
  check_equal(*loaded, sample_changes(5, 1));
}

TEST_CASE("store: a quiet repository with 20 ids takes at most 1 KB") {
  const TemporaryFolder folder;
  constexpr int kRepositories = 10'000;
  {
    auto store = open_store(folder.file("state.db"));
    REQUIRE(store->load());
    StateChanges changes;
    for (int i = 0; i < kRepositories; ++i) {
      changes.repositories.push_back(change_of(i + 1, quiet_repository(i)));
    }
    REQUIRE(store->commit(changes));
  }
  CHECK(read_file(folder.file("state.db")).size() / kRepositories <= 1024);
}

TEST_CASE("store: in memory nothing is kept") {
  auto store = open_store(":memory:");
  REQUIRE(store->load());
  CHECK(store->commit(sample_changes(3, 1)));
  CHECK(store->size_bytes() == 0);
}

TEST_CASE("store: the same id in two repositories is two records") {
  const TemporaryFolder folder;
  const ClosedRecord one{1, kNow, kNow, RecordClass::counted, Outcome::success};
  const ClosedRecord other{1, kNow, kNow, RecordClass::baseline, Outcome::failed};
  {
    auto store = open_store(folder.file("state.db"));
    REQUIRE(store->load());
    StateChanges changes;
    changes.repositories = {records_of_seven({one}), records_of_seven({other})};
    changes.repositories[1].number = 8;
    REQUIRE(store->commit(changes));
  }
  const auto loaded = open_store(folder.file("state.db"))->load();
  REQUIRE(loaded);
  REQUIRE(loaded->repositories.size() == 2);
  for (const StoredRepository& repository : loaded->repositories) {
    CHECK(repository.state.ledger.closed ==
          std::vector<ClosedRecord>{repository.number == 7 ? one : other});
  }
}

TEST_CASE("store: while it is open nobody else gets at the database, not even to read") {
  const TemporaryFolder folder;
  auto store = open_store(folder.file("state.db"));
  REQUIRE(store->load());
  REQUIRE(store->commit(sample_changes(3, 1)));
  const auto count_by_another = [&] {
    return in_child([&] {
      try {
        SQLite::Database other(folder.file("state.db"), SQLite::OPEN_READONLY);
        other.execAndGet("SELECT count(*) FROM repositories");
        return 0;
      } catch (const SQLite::Exception&) {
        return 1;
      }
    });
  };
  CHECK(count_by_another() == 1);
  store.reset();
  CHECK(count_by_another() == 0);
}
