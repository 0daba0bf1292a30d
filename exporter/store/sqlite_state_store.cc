// Shell: the only user of SQLite.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unordered_map>

#include "exporter/base/time_text.h"
#include "exporter/store/state_codec.h"
#include "exporter/store/state_store.h"

namespace registry_exporter {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kApplicationId = 0x52656745;  // "RegE"
constexpr std::size_t kSegmentsMax = 32;    ///< Of one repository; more are joined into one.
constexpr mode_t kOwnerOnly = 0600;

/// The lock file beside the state: held as long as the process lives, whatever it leaves behind.
class LockFile {
 public:
  ~LockFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  LockFile() = default;
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  Result<Done> lock(const std::string& state_path) {
    const std::string path = state_path + ".lock";
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly);
    if (descriptor_ < 0) {
      return fail(ErrorKind::state_io, "cannot create " + path + ": " + std::strerror(errno) +
                                           "; state.path must be in a directory that exists and "
                                           "can be written");
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      return fail(ErrorKind::state_locked, state_path + " is in use by another process" + holder() +
                                               "; stop it or choose another state.path");
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(descriptor_, 0) == 0) {
      [[maybe_unused]] const ssize_t written = ::pwrite(descriptor_, pid.data(), pid.size(), 0);
    }
    return Done{};
  }

 private:
  std::string holder() const {
    char text[32] = {};
    const ssize_t size = ::pread(descriptor_, text, sizeof text - 1, 0);
    const std::string pid(text, size > 0 ? std::strcspn(text, "\n") : 0);
    const bool digits = !pid.empty() && pid.find_first_not_of("0123456789") == std::string::npos;
    return digits ? " (pid " + pid + ")" : "";
  }

  int descriptor_ = -1;
};

/// What an exception of SQLite means for us.
Error to_error(const SQLite::Exception& exception, const std::string& path) {
  const int code = exception.getErrorCode();
  const std::string what = path + ": " + exception.what();
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    return {ErrorKind::state_damaged, what, {}, {}};
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    return {ErrorKind::state_locked, path + " is in use by another process", {}, {}};
  }
  return {ErrorKind::state_io, what, {}, {}};
}

class SqliteStateStore final : public StateStore {
 public:
  SqliteStateStore(StateOptions options, UnixMillis now)
      : options_(std::move(options)), now_(now), in_memory_(options_.path == ":memory:") {}

  Result<LoadedState> load() override {
    if (!in_memory_) {
      if (auto regular = check_path(); !regular) return tl::unexpected<Error>(regular.error());
      if (auto locked = lock_.lock(options_.path); !locked) {
        return tl::unexpected<Error>(locked.error());
      }
    }
    Result<LoadedState> loaded = open_and_read();
    if (loaded || loaded.error().kind != ErrorKind::state_damaged) return loaded;
    close();
    const Result<std::string> moved_to = set_aside();
    if (!moved_to) return tl::unexpected<Error>(moved_to.error());
    loaded = open_and_read();
    if (loaded) loaded->damaged_moved_to = *moved_to;
    return loaded;
  }

  Result<Done> commit(const StateChanges& changes) override {
    if (!database_) {
      if (auto reopened = reopen(); !reopened) return reopened;
    }
    std::unordered_map<RepositoryNumber, std::vector<std::int64_t>> segments;
    try {
      SQLite::Transaction transaction(*database_);
      for (const StoredRegistry& registry : changes.registries) write(registry);
      for (const RepositoryChange& change : changes.repositories) write(change, segments);
      transaction.commit();
    } catch (const SQLite::Exception& exception) {
      // What the failed handle believes to be on disk may not be there: never go on with it.
      const Error error = to_error(exception, options_.path);
      if (!in_memory_) close();
      return tl::unexpected<Error>(error);
    }
    for (auto& [repository, ids] : segments) segments_[repository] = std::move(ids);
    return Done{};
  }

