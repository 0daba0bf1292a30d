// Shell: SQLite.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "exporter/base/time_text.h"
#include "exporter/store/access.h"
#include "exporter/store/file_bytes.h"
#include "exporter/store/lock_file.h"
#include "exporter/store/record_table.h"
#include "exporter/store/state_codec.h"
#include "exporter/store/state_store.h"

namespace registry_exporter {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kApplicationId = 0x52656745;  // "RegE"
constexpr mode_t kOwnerOnly = 0600;

/// The one row of table meta.
constexpr BlobPlace kHeadPlace{};

enum class Doing { loading, committing };

/// SQLite doesn't say which of its files was denied, if one was.
std::string remedy_for(const std::string& path) {
  for (const char* suffix : {"", "-wal"}) {
    std::string obstacle = what_is_in_the_way(path + suffix);
    if (!obstacle.empty()) return obstacle;
  }
  return "state.path must be on a disk with room that can be written";
}

/// What an exception of SQLite means for us. While loading, whatever isn't the disk's or another
/// process's fault (a missing table, a value that isn't there) is damage to a file that was ours.
Error to_error(const SQLite::Exception& exception, const std::string& path, Doing doing) {
  const std::string what = path + ": " + exception.what();
  switch (exception.getErrorCode() & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorKind::state_damaged, what, {}, {}};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      if (doing == Doing::committing) return {ErrorKind::state_io, what, {}, {}};
      return {ErrorKind::state_locked,
              path + " is in use by another process; stop it or choose another state.path",
              {},
              {}};
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOMEM:
    case SQLITE_NOLFS:
      return {ErrorKind::state_io, what + "; " + remedy_for(path), {}, {}};
    default:
      return {
          doing == Doing::loading ? ErrorKind::state_damaged : ErrorKind::state_io, what, {}, {}};
  }
}

