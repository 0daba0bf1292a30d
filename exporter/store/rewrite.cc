// Shell: brings to the disk what a failed sync has left behind.
#include "exporter/store/rewrite.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace registry_exporter {
namespace {

constexpr std::size_t kChunk = 1U << 20U;

bool rewrite(int file) {
  std::vector<char> chunk(kChunk);
  for (off_t offset = 0;;) {
    const ssize_t size = ::pread(file, chunk.data(), chunk.size(), offset);
    if (size == 0) return ::fsync(file) == 0;
    if (size < 0) return false;
    const ssize_t written = ::pwrite(file, chunk.data(), static_cast<std::size_t>(size), offset);
    if (written <= 0) return false;
    offset += written;
  }
}

}  // namespace

Result<Done> rewrite_in_place(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return Done{};
  const bool done = file >= 0 && rewrite(file);
  const int error = errno;
  if (file >= 0) ::close(file);
  if (done) return Done{};
  return fail(ErrorKind::state_io, path + " can't be written: " + std::strerror(error));
}

}  // namespace registry_exporter