  std::uint64_t size_bytes() const override {
    std::uint64_t bytes = 0;
    for (const char* suffix : {"", "-wal"}) {
      struct stat status {};
      if (!in_memory_ && ::stat((options_.path + suffix).c_str(), &status) == 0) {
        bytes += static_cast<std::uint64_t>(status.st_size);
      }
    }
    return bytes;
  }

 private:
  /// Links are followed; what they end in must be a regular file, or nothing yet.
  Result<Done> check_path() const {
    struct stat status {};
    if (::stat(options_.path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return Done{};
    return fail(ErrorKind::state_io, options_.path + " is not a regular file; change state.path");
  }

  void close() {
    insert_segment_.reset();
    write_repository_.reset();
    database_.reset();
  }

  void open() {
    if (!in_memory_) {
      // SQLite would create it for everyone to read.
      const int made = ::open(options_.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
      if (made >= 0) ::close(made);
    }
    database_ = std::make_unique<SQLite::Database>(
        options_.path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 0, options_.vfs);
    database_->exec("PRAGMA locking_mode=EXCLUSIVE");
  }

  void configure() {
    // One connection for the life of the process, and nothing shown that isn't synced.
    database_->exec("PRAGMA journal_mode=WAL");
    database_->exec("PRAGMA synchronous=FULL");
    database_->exec("PRAGMA wal_autocheckpoint=2000");
  }

  int pragma(const char* sql) { return database_->execAndGet(sql).getInt(); }

  bool is_sound() {
    SQLite::Statement check(*database_, "PRAGMA quick_check(1)");
    return check.executeStep() && check.getColumn(0).getString() == "ok";
  }

  Result<LoadedState> open_and_read() {
    try {
      open();
      const int version = pragma("PRAGMA user_version");
      if (version > kSchemaVersion) {
        close();
        return fail(ErrorKind::state_newer,
                    options_.path + " was written by a newer version (schema " +
                        std::to_string(version) +
                        "); install that version or choose another state.path");
      }
      const int tables = pragma("SELECT count(*) FROM sqlite_schema");
      const bool ours = pragma("PRAGMA application_id") == kApplicationId;
      if (tables > 0 && (!ours || version < 1 || !is_sound())) {
        return fail(ErrorKind::state_damaged, options_.path + " is damaged or not ours");
      }
      configure();
      if (tables == 0) create_schema();
      return read();
    } catch (const SQLite::Exception& exception) {
      Error error = to_error(exception, options_.path);
      if (error.kind == ErrorKind::state_io && database_ == nullptr) {
        error.detail = "cannot open " + options_.path + ": " + exception.what() +
                       "; state.path must be a file that can be written";
      }
      return tl::unexpected<Error>(std::move(error));
    }
  }

  void create_schema() {
    SQLite::Transaction transaction(*database_);
    database_->exec("CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT");
    database_->exec("CREATE TABLE registries (number INTEGER PRIMARY KEY, state BLOB NOT NULL)");
    database_->exec(
        "CREATE TABLE repositories (number INTEGER PRIMARY KEY, registry INTEGER NOT NULL, "
        "state BLOB NOT NULL)");
    database_->exec(
        "CREATE TABLE records (id INTEGER PRIMARY KEY, repository INTEGER NOT NULL, "
        "records BLOB NOT NULL)");
    SQLite::Statement created(*database_, "INSERT INTO meta VALUES ('created_at', ?)");
    created.bind(1, static_cast<std::int64_t>(now_.time_since_epoch().count()));
    created.exec();
    database_->exec("PRAGMA application_id=" + std::to_string(kApplicationId));
    database_->exec("PRAGMA user_version=" + std::to_string(kSchemaVersion));
    transaction.commit();
  }

  static std::string_view blob(const SQLite::Column& column) {
    return {static_cast<const char*>(column.getBlob()),
            static_cast<std::size_t>(column.getBytes())};
  }

  Result<LoadedState> read() {
    LoadedState loaded;
    segments_.clear();
    loaded.created_at = UnixMillis{
        Millis{database_->execAndGet("SELECT value FROM meta WHERE name='created_at'").getInt64()}};
    SQLite::Statement registries(*database_, "SELECT number, state FROM registries");
    while (registries.executeStep()) {
      Result<RegistryState> state = decode_registry(blob(registries.getColumn(1)));
      if (!state) return within(options_.path, state.error());
      loaded.registries.push_back({registries.getColumn(0).getInt64(), std::move(*state)});
    }
    std::unordered_map<RepositoryNumber, std::size_t> index;
    SQLite::Statement repositories(*database_, "SELECT number, registry, state FROM repositories");
    while (repositories.executeStep()) {
      Result<RepositoryState> state = decode_repository(blob(repositories.getColumn(2)));
      if (!state) return within(options_.path, state.error());
      index[repositories.getColumn(0).getInt64()] = loaded.repositories.size();
      loaded.repositories.push_back({repositories.getColumn(0).getInt64(),
                                     repositories.getColumn(1).getInt64(), std::move(*state)});
    }
    if (auto read = read_closed(loaded, index); !read) return tl::unexpected<Error>(read.error());
    return loaded;
  }

  Result<Done> read_closed(LoadedState& loaded,
                           const std::unordered_map<RepositoryNumber, std::size_t>& index) {
    SQLite::Statement records(*database_,
                              "SELECT id, repository, records FROM records ORDER BY id");
    while (records.executeStep()) {
      const RepositoryNumber repository = records.getColumn(1).getInt64();
      const auto found = index.find(repository);
      if (found == index.end()) continue;
      const Result<std::vector<ClosedRecord>> closed = decode_closed(blob(records.getColumn(2)));
      if (!closed) return within(options_.path, closed.error());
      auto& all = loaded.repositories[found->second].state.ledger.closed;
      all.insert(all.end(), closed->begin(), closed->end());
      segments_[repository].push_back(records.getColumn(0).getInt64());
    }
    for (StoredRepository& repository : loaded.repositories) {
      keep_latest(repository.state.ledger.closed);
    }
    return Done{};
  }

  /// Sorted by key; of several with the same key the one that was written last.
  static void keep_latest(std::vector<ClosedRecord>& records) {
    std::reverse(records.begin(), records.end());
    std::stable_sort(records.begin(), records.end(),
                     [](const ClosedRecord& a, const ClosedRecord& b) { return a.key < b.key; });
    records.erase(
        std::unique(records.begin(), records.end(),
                    [](const ClosedRecord& a, const ClosedRecord& b) { return a.key == b.key; }),
        records.end());
  }

  void write(const StoredRegistry& registry) {
    SQLite::Statement statement(*database_, "INSERT OR REPLACE INTO registries VALUES (?, ?)");
    const std::string state = encode_registry(registry.state);
    statement.bind(1, registry.number);
    statement.bindNoCopy(2, state.data(), static_cast<int>(state.size()));
    statement.exec();
  }

  void write(const RepositoryChange& change,
             std::unordered_map<RepositoryNumber, std::vector<std::int64_t>>& segments) {
    if (!write_repository_) {
      write_repository_ = std::make_unique<SQLite::Statement>(
          *database_, "INSERT OR REPLACE INTO repositories VALUES (?, ?, ?)");
    }
    const std::string state = encode_repository(change.head);
    write_repository_->bind(1, change.number);
    write_repository_->bind(2, change.registry);
    write_repository_->bindNoCopy(3, state.data(), static_cast<int>(state.size()));
    write_repository_->exec();
    write_repository_->reset();
    write_closed(change, segments);
  }

  void write_closed(const RepositoryChange& change,
                    std::unordered_map<RepositoryNumber, std::vector<std::int64_t>>& segments) {
    if (change.closed.empty() && !change.replaces_closed) return;
    const auto known = segments_.find(change.number);
    std::vector<std::int64_t> ids =
        known == segments_.end() ? std::vector<std::int64_t>{} : known->second;
    if (change.replaces_closed) {
      drop_segments(ids);
    } else if (ids.size() >= kSegmentsMax) {
      std::vector<ClosedRecord> joined = join_segments(ids);
      joined.insert(joined.end(), change.closed.begin(), change.closed.end());
      keep_latest(joined);
      drop_segments(ids);
      ids.push_back(insert_segment(change.number, joined));
      segments[change.number] = std::move(ids);
      return;
    }
    if (!change.closed.empty()) ids.push_back(insert_segment(change.number, change.closed));
    segments[change.number] = std::move(ids);
  }

  std::int64_t insert_segment(RepositoryNumber repository, std::span<const ClosedRecord> records) {
    if (!insert_segment_) {
      insert_segment_ = std::make_unique<SQLite::Statement>(
          *database_, "INSERT INTO records (repository, records) VALUES (?, ?)");
    }
    const std::string segment = encode_closed(records);
    insert_segment_->bind(1, repository);
    insert_segment_->bindNoCopy(2, segment.data(), static_cast<int>(segment.size()));
    insert_segment_->exec();
    insert_segment_->reset();
    return database_->getLastInsertRowid();
  }

  void drop_segments(std::vector<std::int64_t>& ids) {
    SQLite::Statement statement(*database_, "DELETE FROM records WHERE id=?");
    for (const std::int64_t id : ids) {
      statement.bind(1, id);
      statement.exec();
      statement.reset();
    }
    ids.clear();
  }

  std::vector<ClosedRecord> join_segments(const std::vector<std::int64_t>& ids) {
    std::vector<ClosedRecord> joined;
    SQLite::Statement statement(*database_, "SELECT records FROM records WHERE id=?");
    for (const std::int64_t id : ids) {
      statement.bind(1, id);
      if (!statement.executeStep()) {
        throw SQLite::Exception("a segment of records is gone", SQLITE_CORRUPT);
      }
      const auto records = decode_closed(blob(statement.getColumn(0)));
      if (!records) throw SQLite::Exception("a segment of records is damaged", SQLITE_CORRUPT);
      joined.insert(joined.end(), records->begin(), records->end());
      statement.reset();
    }
    return joined;
  }

  /// After a failed commit: a new handle, checked, before anything is written again.
  Result<Done> reopen() {
    try {
      open();
      if (pragma("PRAGMA application_id") != kApplicationId || !is_sound()) {
        close();
        return fail(ErrorKind::state_damaged, options_.path + " is damaged");
      }
      configure();
      const Result<LoadedState> again = read();  // Which segments are there is known anew.
      if (!again) {
        close();
        return tl::unexpected<Error>(again.error());
      }
      return Done{};
    } catch (const SQLite::Exception& exception) {
      const Error error = to_error(exception, options_.path);
      close();
      return tl::unexpected<Error>(error);
    }
  }

  /// Gives the damaged files another name; the time in it is the start's.
  Result<std::string> set_aside() const {
    const std::string wanted = options_.path + ".damaged-" + format_basic(now_);
    std::string target = wanted;
    struct stat status {};
    for (int n = 1; ::stat(target.c_str(), &status) == 0; ++n) {
      target = wanted + "-" + std::to_string(n);
    }
    for (const char* suffix : {"-wal", "-shm", ""}) {
      const std::string from = options_.path + suffix;
      if (::rename(from.c_str(), (target + suffix).c_str()) != 0 && errno != ENOENT) {
        return fail(ErrorKind::state_io,
                    "damaged state can't be set aside: " + from + ": " + std::strerror(errno));
      }
    }
    return target;
  }

  const StateOptions options_;
  const UnixMillis now_;
  const bool in_memory_;
  LockFile lock_;
  std::unique_ptr<SQLite::Database> database_;
  std::unique_ptr<SQLite::Statement> insert_segment_;
  std::unique_ptr<SQLite::Statement> write_repository_;
  std::unordered_map<RepositoryNumber, std::vector<std::int64_t>>
      segments_;  ///< Ids, oldest first.
};

}  // namespace

std::unique_ptr<StateStore> make_sqlite_state_store(StateOptions options, UnixMillis now) {
  return std::make_unique<SqliteStateStore>(std::move(options), now);
}

}  // namespace registry_exporter
