// Shell: SQLite.
#include "exporter/store/sqlite_error.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include "exporter/store/access.h"

namespace registry_exporter::store {
namespace {

/// SQLite doesn't say which of its files was denied, if one was.
std::string remedy_for(const std::string& path) {
  for (const char* suffix : {"", "-wal"}) {
    std::string obstacle = what_is_in_the_way(path + suffix);
    if (!obstacle.empty()) return obstacle;
  }
  return "state.path must be on a disk with room that can be written";
}

}  // namespace

Error to_error(const SQLite::Exception& exception, const std::string& path, StateAction action) {
  const std::string what = path + ": " + exception.what();
  switch (exception.getErrorCode() & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorKind::state_damaged, what, {}, {}};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      if (action == StateAction::committing) return {ErrorKind::state_io, what, {}, {}};
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
      return {action == StateAction::loading ? ErrorKind::state_damaged : ErrorKind::state_io,
              what,
              {},
              {}};
  }
}

}  // namespace registry_exporter::store
