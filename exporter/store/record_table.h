#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "exporter/store/state_store.h"

namespace SQLite {
class Column;
class Database;
class Statement;
}  // namespace SQLite

namespace registry_exporter::store {

/// A column's bytes; valid until its statement takes the next step.
std::string_view blob(const SQLite::Column& column);

/// The closed records of all repositories. A row holds several records of one repository. It is
/// written once; when a repository has too many rows, they are joined into one. Lives as long as
/// the handle of its database. Errors of SQLite are thrown as SQLite::Exception.
class RecordTable {
 public:
  explicit RecordTable(SQLite::Database& database);
  ~RecordTable();

  static void create(SQLite::Database& database);
  /// Gives the repositories of `loaded` their records. Errors: state_damaged.
  Result<Done> load(LoadedState& loaded);
  /// Loads only the numbers of the rows: the caller of the store knows their content.
  void load_rows();

  /// Called within a transaction; then committed() or rolled_back() says how it ended.
  void write(const RepositoryChange& change);
  void committed();
  void rolled_back();

 private:
  using Rows = std::vector<std::int64_t>;  ///< Ids, oldest first.

  std::int64_t insert(RepositoryNumber repository, std::span<const ClosedRecord> records);
  void drop(Rows& rows);
  std::vector<ClosedRecord> join(RepositoryNumber repository, const Rows& rows);

  SQLite::Database& database_;
  std::unique_ptr<SQLite::Statement> insert_;
  std::unordered_map<RepositoryNumber, Rows> rows_;
  std::unordered_map<RepositoryNumber, Rows> written_;  ///< Not committed yet.
  std::int64_t next_id_ = 1;
};

}  // namespace registry_exporter::store
