#include "exporter/base/files.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace registry_exporter {
namespace {

tl::unexpected<Error> cannot_read(const std::string& path, const std::string& why) {
  return fail(ErrorKind::invalid_config, path + ": " + why);
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  struct stat status {};
  // Asked before it is opened: opening a pipe would wait for its writer.
  if (::stat(path.c_str(), &status) != 0) return cannot_read(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return cannot_read(path, "not a regular file");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return cannot_read(path, errno != 0 ? std::strerror(errno) : "can't be opened");
  std::string text(bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return cannot_read(path, "can't be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() <= bytes_max) return text;
  return cannot_read(path, "larger than " + std::to_string(bytes_max) + " bytes");
}

}  // namespace registry_exporter
