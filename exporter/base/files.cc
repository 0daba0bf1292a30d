#include "exporter/base/files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace registry_exporter {
namespace {

constexpr int kPipeSilenceMaxMs = 30'000;

tl::unexpected<Error> cannot_read(const std::string& path, const std::string& why) {
  return fail(ErrorKind::invalid_config, path + ": " + why);
}

tl::unexpected<Error> cannot_open(const std::string& path, int error) {
  ErrorCause cause = ErrorCause::unknown;
  if (error == ENOENT || error == ENOTDIR) cause = ErrorCause::file_missing;
  if (error == EACCES) cause = ErrorCause::file_denied;
  const std::string why = error == 0 ? "can't be opened" : std::strerror(error);
  return fail(ErrorKind::invalid_config, cause, path + ": " + why);
}

tl::unexpected<Error> too_large(const std::string& path, std::size_t bytes_max) {
  return cannot_read(path, "larger than " + std::to_string(bytes_max) + " bytes");
}

/// The next piece from an open pipe; "" at its end.
Result<std::string> next_piece(int pipe, const std::string& path) {
  pollfd wanted{pipe, POLLIN, 0};
  std::array<char, 64UL * 1024> buffer{};
  for (;;) {
    const int ready = ::poll(&wanted, 1, kPipeSilenceMaxMs);
    if (ready == 0) return cannot_read(path, "a pipe through which nothing came for 30 s");
    const ssize_t size = ready < 0 ? -1 : ::read(pipe, buffer.data(), buffer.size());
    if (size >= 0) return std::string(buffer.data(), static_cast<std::size_t>(size));
    if (errno != EINTR && errno != EAGAIN) return cannot_read(path, std::strerror(errno));
  }
}

Result<std::string> read_pipe(const std::string& path, std::size_t bytes_max) {
  // Without O_NONBLOCK, open() would wait for a writer.
  const int pipe = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (pipe < 0) return cannot_open(path, errno);
  std::string text;
  for (;;) {
    const Result<std::string> piece = next_piece(pipe, path);
    if (piece) text += *piece;
    const bool is_done = !piece || piece->empty() || text.size() > bytes_max;
    if (!is_done) continue;
    ::close(pipe);
    if (!piece) return piece;
    return text.size() > bytes_max ? Result<std::string>(too_large(path, bytes_max)) : text;
  }
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  struct stat status {};
  // Checked before it is opened: open() of a pipe would wait for its writer.
  if (::stat(path.c_str(), &status) != 0) return cannot_open(path, errno);
  if (!S_ISREG(status.st_mode)) return cannot_read(path, "not a regular file");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return cannot_open(path, errno);
  // In pieces: most files are much smaller than the limit, and some report no size.
  std::string text;
  std::array<char, 16UL * 1024> piece;
  while (file && text.size() <= bytes_max) {
    file.read(piece.data(), piece.size());
    if (file.bad()) return cannot_read(path, "can't be read");
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (text.size() <= bytes_max) return text;
  return too_large(path, bytes_max);
}

Result<WholeText> read_file_or_pipe(const std::string& path, std::size_t bytes_max) {
  struct stat status {};
  const bool is_there = ::stat(path.c_str(), &status) == 0;
  const bool is_pipe = is_there && S_ISFIFO(status.st_mode);
  if (is_there && !is_pipe && !S_ISREG(status.st_mode)) {
    return cannot_read(path, "not a regular file or a pipe");
  }
  Result<std::string> text = is_pipe ? read_pipe(path, bytes_max) : read_file(path, bytes_max);
  if (!text) return tl::unexpected<Error>(text.error());
  return WholeText{*std::move(text), is_pipe};
}

}  // namespace registry_exporter
