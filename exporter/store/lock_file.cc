// Shell: the lock beside the state.
#include "exporter/store/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <optional>

#include "exporter/store/access.h"

namespace registry_exporter::store {
namespace {

constexpr mode_t kOwnerOnly = 0600;

/// What the file says. Its size never changes, so that writing needs no room on a full disk.
struct Note {
  long pid = 0;
  std::optional<HighWater> high_water;
};

std::string text_of(const HighWater& high_water) {
  std::array<char, 128> text{};
  const int size = std::snprintf(
      text.data(), text.size(),
      "pid %019ld\ncreated %019" PRId64 "\ncommits %020" PRIu64 "\ndamaged %d\n",
      static_cast<long>(::getpid()), std::int64_t{high_water.created_at.time_since_epoch().count()},
      high_water.commits, high_water.damaged ? 1 : 0);
  return {text.data(), static_cast<std::size_t>(size)};
}

Note read_note(int descriptor) {
  std::array<char, 128> text{};
  if (::pread(descriptor, text.data(), text.size() - 1, 0) <= 0) return {};
  Note note;
  std::int64_t created_at = 0;
  int damaged = 0;
  HighWater high_water;
  const int fields = std::sscanf(
      text.data(), "pid %19ld\ncreated %19" SCNd64 "\ncommits %20" SCNu64 "\ndamaged %1d\n",
      &note.pid, &created_at, &high_water.commits, &damaged);
  high_water.created_at = UnixMillis{Millis{created_at}};
  high_water.damaged = damaged == 1;
  if (fields == 4) note.high_water = high_water;
  return note;
}

}  // namespace

LockFile::~LockFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<Done> LockFile::lock(const std::string& state_path) {
  const std::string path = state_path + ".lock";
  descriptor_ =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kOwnerOnly);
  if (descriptor_ < 0) {
    return fail(ErrorKind::state_io,
                "cannot create " + path + ": " +
                    why_refused(path, errno,
                                "state.path must be in a directory that exists and can be "
                                "written"));
  }
  const bool locked = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
  if (!locked && errno != EWOULDBLOCK) {
    return fail(ErrorKind::state_io, "cannot lock " + path + ": " + std::strerror(errno) +
                                         "; state.path must be on a file system with locks");
  }
  const Note found = read_note(descriptor_);
  if (!locked) {
    const std::string holder = found.pid > 0 ? " (pid " + std::to_string(found.pid) + ")" : "";
    return fail(ErrorKind::state_locked, state_path + " is in use by another process" + holder +
                                             "; stop it or choose another state.path");
  }
  note(found.high_water.value_or(HighWater{}));
  return Done{};
}

void LockFile::note(HighWater high_water) {
  high_water_ = high_water;
  if (descriptor_ < 0) return;
  const std::string text = text_of(high_water);
  [[maybe_unused]] const ssize_t written = ::pwrite(descriptor_, text.data(), text.size(), 0);
}

Result<Done> LockFile::note_synced(HighWater high_water) {
  note(high_water);
  if (::fsync(descriptor_) == 0) return Done{};
  return fail(ErrorKind::state_io, std::string("the lock file beside the state can't be synced: ") +
                                       std::strerror(errno));
}

}  // namespace registry_exporter::store
