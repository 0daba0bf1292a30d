#include "tests/crash/recording_vfs.h"

#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

extern "C" {
ssize_t __real_pread(int file, void* data, size_t size, off_t offset);
ssize_t __wrap_pread(int file, void* data, size_t size, off_t offset);
ssize_t __real_pwrite(int file, const void* data, size_t size, off_t offset);
int __real_fsync(int file);
int __real_rename(const char* from, const char* to);
ssize_t __wrap_pwrite(int file, const void* data, size_t size, off_t offset);
int __wrap_fsync(int file);
int __wrap_rename(const char* from, const char* to);
}

namespace registry_exporter {
namespace {

using Kind = DiskEvent::Kind;

/// Log pages after which SQLite writes back: few, so that it happens often.
constexpr int kCheckpointPages = 12;

Recorder* current = nullptr;

sqlite3_vfs& real_vfs() { return *sqlite3_vfs_find("unix"); }

std::string name_of(const char* path) {
  const std::string whole = path == nullptr ? "" : path;
  const bool ours = current != nullptr && whole.starts_with(current->path);
  return ours ? whole.substr(current->path.size()) : whole;
}

bool fails() {
  if (current == nullptr) return false;
  const int call = ++current->calls;
  return current->fail_at > 0 && call >= current->fail_at &&
         call < current->fail_at + current->failures;
}

void tell(DiskEvent event) {
  if (current != nullptr && current->on_event) current->on_event(event);
}

struct RecordedFile {
  sqlite3_file base{};
  std::string name;
  bool entry_unsynced = false;  ///< A new log or journal: its first sync is one of the folder too.
  sqlite3_file* real = nullptr;
};

RecordedFile& self(sqlite3_file* file) { return *reinterpret_cast<RecordedFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return self(file).real; }

int close_file(sqlite3_file* file) {
  const int result = real(file)->pMethods->xClose(real(file));
  self(file).~RecordedFile();
  return result;
}

int read_file(sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
  // The second is what the real VFS makes of EIO, and SQLite then calls the database damaged.
  if (fails()) return current->calls % 2 == 0 ? SQLITE_IOERR_READ : SQLITE_IOERR_CORRUPTFS;
  return real(file)->pMethods->xRead(real(file), data, size, offset);
}

int write_file(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  if (fails()) return SQLITE_FULL;
  const int result = real(file)->pMethods->xWrite(real(file), data, size, offset);
  if (result == SQLITE_OK) {
    tell({Kind::write,
          self(file).name,
          {},
          static_cast<std::size_t>(offset),
          std::string(static_cast<const char*>(data), static_cast<std::size_t>(size))});
  }
  return result;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (fails()) return SQLITE_IOERR_TRUNCATE;
  const int result = real(file)->pMethods->xTruncate(real(file), size);
  if (result == SQLITE_OK) {
    tell({Kind::truncate, self(file).name, {}, static_cast<std::size_t>(size), {}});
  }
  return result;
}

int sync_file(sqlite3_file* file, int flags) {
  if (fails()) {
    tell({Kind::failed_sync, self(file).name, {}, 0, {}});
    return SQLITE_IOERR_FSYNC;
  }
  const int result = real(file)->pMethods->xSync(real(file), flags);
  tell({Kind::sync, self(file).name, {}, 0, {}});
  if (std::exchange(self(file).entry_unsynced, false)) tell({Kind::sync_folder, {}, {}, 0, {}});
  return result;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock_file(sqlite3_file* file, int level) {
  return real(file)->pMethods->xLock(real(file), level);
}
int unlock_file(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int check_reserved(sqlite3_file* file, int* result) {
  return real(file)->pMethods->xCheckReservedLock(real(file), result);
}

int control(sqlite3_file* file, int operation, void* argument) {
  if (operation == SQLITE_FCNTL_PRAGMA && current != nullptr) {
    const std::string name = static_cast<char**>(argument)[1];
    if (name == "wal_autocheckpoint" || name == current->ignored_pragma) return SQLITE_OK;
  }
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}

int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

/// Version 1: no shared memory, which an exclusive connection doesn't need.
const sqlite3_io_methods* methods() {
  static const sqlite3_io_methods table = [] {
    sqlite3_io_methods each{};
    each.iVersion = 1;
    each.xClose = close_file;
    each.xRead = read_file;
    each.xWrite = write_file;
    each.xTruncate = truncate_file;
    each.xSync = sync_file;
    each.xFileSize = file_size;
    each.xLock = lock_file;
    each.xUnlock = unlock_file;
    each.xCheckReservedLock = check_reserved;
    each.xFileControl = control;
    each.xSectorSize = sector_size;
    each.xDeviceCharacteristics = characteristics;
    return each;
  }();
  return &table;
}

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  const bool creates =
      (flags & SQLITE_OPEN_CREATE) != 0 && path != nullptr && access(path, F_OK) != 0;
  file->pMethods = nullptr;
  if (creates && fails()) return SQLITE_CANTOPEN;
  auto* recorded = new (file) RecordedFile;
  recorded->name = name_of(path);
  recorded->real =
      reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(RecordedFile));
  const int result = real_vfs().xOpen(&real_vfs(), path, recorded->real, flags, out_flags);
  if (result != SQLITE_OK) {
    recorded->~RecordedFile();
    file->pMethods = nullptr;
    return result;
  }
  file->pMethods = methods();
  const int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  recorded->entry_unsynced = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & journals) != 0;
  if (creates) tell({Kind::create, recorded->name, {}, 0, {}});
  return SQLITE_OK;
}

int remove_file(sqlite3_vfs*, const char* path, int sync_folder) {
  if (fails()) return SQLITE_IOERR_DELETE;
  const int result = real_vfs().xDelete(&real_vfs(), path, sync_folder);
  if (result == SQLITE_OK) {
    tell({Kind::remove, name_of(path), {}, 0, {}});
    if (sync_folder != 0) tell({Kind::sync_folder, {}, {}, 0, {}});
  }
  return result;
}

int on_connection(sqlite3* database, char**, const sqlite3_api_routines*) {
  if (current == nullptr) return SQLITE_OK;
  sqlite3_wal_autocheckpoint(database, kCheckpointPages);
  Recorder* const recorder = std::exchange(current, nullptr);  // It would ignore this pragma too.
  sqlite3_exec(database, recorder->on_open_sql.c_str(), nullptr, nullptr, nullptr);
  current = recorder;
  return SQLITE_OK;
}

void register_vfs() {
  static sqlite3_vfs vfs = real_vfs();
  vfs.zName = kRecordingVfs;
  vfs.szOsFile += static_cast<int>(sizeof(RecordedFile));
  vfs.xOpen = open_file;
  vfs.xDelete = remove_file;
  sqlite3_vfs_register(&vfs, 0);
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(on_connection));
}

