#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/model/registry_state.h"

namespace registry_exporter::store {

/// Row numbers in the state. Assigned by the caller of the store; never reused.
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

/// The content of the state when it was opened.
struct LoadedState {
  std::vector<StoredRegistry> registries;
  std::vector<StoredRepository> repositories;
  UnixMillis created_at;  ///< When this state began.
  /// Set if a damaged file was moved away: its new name. The state above is then empty.
  std::optional<std::string> damaged_moved_to;
  /// This state began after damage, found at this start or an earlier one.
  bool follows_damage = false;
};

/// The changes of one repository in a commit.
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
  /// Called once, before commit(). Errors: state_locked, state_newer, state_io. Never
  /// state_damaged: a damaged file is moved away, and the new state says so.
  virtual Result<LoadedState> load() = 0;
  /// Commits all changes or none. They are synced to disk when it returns success. After an error
  /// the caller may try again with the same changes. Errors: state_io, state_damaged.
  virtual Result<Done> commit(const StateChanges& changes) = 0;
  virtual std::uint64_t size_bytes() const = 0;
};

struct StateOptions {
  std::string path;  ///< ":memory:" keeps nothing.
  /// Name of a registered SQLite VFS; empty: the default one. It may wrap files of the file system,
  /// but not replace them, because the lock file and renaming use the same path.
  std::string vfs;
};

/// SQLite: WAL, synchronous=FULL, one connection, exclusive lock. The store holds a lock on the
/// file
/// `<path>.lock`, which contains its pid and the number of the last commit. A state that is older
/// than that commit (a damaged or missing -wal, a restored backup) is treated as damaged, because
/// counters would fall. Without the lock file any intact state is accepted. `now` is the time of
/// the start.
std::unique_ptr<StateStore> make_sqlite_state_store(StateOptions options, UnixMillis now);

}  // namespace registry_exporter::store
