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

constexpr std::size_t kFileBytesMax = 8UL * 1024 * 1024;

/// A regular file's content; links are followed.
Result<std::string> read_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return fail(ErrorKind::invalid_config, path + ": " + std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::invalid_config, path + ": not a regular file");
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file || text.size() > kFileBytesMax) {
    return fail(ErrorKind::invalid_config, path + ": can't be read");
  }
  return text;
}

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

tl::expected<Config, std::vector<ConfigProblem>> load_config(const std::string& path,
                                                             const KnownFamily& known_family) {
  const Result<std::string> text = read_file(path);
  if (!text) {
    const std::string detail = text.error().detail.substr(path.size() + 2);
    return tl::unexpected(std::vector<ConfigProblem>{{0, detail}});
  }
  return parse_config(*text, environment_variable, known_family);
}

Result<Secret> read_secret(const SecretSource& source) {
  if (source.file.empty()) return source.value;
  Result<std::string> text = read_file(source.file);
  if (!text) return within("secret", text.error());
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->empty()) return fail(ErrorKind::invalid_config, "secret: " + source.file + " is empty");
  return Secret(std::move(*text));
}

}  // namespace registry_exporter
