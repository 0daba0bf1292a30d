// Shell: SQLite.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "exporter/base/time_text.h"
#include "exporter/store/access.h"
#include "exporter/store/file_bytes.h"
#include "exporter/store/lock_file.h"
#include "exporter/store/sqlite_error.h"
#include "exporter/store/state_database.h"
#include "exporter/store/state_store.h"

namespace registry_exporter::store {
namespace {

constexpr mode_t kOwnerOnly = 0600;

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
    database_.reset();
    // A disk with intermittent errors looks like damage. Reading twice is cheaper than losing
    // counts.
    for (const char* suffix : {"", "-wal"}) {
      const auto readable = read_whole(options_.path + suffix);
      if (!readable) return tl::unexpected<Error>(readable.error());
    }
    loaded = open_and_read(false);
    if (loaded || loaded.error().kind != ErrorKind::state_damaged) return loaded;
    database_.reset();
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
      database_->write(changes, head);
    } catch (const SQLite::Exception& exception) {
      // The failed handle may assume pages on disk that are not there: never use it again.
      const Error error = to_error(exception, options_.path, StateAction::committing);
      distrust();
      return tl::unexpected<Error>(error);
    }
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
  /// Follows links. The target must be a regular file, or not exist yet.
  Result<Done> check_path() const {
    struct stat status {};
    if (::stat(options_.path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return Done{};
    return fail(ErrorKind::state_io, options_.path + " is not a regular file; change state.path");
  }

  /// Closes a handle that failed, except for a database in memory, which would be lost.
  void distrust() {
    if (in_memory_) return database_->rolled_back();
    database_->checkpoint_on_close(false);
    database_.reset();
  }

  /// SQLite would create a file that everybody can read, and open one that cannot be written.
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
    // The high water of an earlier state with this name does not apply to a new state.
    if (is_new && !lock_.high_water().damaged) return lock_.note_synced({});
    return Done{};
  }

  /// What was read may not be on the disk yet: a killed process had not synced it, or a sync
  /// failed. It will be shown, so it has to be synced now. If the disk is full, nothing is written
  /// until there is room.
  Result<Done> make_durable() {
    database_->checkpoint_on_close(true);
    if (auto rewritten = rewrite_in_place(options_.path + "-wal"); !rewritten) return rewritten;
    try {
      database_->checkpoint();
    } catch (const SQLite::Exception& exception) {
      if (exception.getErrorCode() != SQLITE_FULL) throw;
      distrust();
    }
    return Done{};
  }

  Result<LoadedState> open_and_read(bool follows_damage) {
    if (!in_memory_) {
      if (auto prepared = prepare_file(); !prepared) {
        return tl::unexpected<Error>(prepared.error());
      }
    }
    try {
      database_ = std::make_unique<StateDatabase>(options_);
      const HighWater& reached = lock_.high_water();
      const auto content = database_->check_content(reached.commits == 0 || reached.damaged);
      if (!content) return tl::unexpected<Error>(content.error());
      database_->configure();
      if (*content == StateDatabase::Content::empty) {
        database_->create_tables({now_, 0, follows_damage || reached.damaged});
      }
      Result<LoadedState> loaded = read();
      if (!loaded || in_memory_) return loaded;
      if (lock_.high_water().damaged) {
        if (auto noted = lock_.note_synced({}); !noted) return tl::unexpected<Error>(noted.error());
      }
      if (auto durable = make_durable(); !durable) return tl::unexpected<Error>(durable.error());
      return loaded;
    } catch (const SQLite::Exception& exception) {
      return tl::unexpected<Error>(to_error(exception, options_.path, StateAction::loading));
    }
  }

  Result<LoadedState> read() {
    if (auto head = read_head(); !head) return tl::unexpected<Error>(head.error());
    LoadedState loaded;
    loaded.created_at = head_.created_at;
    loaded.follows_damage = head_.follows_damage;
    if (auto rows = database_->read_rows(loaded); !rows) {
      return tl::unexpected<Error>(rows.error());
    }
    return loaded;
  }

  /// Errors: state_damaged, also for a state that is older than the last one shown.
  Result<Done> read_head() {
    const Result<StateHead> head = database_->read_head();
    if (!head) return tl::unexpected<Error>(head.error());
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

  /// After a failed commit: opens and checks a new handle before anything is written again. The
  /// content of the log is synced first, because what is appended behind it would be lost with it.
  Result<Done> reopen() {
    const StateHead reached = head_;
    try {
      database_ = std::make_unique<StateDatabase>(options_);
      if (!database_->is_sound()) {
        distrust();
        return fail(ErrorKind::state_damaged, options_.path + " is damaged");
      }
      database_->configure();
      if (auto durable = make_durable(); !durable) {
        distrust();
        return durable;
      }
      if (!database_) return fail(ErrorKind::state_io, options_.path + ": the disk is full");
      if (auto head = read_head(); !head || head_.created_at != reached.created_at) {
        head_ = reached;
        distrust();
        return fail(ErrorKind::state_damaged, options_.path + " does not contain the last commit");
      }
      database_->read_record_numbers();
      return Done{};
    } catch (const SQLite::Exception& exception) {
      const Error error = to_error(exception, options_.path, StateAction::committing);
      if (database_) distrust();
      return tl::unexpected<Error>(error);
    }
  }

  /// Renames the damaged files; the new name has the time of the start.
  Result<std::string> set_aside() {
    const std::string wanted = options_.path + ".damaged-" + format_basic(now_);
    std::string target = wanted;
    struct stat status {};
    for (int n = 1; ::stat(target.c_str(), &status) == 0; ++n) {
      target = wanted + "-" + std::to_string(n);
    }
    // If this is interrupted, the next start finds either the rest of the damaged files or a new
    // state.
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
  std::unique_ptr<StateDatabase> database_;  ///< Empty after a failure: opened anew when needed.
  StateHead head_;
};

}  // namespace

std::unique_ptr<StateStore> make_sqlite_state_store(StateOptions options, UnixMillis now) {
  return std::make_unique<SqliteStateStore>(std::move(options), now);
}

}  // namespace registry_exporter::store
