// Shell: copies files, and SQLite.
#include "exporter/store/state_copy.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "exporter/store/sqlite_error.h"
#include "exporter/store/state_database.h"

namespace registry_exporter::store {
namespace {

namespace fs = std::filesystem;

/// The process that writes the state may begin a new log while the files are copied.
constexpr int kCopiesMax = 20;
/// Of a write-ahead log: with the salts, which are new for each new log.
constexpr std::size_t kLogHead = 32;

/// A folder of its own, removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code ignored;
    for (const fs::path& base : {fs::temp_directory_path(ignored), fs::path("/dev/shm")}) {
      std::string name = (base / "registry_exporter.XXXXXX").string();
      if (::mkdtemp(name.data()) == nullptr) continue;
      path_ = name;
      return;
    }
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  bool exists() const { return !path_.empty(); }
  std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

std::string head_of(const std::string& path) {
  std::array<char, kLogHead> bytes{};
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), bytes.size());
  return {bytes.data(), static_cast<std::size_t>(file.gcount())};
}

Result<Done> copy_file(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (!error) return Done{};
  return fail(ErrorKind::state_io, "cannot copy " + from + " to " + to + ": " + error.message());
}

/// The database first: what is written back into it meanwhile is in the log, too, as long as that
/// one is not begun anew.
Result<Done> copy_state(const std::string& from, const std::string& to) {
  std::error_code ignored;
  for (int i = 0; i < kCopiesMax; ++i) {
    const std::string log = head_of(from + "-wal");
    if (auto copied = copy_file(from, to); !copied) return copied;
    fs::remove(to + "-wal", ignored);
    if (!log.empty()) {
      if (auto copied = copy_file(from + "-wal", to + "-wal"); !copied) return copied;
    }
    if (head_of(from + "-wal") == log) return Done{};
  }
  return fail(ErrorKind::state_io, from + " changes all the time: it can't be copied");
}

Result<std::optional<LoadedState>> read_database(const std::string& path) {
  StateDatabase database({.path = path, .vfs = {}});
  const auto content = database.check_content(true);
  if (!content) return tl::unexpected<Error>(content.error());
  if (*content == StateDatabase::Content::empty) return std::optional<LoadedState>();
  const Result<StateHead> head = database.read_head();
  if (!head) return tl::unexpected<Error>(head.error());
  LoadedState loaded;
  loaded.created_at = head->created_at;
  loaded.follows_damage = head->follows_damage;
  if (auto rows = database.read_rows(loaded); !rows) return tl::unexpected<Error>(rows.error());
  return std::optional(std::move(loaded));
}

}  // namespace

Result<std::optional<LoadedState>> read_state_copy(const std::string& path) {
  std::error_code error;
  const bool exists = fs::exists(path, error);
  if (error) return fail(ErrorKind::state_io, path + ": " + error.message());
  if (path == ":memory:" || !exists) return std::optional<LoadedState>();
  const TemporaryFolder folder;
  if (!folder.exists()) {
    return fail(ErrorKind::state_io, "no folder for temporary files can be written; set TMPDIR");
  }
  const std::string copy = folder.file("state.db");
  if (auto copied = copy_state(path, copy); !copied) return tl::unexpected<Error>(copied.error());
  try {
    return read_database(copy);
  } catch (const SQLite::Exception& exception) {
    return tl::unexpected<Error>(to_error(exception, path, StateAction::loading));
  }
}

}  // namespace registry_exporter::store
