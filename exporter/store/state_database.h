#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "exporter/store/record_table.h"
#include "exporter/store/state_codec.h"
#include "exporter/store/state_store.h"

namespace registry_exporter::store {

/// The database of a state through one handle: its settings, its tables, its rows. After an
/// exception of a write() or a configure() the handle must not be used again, unless the database
/// is in memory. Errors of SQLite are thrown as SQLite::Exception. Shell.
class StateDatabase {
 public:
  explicit StateDatabase(const StateOptions& options);
  ~StateDatabase();

  /// What is there, asked before anything is written. `may_be_empty`: no commit of a state at this
  /// path is known, so an empty database is a new one. Errors: state_newer, state_damaged, state_io
  /// (a database of another program: it must not be moved away).
  enum class Content { empty, ours };
  Result<Content> check_content(bool may_be_empty);
  /// Whether it has our mark and no damaged page. Throws when the disk can't be read at the moment,
  /// which says nothing about the state.
  bool is_sound();

  void configure();
  void create_tables(const StateHead& head);
  /// Brings everything from the log into the database, synced, and empties the log.
  void checkpoint();
  /// Off at first: then closing changes no file, and what is refused or damaged stays as it was.
  void checkpoint_on_close(bool wanted);

  /// Errors: state_damaged.
  Result<StateHead> read_head();
  /// Everything but the head. Errors: state_damaged.
  Result<Done> read_rows(LoadedState& loaded);
  /// Instead of read_rows(), where the content is known already.
  void read_record_numbers() { records_.load_rows(); }

  /// One transaction.
  void write(const StateChanges& changes, const StateHead& head);
  /// After a write() that failed, in memory.
  void rolled_back();

 private:
  int pragma(const char* sql);
  bool is_marked();
  bool is_whole();
  void write(const StateHead& head);
  void write(const StoredRegistry& registry);
  void write(const RepositoryChange& change);

  const std::string path_;
  const bool in_memory_;
  std::unique_ptr<SQLite::Database> database_;
  RecordTable records_;
  std::unique_ptr<SQLite::Statement> write_repository_;
};

}  // namespace registry_exporter::store