std::string path_of(int file) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  const ssize_t size = readlink(link.c_str(), path.data(), path.size());
  return {path.data(), static_cast<std::size_t>(size < 0 ? 0 : size)};
}

}  // namespace

void record_to(Recorder* recorder) {
  [[maybe_unused]] static const bool once = (register_vfs(), true);
  current = recorder;
}

}  // namespace registry_exporter

// What the store does itself, past SQLite: its lock file, and setting damage aside.
extern "C" {

ssize_t __wrap_pread(int file, void* data, size_t size, off_t offset) {
  if (registry_exporter::fails()) return errno = EIO, -1;
  return __real_pread(file, data, size, offset);
}

ssize_t __wrap_pwrite(int file, const void* data, size_t size, off_t offset) {
  using namespace registry_exporter;
  if (fails()) return errno = ENOSPC, -1;
  const ssize_t written = __real_pwrite(file, data, size, offset);
  if (current != nullptr && written > 0) {
    tell({Kind::write,
          name_of(path_of(file).c_str()),
          {},
          static_cast<std::size_t>(offset),
          std::string(static_cast<const char*>(data), static_cast<std::size_t>(written))});
  }
  return written;
}

int __wrap_fsync(int file) {
  using namespace registry_exporter;
  if (fails()) {
    tell({Kind::failed_sync, name_of(path_of(file).c_str()), {}, 0, {}});
    return errno = EIO, -1;
  }
  const int result = __real_fsync(file);
  if (current != nullptr) tell({Kind::sync, name_of(path_of(file).c_str()), {}, 0, {}});
  return result;
}

int __wrap_rename(const char* from, const char* to) {
  using namespace registry_exporter;
  const int result = __real_rename(from, to);
  if (current != nullptr && result == 0) {
    tell({Kind::rename, name_of(from), name_of(to), 0, {}});
  }
  return result;
}
}
