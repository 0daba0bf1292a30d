// Shell: reads and writes the state's files past SQLite.
#include "exporter/store/file_bytes.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "exporter/store/access.h"

namespace registry_exporter::store {
namespace {

constexpr std::size_t kChunk = 1U << 18U;

/// False: see errno.
bool go_through(int file, bool rewrite) {
  std::vector<char> chunk(kChunk);
  for (off_t offset = 0;;) {
    const ssize_t size = ::pread(file, chunk.data(), chunk.size(), offset);
    if (size == 0) return !rewrite || ::fsync(file) == 0;
    if (size < 0) return false;
    const ssize_t done =
        rewrite ? ::pwrite(file, chunk.data(), static_cast<std::size_t>(size), offset) : size;
    if (done <= 0) return false;
    offset += done;
  }
}

Result<Done> go_through(const std::string& path, bool rewrite) {
  const int file = ::open(path.c_str(), (rewrite ? O_RDWR : O_RDONLY) | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return Done{};
  const bool done = file >= 0 && go_through(file, rewrite);
  const int error = errno;
  if (file >= 0) ::close(file);
  if (done) return Done{};
  return fail(
      ErrorKind::state_io,
      path + ": " +
          why_refused(path, error, "state.path must be on a disk that can be read and written"));
}

}  // namespace

Result<Done> rewrite_in_place(const std::string& path) { return go_through(path, true); }

Result<Done> read_whole(const std::string& path) { return go_through(path, false); }

}  // namespace registry_exporter::store
