// Shell: reads files and the environment.
#include <cstdlib>

#include "exporter/base/files.h"
#include "exporter/config/config.h"

namespace registry_exporter::config {
namespace {

constexpr std::size_t kConfigBytesMax = 8UL * 1024 * 1024;
/// The CLI's file holds every profile that somebody ever used.
constexpr std::size_t kSecretBytesMax = 1024UL * 1024;

}  // namespace

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

tl::expected<Config, std::vector<ConfigProblem>> load_config(const std::string& path,
                                                             const KnownFamily& known_family) {
  const Result<WholeText> text = read_file_or_pipe(path, kConfigBytesMax);
  if (!text) {
    const std::string detail = text.error().detail.substr(path.size() + 2);
    return tl::unexpected(std::vector<ConfigProblem>{{0, detail}});
  }
  auto config = parse_config(text->text, environment_variable, known_family);
  if (config) config->is_from_pipe = text->is_from_pipe;
  return config;
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

}  // namespace registry_exporter::config
