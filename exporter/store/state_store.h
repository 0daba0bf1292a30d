#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/model/registry_state.h"

namespace registry_exporter {

/// Numbers of rows in the state; given by the store's user, unique for ever, never used again.
using RegistryNumber = std::int64_t;
using RepositoryNumber = std::int64_t;

struct StoredRegistry {
  RegistryNumber number = 0;
  RegistryState state;
};

struct StoredRepository {
  RepositoryNumber number = 0;
  RegistryNumber registry = 0;
  RepositoryState state;
};

/// What the state held when it was opened.
struct LoadedState {
  std::vector<StoredRegistry> registries;
  std::vector<StoredRepository> repositories;
  UnixMillis created_at;  ///< When this state began.
  /// Set when a damaged file was set aside: the name it has now. The state above is empty then.
  std::optional<std::string> damaged_moved_to;
  /// This state began when damage was set aside, at this start or an earlier one.
  bool follows_damage = false;
};

/// A repository's part in a commit.
struct RepositoryChange {
  RepositoryNumber number = 0;
  RegistryNumber registry = 0;
  /// Everything but `ledger.closed`, which stays empty here.
  RepositoryState head;
  /// Closed records that are new since the last commit (a later entry replaces an earlier one with
  /// the same key), or all of them when `replaces_closed`.
  std::vector<ClosedRecord> closed;
  bool replaces_closed = false;
};

struct StateChanges {
  std::vector<StoredRegistry> registries;  ///< Written whole.
  std::vector<RepositoryChange> repositories;
  bool empty() const { return registries.empty() && repositories.empty(); }
};

/// Where the state is kept. Used by one thread at a time.
class StateStore {
 public:
  virtual ~StateStore() = default;
  /// Once, first. Errors: state_locked, state_newer, state_io (state_damaged never: a damaged file
  /// is set aside and the fresh state says so).
  virtual Result<LoadedState> load() = 0;
  /// All of it or nothing, and synced to disk when it returns success. After an error the same
  /// changes may be given again. Errors: state_io, state_damaged.
  virtual Result<Done> commit(const StateChanges& changes) = 0;
  virtual std::uint64_t size_bytes() const = 0;
};

struct StateOptions {
  std::string path;  ///< ":memory:" keeps nothing.
  /// Name of a registered SQLite VFS, empty: the default one. It may wrap the files of the file
  /// system, not replace them: lock and setting aside use the same path.
  std::string vfs;
};

/// SQLite: WAL, synchronous=FULL, one connection, exclusive lock. Beside the state lies
/// `<path>.lock`, held while the store lives. It tells the holder's pid and the number of the last
/// commit: a state that is older than that (a damaged or missing -wal, an old backup put back)
/// counts as damaged, for counters would fall. Without the lock file any sound state is taken as it
/// is. `now` is the time of the start.
std::unique_ptr<StateStore> make_sqlite_state_store(StateOptions options, UnixMillis now);

}  // namespace registry_exporter
