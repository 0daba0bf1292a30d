#include "exporter/config/secret_files.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "exporter/base/log.h"

namespace registry_exporter::config {
namespace {

/// Access keys are names, not secrets.
std::vector<SecretSource> secrets_of(const AcrCredentials& credentials) {
  const std::string token = credentials.oidc ? credentials.oidc->token_file : "";
  return {credentials.access_key_secret, credentials.security_token, {Secret(), token, false}};
}

std::vector<SecretSource> secrets_of(const SwrCredentials& credentials) {
  const std::string token = credentials.oidc ? credentials.oidc->token_file : "";
  return {credentials.secret_key,
          credentials.security_token,
          credentials.iam_user ? credentials.iam_user->password : SecretSource(),
          {Secret(), token, false}};
}

/// The mode that still lets this process read it.
std::string how_to_close(const std::string& file, const struct stat& status) {
  const bool ours = status.st_uid == ::geteuid() || status.st_gid == ::getegid();
  const group* const entry = ours ? nullptr : ::getgrgid(::getegid());
  if (entry == nullptr) return "chmod o= " + file;
  return std::string("chgrp ") + entry->gr_name + " " + file + " && chmod g+r,o= " + file;
}

}  // namespace

std::vector<std::string> secret_files(const Config& config, const std::string& config_file) {
  std::vector<std::string> files;
  const auto add = [&files](const std::string& file) {
    const bool known = std::find(files.begin(), files.end(), file) != files.end();
    if (!file.empty() && !known) files.push_back(file);
  };
  for (const RegistryConfig& registry : config.registries) {
    const std::vector<SecretSource> secrets =
        std::visit([](const auto& cloud) { return secrets_of(cloud.credentials); }, registry.cloud);
    for (const SecretSource& secret : secrets) {
      add(secret.file.empty() && secret.is_written_out ? config_file : secret.file);
    }
    add(registry.tls.key_file);
  }
  return files;
}

void warn_of_secret_files(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    if (file.empty()) continue;
    struct stat status {};
    const bool there = ::stat(file.c_str(), &status) == 0;
    if (!there || ::access(file.c_str(), R_OK) != 0) {
      log::warn("a secret can't be read", {{"file", file}, {"error", std::strerror(errno)}});
    } else if ((status.st_mode & S_IROTH) != 0) {
      log::warn("every user of this machine may read a secret",
                {{"file", file}, {"remedy", how_to_close(file, status)}});
    }
  }
}

}  // namespace registry_exporter::config
