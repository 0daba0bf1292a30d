#include "exporter/store/access.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <string>

#include "tests/support/temporary_folder.h"

using namespace registry_exporter;
using namespace registry_exporter::store;

namespace {

constexpr uid_t kOther = 54321;

/// What a process without root's rights is told.
std::string told_to_another(const std::function<std::string()>& tell) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setgid(kOther) != 0 || ::setuid(kOther) != 0)) ::_exit(1);
    const std::string text = tell();
    (void)!::write(ends[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text(4096, '\0');
  const ssize_t size = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return text;
}

}  // namespace

TEST_CASE("access: the first thing in the way is named, with its owner and ours") {
  const TemporaryFolder folder;
  ::chmod(folder.path().c_str(), 0777);
  std::filesystem::create_directories(folder.file("one/two"));
  const std::string state = folder.write("one/two/state.db", "x");
  struct Row {
    const char* name;
    std::string closed;
    mode_t mode;
    std::string path;
  };
  const Row rows[] = {
      {"the file", state, 0, state},
      {"the file may only be read", state, 0444, state},
      {"its folder", folder.file("one/two"), 0, state},
      {"its folder may not be written", folder.file("one/two"), 0555, state},
      {"a folder above", folder.file("one"), 0, state},
      {"the folder of what isn't there yet", folder.file("one/two"), 0555,
       folder.file("one/two/new.db")},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    for (const std::string& each : {folder.file("one"), folder.file("one/two"), state}) {
      ::chmod(each.c_str(), 0777);
    }
    const auto tell = [&] { return what_is_in_the_way(row.path); };
    CHECK(told_to_another(tell) == "");
    ::chmod(row.closed.c_str(), row.mode);
    const std::string told = told_to_another(tell);
    CAPTURE(told);
    CHECK(told.starts_with(row.closed + " belongs to "));
    CHECK(told.find("(" + std::to_string(::geteuid()) + "), mode 0") != std::string::npos);
    CHECK(told.find(", this process is ") != std::string::npos);
    if (::geteuid() == 0) {
      const bool is_folder = row.closed != state;
      const char* remedy =
          is_folder ? "user 54321: give the state a folder of its own" : "user 54321: chown it";
      CHECK(told.find(remedy) != std::string::npos);
      CHECK(is_folder == (told.find("chown it") == std::string::npos));
    }
    ::chmod(row.closed.c_str(), 0777);
  }
}

TEST_CASE("access: nobody is told to give away a folder of the system") {
  for (const char* path : {"/state.db", "/etc/state.db", "/usr/lib/state.db"}) {
    CAPTURE(path);
    const std::string told = told_to_another([&] { return what_is_in_the_way(path); });
    CHECK(told.find("belongs to root (0)") != std::string::npos);
    CHECK(told.find("give the state a folder of its own") != std::string::npos);
    CHECK(told.find("--state.path") != std::string::npos);
    CHECK(told.find("chown it") == std::string::npos);
  }
}

TEST_CASE("access: an error that is no denial keeps its own remedy") {
  CHECK(why_refused("/nowhere/x", ENOENT, "do this") == "No such file or directory; do this");
  CHECK(why_refused("/", EROFS, "do this") == "Read-only file system; do this");
}

TEST_CASE("access: a file of another that only the folder's rules deny is named all the same") {
  const TemporaryFolder folder;
  const std::string file = folder.write("state.db", "x");
  if (::chown(file.c_str(), kOther, kOther) != 0) return;  // Only root gives away.
  const std::string told = why_refused(file, EACCES, "do this");
  CHECK(told.find(file + " belongs to user 54321") != std::string::npos);
  CHECK(what_is_in_the_way(file) == "");
}
