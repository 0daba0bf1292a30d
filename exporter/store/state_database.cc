// Shell: SQLite.
#include "exporter/store/state_database.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>

namespace registry_exporter::store {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kApplicationId = 0x52656745;  // "RegE"

/// The one row of table meta.
constexpr BlobPlace kHeadPlace{};

/// SQLite's checks tell of a page that can't be read in words: "… error code=266".
bool is_io_error(const std::string& found) {
  constexpr std::string_view kWords = "error code";
  const std::size_t at = found.find(kWords);
  if (at == std::string::npos) return false;
  const int code = std::atoi(found.c_str() + std::min(at + kWords.size() + 1, found.size()));
  return (code & 0xff) == SQLITE_IOERR;
}

void set_checkpoint_on_close(SQLite::Database& database, bool wanted) {
  ::sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, wanted ? 0 : 1,
                      nullptr);
}

std::unique_ptr<SQLite::Database> open_database(const StateOptions& options) {
  auto database =
      std::make_unique<SQLite::Database>(options.path, SQLite::OPEN_READWRITE, 0, options.vfs);
  set_checkpoint_on_close(*database, false);
  database->exec("PRAGMA locking_mode=EXCLUSIVE");
  return database;
}

}  // namespace

StateDatabase::StateDatabase(const StateOptions& options)
    : path_(options.path),
      in_memory_(options.path == ":memory:"),
      database_(open_database(options)),
      records_(*database_) {}

StateDatabase::~StateDatabase() = default;

int StateDatabase::pragma(const char* sql) { return database_->execAndGet(sql).getInt(); }

bool StateDatabase::is_marked() { return pragma("PRAGMA application_id") == kApplicationId; }

Result<StateDatabase::Content> StateDatabase::check_content(bool may_be_empty) {
  // These two need no schema: a newer one may be beyond what this SQLite understands.
  const int version = pragma("PRAGMA user_version");
  const bool marked = is_marked();
  if (marked && version > kSchemaVersion) {
    return fail(ErrorKind::state_newer, path_ + " was written by a newer version (schema " +
                                            std::to_string(version) +
                                            "); install that version or choose another state.path");
  }
  if (pragma("SELECT count(*) FROM sqlite_schema") == 0) {
    if (!marked && version == 0 && may_be_empty) return Content::empty;
    return fail(ErrorKind::state_damaged, path_ + " is empty although data was saved");
  }
  if (!marked && pragma("SELECT count(*) FROM sqlite_schema WHERE name='repositories'") == 0) {
    return fail(ErrorKind::state_io,
                path_ + " is a database of another program; choose another state.path");
  }
  if (!marked || version < 1 || !is_whole()) {
    return fail(ErrorKind::state_damaged, path_ + " is damaged");
  }
  return Content::ours;
}

bool StateDatabase::is_sound() { return is_marked() && is_whole(); }

bool StateDatabase::is_whole() {
  SQLite::Statement check(*database_, "PRAGMA quick_check(1)");
  const std::string found = check.executeStep() ? check.getColumn(0).getString() : "nothing";
  if (is_io_error(found)) throw SQLite::Exception("the database can't be read", SQLITE_IOERR);
  return found == "ok";
}

/// One connection for the life of the process, and nothing shown that isn't synced.
void StateDatabase::configure() {
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

void StateDatabase::create_tables(const StateHead& head) {
  SQLite::Transaction transaction(*database_);
  database_->exec("CREATE TABLE meta (number INTEGER PRIMARY KEY, state BLOB NOT NULL)");
  database_->exec("CREATE TABLE registries (number INTEGER PRIMARY KEY, state BLOB NOT NULL)");
  database_->exec(
      "CREATE TABLE repositories (number INTEGER PRIMARY KEY, registry INTEGER NOT NULL, "
      "state BLOB NOT NULL)");
  RecordTable::create(*database_);
  write(head);
  database_->exec("PRAGMA application_id=" + std::to_string(kApplicationId));
  database_->exec("PRAGMA user_version=" + std::to_string(kSchemaVersion));
  transaction.commit();
  checkpoint();  // From now on a file without tables is a damaged one.
}

void StateDatabase::checkpoint() {
  if (in_memory_) return;
  if (pragma("PRAGMA wal_checkpoint(TRUNCATE)") != 0) {
    throw SQLite::Exception("the write-ahead log can't be written back", SQLITE_IOERR);
  }
}

void StateDatabase::checkpoint_on_close(bool wanted) {
  set_checkpoint_on_close(*database_, wanted);
}

Result<StateHead> StateDatabase::read_head() {
  SQLite::Statement meta(*database_, "SELECT state FROM meta WHERE number=0");
  if (!meta.executeStep()) return fail(ErrorKind::state_damaged, path_ + " has no head");
  Result<StateHead> head = decode_head(blob(meta.getColumn(0)), kHeadPlace);
  if (!head) return within(path_, head.error());
  return head;
}

Result<Done> StateDatabase::read_rows(LoadedState& loaded) {
  SQLite::Statement registries(*database_, "SELECT number, state FROM registries");
  while (registries.executeStep()) {
    const RegistryNumber number = registries.getColumn(0).getInt64();
    Result<RegistryState> state = decode_registry(blob(registries.getColumn(1)), {.row = number});
    if (!state) return within(path_, state.error());
    loaded.registries.push_back({number, std::move(*state)});
  }
  SQLite::Statement repositories(*database_, "SELECT number, registry, state FROM repositories");
  while (repositories.executeStep()) {
    const RepositoryNumber number = repositories.getColumn(0).getInt64();
    const RegistryNumber registry = repositories.getColumn(1).getInt64();
    Result<RepositoryState> state =
        decode_repository(blob(repositories.getColumn(2)), {.row = number, .owner = registry});
    if (!state) return within(path_, state.error());
    loaded.repositories.push_back({number, registry, std::move(*state)});
  }
  if (auto read = records_.load(loaded); !read) return within(path_, read.error());
  return Done{};
}

void StateDatabase::write(const StateChanges& changes, const StateHead& head) {
  SQLite::Transaction transaction(*database_);
  for (const StoredRegistry& registry : changes.registries) write(registry);
  for (const RepositoryChange& change : changes.repositories) write(change);
  write(head);
  transaction.commit();
  records_.committed();
}

void StateDatabase::rolled_back() {
  write_repository_.reset();
  records_.rolled_back();
}

void StateDatabase::write(const StateHead& head) {
  SQLite::Statement statement(*database_, "INSERT OR REPLACE INTO meta VALUES (0, ?)");
  const std::string state = encode_head(head, kHeadPlace);
  statement.bindNoCopy(1, state.data(), static_cast<int>(state.size()));
  statement.exec();
}

void StateDatabase::write(const StoredRegistry& registry) {
  SQLite::Statement statement(*database_, "INSERT OR REPLACE INTO registries VALUES (?, ?)");
  const std::string state = encode_registry(registry.state, {.row = registry.number});
  statement.bind(1, registry.number);
  statement.bindNoCopy(2, state.data(), static_cast<int>(state.size()));
  statement.exec();
}

void StateDatabase::write(const RepositoryChange& change) {
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
  records_.write(change);
}

}  // namespace registry_exporter::store
