// Shell: looks at owners and modes.
#include "exporter/store/access.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

namespace registry_exporter::store {
namespace {

constexpr mode_t kModeBits = 07777;

/// "prometheus (999)", or the bare number.
std::string user(uid_t id) {
  const std::string number = std::to_string(id);
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  ::getpwuid_r(id, &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? "user " + number : std::string(found->pw_name) + " (" + number + ")";
}

bool may(const std::string& path, int what) {
  return ::faccessat(AT_FDCWD, path.c_str(), what, AT_EACCESS) == 0;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// Every folder on the way, from the root or from where we are.
std::vector<std::string> folders_of(const std::string& path) {
  std::vector<std::string> folders{path.front() == '/' ? "/" : "."};
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    folders.push_back(path.substr(0, at));
  }
  return folders;
}

/// The first thing on the way that we may not use as we have to. `was_denied`: one there is.
std::optional<std::string> obstacle(const std::string& path, bool was_denied) {
  for (const std::string& folder : folders_of(path)) {
    if (!may(folder, X_OK)) return folder;
  }
  struct stat status {};
  const bool there = ::stat(path.c_str(), &status) == 0;
  if (there && !may(path, R_OK | W_OK)) return path;
  // SQLite keeps its log beside the state.
  if (!may(folder_of(path), W_OK)) return folder_of(path);
  // In a folder such as /tmp the system guards files of others from O_CREAT, whatever their mode.
  if (was_denied && there && status.st_uid != ::geteuid()) return path;
  return std::nullopt;
}

/// A folder of others may be the system's, as /etc is: nobody should give that away.
const char* remedy_for(const struct stat& status) {
  if (status.st_uid == ::geteuid()) return "chmod u+rwX it";
  if (S_ISDIR(status.st_mode)) {
    return "give the state a folder of its own that belongs to this process's user (--state.path)";
  }
  return "chown it to this process's user, or run as its owner";
}

std::string tell_of_obstacle(const std::string& path, bool was_denied) {
  if (path.empty()) return {};
  const auto found = obstacle(path, was_denied);
  struct stat status {};
  if (!found || ::stat(found->c_str(), &status) != 0) return {};
  std::array<char, 8> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o",
                static_cast<unsigned>(status.st_mode & kModeBits));
  return *found + " belongs to " + user(status.st_uid) + ", mode " + mode.data() +
         ", this process is " + user(::geteuid()) + ": " + remedy_for(status);
}

}  // namespace

std::string what_is_in_the_way(const std::string& path) { return tell_of_obstacle(path, false); }

std::string why_refused(const std::string& path, int error, const std::string& remedy) {
  const bool denied = error == EACCES || error == EPERM;
  const std::string obstacle = denied ? tell_of_obstacle(path, true) : "";
  return std::string(std::strerror(error)) + "; " + (obstacle.empty() ? remedy : obstacle);
}

}  // namespace registry_exporter::store