/// SQLite's checks tell of a page that can't be read in words: "… error code=266".
bool is_io_error(const std::string& found) {
  constexpr std::string_view kWords = "error code";
  const std::size_t at = found.find(kWords);
  if (at == std::string::npos) return false;
  const int code = std::atoi(found.c_str() + std::min(at + kWords.size() + 1, found.size()));
  return (code & 0xff) == SQLITE_IOERR;
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
    Result<LoadedState> loaded = open_and_read(false);
    if (loaded || loaded.error().kind != ErrorKind::state_damaged) return loaded;
    close();
    // A disk that fails now and then looks like damage; a second look costs less than the counts.
    for (const char* suffix : {"", "-wal"}) {
      const auto readable = read_whole(options_.path + suffix);
      if (!readable) return tl::unexpected<Error>(readable.error());
    }
    loaded = open_and_read(false);
    if (loaded || loaded.error().kind != ErrorKind::state_damaged) return loaded;
    close();
    const Result<std::string> moved_to = set_aside();
    if (!moved_to) return tl::unexpected<Error>(moved_to.error());
    loaded = open_and_read(true);
    if (loaded) loaded->damaged_moved_to = *moved_to;
    return loaded;
  }

  Result<Done> commit(const StateChanges& changes) override {
    if (!database_) {
      if (auto reopened = reopen(); !reopened) return reopened;
    }
    StateHead head = head_;
    ++head.commits;
    try {
      SQLite::Transaction transaction(*database_);
      for (const StoredRegistry& registry : changes.registries) write(registry);
      for (const RepositoryChange& change : changes.repositories) write(change);
      write(head);
      transaction.commit();
    } catch (const SQLite::Exception& exception) {
      // What the failed handle believes to be on disk may not be there: never go on with it.
      const Error error = to_error(exception, options_.path, Doing::committing);
      distrust();
      return tl::unexpected<Error>(error);
    }
    records_->committed();
    head_ = head;
    lock_.note({head_.created_at, head_.commits});
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
    records_.reset();
    write_repository_.reset();
    database_.reset();
  }

  /// Closes a handle that failed. A database in memory would be gone with it.
  void distrust() {
    write_repository_.reset();
    if (in_memory_) return records_->rolled_back();
    checkpoint_on_close(false);
    close();
  }

  /// Without it closing changes no file: what is refused or damaged stays as it was found.
  void checkpoint_on_close(bool wanted) {
    ::sqlite3_db_config(database_->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, wanted ? 0 : 1,
                        nullptr);
  }

  /// SQLite would create the file for everyone to read, and open one that can't be written.
  Result<Done> prepare_file() {
    const int file = ::open(options_.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
    if (file < 0) {
      return fail(ErrorKind::state_io,
                  "cannot open " + options_.path + ": " +
                      why_refused(options_.path, errno,
                                  "state.path must be a file that can be created and written"));
    }
    struct stat status {};
    const bool is_new = ::fstat(file, &status) == 0 && status.st_size == 0;
    ::close(file);
    // A new state owes nothing to what an earlier one under this name had reached.
    if (is_new && !lock_.high_water().damaged) return lock_.note_synced({});
    return Done{};
  }

  void open() {
    database_ =
        std::make_unique<SQLite::Database>(options_.path, SQLite::OPEN_READWRITE, 0, options_.vfs);
    checkpoint_on_close(false);
    database_->exec("PRAGMA locking_mode=EXCLUSIVE");
    records_ = std::make_unique<RecordTable>(*database_);
  }

  /// One connection for the life of the process, and nothing shown that isn't synced.
  void configure() {
    database_->exec("PRAGMA journal_mode=WAL");
    // Asked again: a disk that is full just now makes SQLite answer with what it only tried.
    const std::string mode = database_->execAndGet("PRAGMA journal_mode").getString();
    if (!in_memory_ && mode != "wal") {
      throw SQLite::Exception("no write-ahead log in this file system", SQLITE_CANTOPEN);
    }
    database_->exec("PRAGMA synchronous=FULL");
    database_->exec("PRAGMA cache_size=-16384");  // KiB: ten thousand repositories at once.
    database_->exec("PRAGMA wal_autocheckpoint=2000");
    database_->exec("PRAGMA journal_size_limit=16777216");
  }

  /// Everything from the log into the database, synced, and an empty log.
  void checkpoint() {
    if (in_memory_) return;
    if (pragma("PRAGMA wal_checkpoint(TRUNCATE)") != 0) {
      throw SQLite::Exception("the write-ahead log can't be written back", SQLITE_IOERR);
    }
  }

  /// What was read may be in the system's memory alone: a killed process had not synced it yet, or
  /// a sync failed. It will be shown, so now it is brought to the disk. Without room for that
  /// nothing is written before there is some.
  Result<Done> make_durable() {
    checkpoint_on_close(true);
    if (auto rewritten = rewrite_in_place(options_.path + "-wal"); !rewritten) return rewritten;
    try {
      checkpoint();
    } catch (const SQLite::Exception& exception) {
      if (exception.getErrorCode() != SQLITE_FULL) throw;
      distrust();
    }
    return Done{};
  }

  int pragma(const char* sql) { return database_->execAndGet(sql).getInt(); }

  /// Throws when the disk can't be read just now, which says nothing about the state.
  bool is_sound() {
    SQLite::Statement check(*database_, "PRAGMA quick_check(1)");
    const std::string found = check.executeStep() ? check.getColumn(0).getString() : "nothing";
    if (is_io_error(found)) throw SQLite::Exception("the database can't be read", SQLITE_IOERR);
    return found == "ok";
  }

  Result<LoadedState> open_and_read(bool follows_damage) {
    if (!in_memory_) {
      if (auto prepared = prepare_file(); !prepared) {
        return tl::unexpected<Error>(prepared.error());
      }
    }
    try {
      open();
      const Result<bool> empty = check_ours();
      if (!empty) return tl::unexpected<Error>(empty.error());
      configure();
      if (*empty) create_schema(follows_damage || lock_.high_water().damaged);
      Result<LoadedState> loaded = read();
      if (!loaded || in_memory_) return loaded;
      if (lock_.high_water().damaged) {
        if (auto noted = lock_.note_synced({}); !noted) return tl::unexpected<Error>(noted.error());
      }
      if (auto durable = make_durable(); !durable) return tl::unexpected<Error>(durable.error());
      return loaded;
    } catch (const SQLite::Exception& exception) {
      return tl::unexpected<Error>(to_error(exception, options_.path, Doing::loading));
    }
  }

  /// Before anything is written to a file that was there: true if it is empty. Errors: state_newer,
  /// state_damaged, state_io (a database of another program: it must not be moved away).
  Result<bool> check_ours() {
    // These two need no schema: a newer one may be beyond what this SQLite understands.
    const int version = pragma("PRAGMA user_version");
    const bool marked = pragma("PRAGMA application_id") == kApplicationId;
    if (marked && version > kSchemaVersion) {
      return fail(ErrorKind::state_newer,
                  options_.path + " was written by a newer version (schema " +
                      std::to_string(version) +
                      "); install that version or choose another state.path");
    }
    if (pragma("SELECT count(*) FROM sqlite_schema") == 0) {
      const HighWater& reached = lock_.high_water();
      if (!marked && version == 0 && (reached.commits == 0 || reached.damaged)) return true;
      return fail(ErrorKind::state_damaged, options_.path + " has lost what it held");
    }
    if (!marked && pragma("SELECT count(*) FROM sqlite_schema WHERE name='repositories'") == 0) {
      return fail(ErrorKind::state_io,
                  options_.path + " is a database of another program; choose another state.path");
    }
    if (!marked || version < 1 || !is_sound()) {
      return fail(ErrorKind::state_damaged, options_.path + " is damaged");
    }
    return false;
  }

  void create_schema(bool follows_damage) {
    SQLite::Transaction transaction(*database_);
    database_->exec("CREATE TABLE meta (number INTEGER PRIMARY KEY, state BLOB NOT NULL)");
    database_->exec("CREATE TABLE registries (number INTEGER PRIMARY KEY, state BLOB NOT NULL)");
    database_->exec(
        "CREATE TABLE repositories (number INTEGER PRIMARY KEY, registry INTEGER NOT NULL, "
        "state BLOB NOT NULL)");
    RecordTable::create(*database_);
    write(StateHead{.created_at = now_, .commits = 0, .follows_damage = follows_damage});
    database_->exec("PRAGMA application_id=" + std::to_string(kApplicationId));
    database_->exec("PRAGMA user_version=" + std::to_string(kSchemaVersion));
    transaction.commit();
    checkpoint();  // From now on a file without tables is a damaged one.
  }

  Result<LoadedState> read() {
    if (auto head = read_head(); !head) return tl::unexpected<Error>(head.error());
    LoadedState loaded;
    loaded.created_at = head_.created_at;
    loaded.follows_damage = head_.follows_damage;
    SQLite::Statement registries(*database_, "SELECT number, state FROM registries");
    while (registries.executeStep()) {
      const RegistryNumber number = registries.getColumn(0).getInt64();
      Result<RegistryState> state = decode_registry(blob(registries.getColumn(1)), {.row = number});
      if (!state) return within(options_.path, state.error());
      loaded.registries.push_back({number, std::move(*state)});
    }
    SQLite::Statement repositories(*database_, "SELECT number, registry, state FROM repositories");
    while (repositories.executeStep()) {
      const RepositoryNumber number = repositories.getColumn(0).getInt64();
      const RegistryNumber registry = repositories.getColumn(1).getInt64();
      Result<RepositoryState> state =
          decode_repository(blob(repositories.getColumn(2)), {.row = number, .owner = registry});
      if (!state) return within(options_.path, state.error());
      loaded.repositories.push_back({number, registry, std::move(*state)});
    }
    if (auto read = records_->load(loaded); !read) return within(options_.path, read.error());
    return loaded;
  }

  /// Errors: state_damaged, also for a state that is older than what was shown last.
  Result<Done> read_head() {
    SQLite::Statement meta(*database_, "SELECT state FROM meta WHERE number=0");
    if (!meta.executeStep()) return fail(ErrorKind::state_damaged, options_.path + " has no head");
    const Result<StateHead> head = decode_head(blob(meta.getColumn(0)), kHeadPlace);
    if (!head) return within(options_.path, head.error());
    const HighWater& reached = lock_.high_water();
    if (reached.damaged && !(head->follows_damage && head->commits == 0)) {
      return fail(ErrorKind::state_damaged, options_.path + " was being set aside as damaged");
    }
    if (!reached.damaged && head->created_at == reached.created_at &&
        head->commits < reached.commits) {
      return fail(ErrorKind::state_damaged,
                  options_.path + " is older than what was shown last (commit " +
                      std::to_string(head->commits) + " of " + std::to_string(reached.commits) +
                      "): its -wal was damaged or removed, or an old copy was put back");
    }
    head_ = *head;
    return Done{};
  }

  void write(const StateHead& head) {
    SQLite::Statement statement(*database_, "INSERT OR REPLACE INTO meta VALUES (0, ?)");
    const std::string state = encode_head(head, kHeadPlace);
    statement.bindNoCopy(1, state.data(), static_cast<int>(state.size()));
    statement.exec();
  }

  void write(const StoredRegistry& registry) {
    SQLite::Statement statement(*database_, "INSERT OR REPLACE INTO registries VALUES (?, ?)");
    const std::string state = encode_registry(registry.state, {.row = registry.number});
    statement.bind(1, registry.number);
    statement.bindNoCopy(2, state.data(), static_cast<int>(state.size()));
    statement.exec();
  }

  void write(const RepositoryChange& change) {
    if (!write_repository_) {
      write_repository_ = std::make_unique<SQLite::Statement>(
          *database_, "INSERT OR REPLACE INTO repositories VALUES (?, ?, ?)");
    }
    const std::string state =
        encode_repository(change.head, {.row = change.number, .owner = change.registry});
    write_repository_->bind(1, change.number);
    write_repository_->bind(2, change.registry);
    write_repository_->bindNoCopy(3, state.data(), static_cast<int>(state.size()));
    write_repository_->exec();
    write_repository_->reset();
    records_->write(change);
  }

  /// After a failed commit: a new handle, checked, before anything is written again. What is there
  /// is brought to the disk first: what is appended behind it would be lost with it.
  Result<Done> reopen() {
    const StateHead reached = head_;
    try {
      open();
      if (pragma("PRAGMA application_id") != kApplicationId || !is_sound()) {
        distrust();
        return fail(ErrorKind::state_damaged, options_.path + " is damaged");
      }
      configure();
      if (auto durable = make_durable(); !durable) {
        distrust();
        return durable;
      }
      if (!database_) return fail(ErrorKind::state_io, options_.path + ": the disk is full");
      if (auto head = read_head(); !head || head_.created_at != reached.created_at) {
        head_ = reached;
        distrust();
        return fail(ErrorKind::state_damaged, options_.path + " is not what was written");
      }
      records_->load_rows();
      return Done{};
    } catch (const SQLite::Exception& exception) {
      const Error error = to_error(exception, options_.path, Doing::committing);
      if (database_) distrust();
      return tl::unexpected<Error>(error);
    }
  }

  /// Gives the damaged files another name; the time in it is the start's.
  Result<std::string> set_aside() {
    const std::string wanted = options_.path + ".damaged-" + format_basic(now_);
    std::string target = wanted;
    struct stat status {};
    for (int n = 1; ::stat(target.c_str(), &status) == 0; ++n) {
      target = wanted + "-" + std::to_string(n);
    }
    // Whatever becomes of this: what is found here next is either the rest of it or a new state.
    HighWater reached = lock_.high_water();
    reached.damaged = true;
    if (auto noted = lock_.note_synced(reached); !noted) {
      return tl::unexpected<Error>(noted.error());
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
  std::unique_ptr<RecordTable> records_;
  std::unique_ptr<SQLite::Statement> write_repository_;
  StateHead head_;
};

}  // namespace

std::unique_ptr<StateStore> make_sqlite_state_store(StateOptions options, UnixMillis now) {
  return std::make_unique<SqliteStateStore>(std::move(options), now);
}

}  // namespace registry_exporter
