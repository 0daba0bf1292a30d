#include "exporter/config/secret_files.h"

#include <algorithm>

#include "exporter/base/files.h"
#include "exporter/base/log.h"

namespace registry_exporter {
namespace {

/// Access keys are names, not secrets.
std::vector<std::string> secret_files(const AcrCredentials& credentials) {
  return {credentials.access_key_secret.file, credentials.security_token.file,
          credentials.oidc ? credentials.oidc->token_file : ""};
}

std::vector<std::string> secret_files(const SwrCredentials& credentials) {
  return {credentials.secret_key.file, credentials.security_token.file,
          credentials.iam_user ? credentials.iam_user->password.file : "",
          credentials.oidc ? credentials.oidc->token_file : ""};
}

}  // namespace

std::vector<std::string> exposed_secret_files(const Config& config) {
  std::vector<std::string> exposed;
  for (const RegistryConfig& registry : config.registries) {
    std::vector<std::string> files = std::visit(
        [](const auto& cloud) { return secret_files(cloud.credentials); }, registry.cloud);
    files.push_back(registry.tls.key_file);
    for (const std::string& file : files) {
      const bool told = std::find(exposed.begin(), exposed.end(), file) != exposed.end();
      if (!told && !file.empty() && readable_by_all(file)) exposed.push_back(file);
    }
  }
  return exposed;
}

void warn_of_exposed(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    if (file.empty() || !readable_by_all(file)) continue;
    log::warn("every user of this machine may read a secret: chmod o= would end that",
              {{"file", file}});
  }
}

}  // namespace registry_exporter
