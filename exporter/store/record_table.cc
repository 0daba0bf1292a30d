// Shell: SQLite.
#include "exporter/store/record_table.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "exporter/store/state_codec.h"

namespace registry_exporter::store {
namespace {

constexpr std::size_t kRowsMax = 32;  ///< Of one repository; more are joined into one.

/// Sorted by key; of several with the same key the one that was written last.
void keep_latest(std::vector<ClosedRecord>& records) {
  std::reverse(records.begin(), records.end());
  std::stable_sort(records.begin(), records.end(),
                   [](const ClosedRecord& a, const ClosedRecord& b) { return a.key < b.key; });
  records.erase(
      std::unique(records.begin(), records.end(),
                  [](const ClosedRecord& a, const ClosedRecord& b) { return a.key == b.key; }),
      records.end());
}

}  // namespace

std::string_view blob(const SQLite::Column& column) {
  return {static_cast<const char*>(column.getBlob()), static_cast<std::size_t>(column.getBytes())};
}

RecordTable::RecordTable(SQLite::Database& database) : database_(database) {}

RecordTable::~RecordTable() = default;

void RecordTable::create(SQLite::Database& database) {
  database.exec(
      "CREATE TABLE records (id INTEGER PRIMARY KEY, repository INTEGER NOT NULL, "
      "records BLOB NOT NULL)");
}

Result<Done> RecordTable::load(LoadedState& loaded) {
  std::unordered_map<RepositoryNumber, StoredRepository*> repositories;
  for (StoredRepository& stored : loaded.repositories) repositories[stored.number] = &stored;
  SQLite::Statement table(database_, "SELECT id, repository, records FROM records ORDER BY id");
  while (table.executeStep()) {
    const std::int64_t id = table.getColumn(0).getInt64();
    const RepositoryNumber number = table.getColumn(1).getInt64();
    const auto records = decode_closed(blob(table.getColumn(2)), {.row = id, .owner = number});
    if (!records) return tl::unexpected<Error>(records.error());
    next_id_ = id + 1;
    const auto found = repositories.find(number);
    if (found == repositories.end()) continue;
    auto& all = found->second->state.ledger.closed;
    all.insert(all.end(), records->begin(), records->end());
    rows_[number].push_back(id);
  }
  for (StoredRepository& stored : loaded.repositories) keep_latest(stored.state.ledger.closed);
  return Done{};
}

void RecordTable::load_rows() {
  SQLite::Statement table(database_, "SELECT id, repository FROM records ORDER BY id");
  while (table.executeStep()) {
    const std::int64_t id = table.getColumn(0).getInt64();
    rows_[table.getColumn(1).getInt64()].push_back(id);
    next_id_ = id + 1;
  }
}

void RecordTable::write(const RepositoryChange& change) {
  if (change.closed.empty() && !change.replaces_closed) return;
  const auto [entry, first] = written_.try_emplace(change.number);
  Rows& rows = entry->second;
  if (const auto known = rows_.find(change.number); first && known != rows_.end()) {
    rows = known->second;
  }
  if (change.replaces_closed) {
    drop(rows);
  } else if (rows.size() >= kRowsMax) {
    std::vector<ClosedRecord> joined = join(change.number, rows);
    joined.insert(joined.end(), change.closed.begin(), change.closed.end());
    keep_latest(joined);
    drop(rows);
    rows.push_back(insert(change.number, joined));
    return;
  }
  if (!change.closed.empty()) rows.push_back(insert(change.number, change.closed));
}

void RecordTable::committed() {
  for (auto& [repository, rows] : written_) rows_[repository] = std::move(rows);
  written_.clear();
}

void RecordTable::rolled_back() {
  insert_.reset();
  written_.clear();
}

std::int64_t RecordTable::insert(RepositoryNumber repository,
                                 std::span<const ClosedRecord> records) {
  if (!insert_) {
    insert_ =
        std::make_unique<SQLite::Statement>(database_, "INSERT INTO records VALUES (?, ?, ?)");
  }
  const std::int64_t id = next_id_++;
  const std::string row = encode_closed(records, {.row = id, .owner = repository});
  insert_->bind(1, id);
  insert_->bind(2, repository);
  insert_->bindNoCopy(3, row.data(), static_cast<int>(row.size()));
  insert_->exec();
  insert_->reset();
  return id;
}

void RecordTable::drop(Rows& rows) {
  SQLite::Statement statement(database_, "DELETE FROM records WHERE id=?");
  for (const std::int64_t id : rows) {
    statement.bind(1, id);
    statement.exec();
    statement.reset();
  }
  rows.clear();
}

std::vector<ClosedRecord> RecordTable::join(RepositoryNumber repository, const Rows& rows) {
  std::vector<ClosedRecord> joined;
  SQLite::Statement statement(database_, "SELECT records FROM records WHERE id=?");
  for (const std::int64_t id : rows) {
    statement.bind(1, id);
    if (!statement.executeStep()) {
      throw SQLite::Exception("a row of records is gone", SQLITE_CORRUPT);
    }
    const auto records =
        decode_closed(blob(statement.getColumn(0)), {.row = id, .owner = repository});
    if (!records) throw SQLite::Exception("a row of records is damaged", SQLITE_CORRUPT);
    joined.insert(joined.end(), records->begin(), records->end());
    statement.reset();
  }
  return joined;
}

}  // namespace registry_exporter::store
