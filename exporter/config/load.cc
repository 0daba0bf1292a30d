// Shell: reads files and the environment.
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "exporter/config/config.h"

namespace registry_exporter {
namespace {

constexpr std::size_t kConfigBytesMax = 8UL * 1024 * 1024;
constexpr std::size_t kSecretBytesMax = 64UL * 1024;

tl::unexpected<Error> cannot_read(const std::string& path, const std::string& why) {
  return fail(ErrorKind::invalid_config, path + ": " + why);
}

/// A regular file's content; links are followed.
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

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

tl::expected<Config, std::vector<ConfigProblem>> load_config(const std::string& path,
                                                             const KnownFamily& known_family) {
  const Result<std::string> text = read_file(path, kConfigBytesMax);
  if (!text) {
    const std::string detail = text.error().detail.substr(path.size() + 2);
    return tl::unexpected(std::vector<ConfigProblem>{{0, detail}});
  }
  return parse_config(*text, environment_variable, known_family);
}

Result<Secret> read_secret(const SecretSource& source) {
  if (source.file.empty()) return source.value;
  Result<std::string> text = read_file(source.file, kSecretBytesMax);
  if (!text) return within("secret", text.error());
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->empty()) return fail(ErrorKind::invalid_config, "secret: " + source.file + " is empty");
  return Secret(std::move(*text));
}

}  // namespace registry_exporter
