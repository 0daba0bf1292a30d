#include "exporter/base/inherited.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <functional>
#include <string>

#include "tests/support/temporary_folder.h"

using namespace registry_exporter;

namespace {

/// Runs it in a process of its own, which may have no descriptors to tell by; 0: all was right,
/// else the number of what was wrong, or minus the signal that ended it.
int in_a_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool is_null_device(int descriptor) {
  struct stat status {};
  struct stat null {};
  return ::fstat(descriptor, &status) == 0 && ::stat("/dev/null", &null) == 0 &&
         status.st_rdev == null.st_rdev;
}

}  // namespace

TEST_CASE("inherited: /dev/null stands on closed descriptors, in any combination, and no others") {
  for (int closed = 0; closed < 8; ++closed) {
    CAPTURE(closed);
    const TemporaryFolder folder;
    const std::string path = folder.write("not null", "");
    const int wrong = in_a_child([&] {
      const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
      for (int each = 0; each < 3; ++each) ::dup2(file, each);
      for (int each = 0; each < 3; ++each) {
        if ((closed >> each & 1) != 0) ::close(each);
      }
      mend_what_was_inherited();
      for (int each = 0; each < 3; ++each) {
        if (is_null_device(each) != ((closed >> each & 1) != 0)) return 1;
      }
      const bool stdout_closed = (closed & 2) != 0;
      std::fputs("something", stdout);
      if (stdout_problem().has_value() != stdout_closed) return 2;
      const bool stderr_takes = ::write(STDERR_FILENO, "x", 1) == 1;
      return stderr_takes ? 0 : 3;
    });
    CHECK(wrong == 0);
  }
}

TEST_CASE("inherited: an error comes where the kernel would send a signal") {
  const TemporaryFolder folder;
  const std::string path = folder.write("small", "");
  const int wrong = in_a_child([&] {
    std::signal(SIGXFSZ, SIG_DFL);
    std::signal(SIGPIPE, SIG_DFL);
    mend_what_was_inherited();
    const rlimit four{4, 4};
    ::setrlimit(RLIMIT_FSIZE, &four);
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (::write(file, "1234", 4) != 4) return 1;
    if (::write(file, "5", 1) != -1 || errno != EFBIG) return 2;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return 3;
    ::close(ends[0]);
    return ::write(ends[1], "x", 1) == -1 && errno == EPIPE ? 0 : 4;
  });
  CHECK(wrong == 0);
}

TEST_CASE("inherited: a blocked or ignored SIGTERM ends the process all the same") {
  for (const bool blocked : {false, true}) {
    CAPTURE(blocked);
    const int wrong = in_a_child([&] {
      sigset_t every;
      sigfillset(&every);
      if (blocked) {
        ::sigprocmask(SIG_BLOCK, &every, nullptr);
      } else {
        std::signal(SIGTERM, SIG_IGN);
      }
      mend_what_was_inherited();
      std::raise(SIGTERM);
      return 1;
    });
    CHECK(wrong == -SIGTERM);
  }
}

TEST_CASE("inherited: where a parent ignores SIGCHLD, it is known all the same how a child ends") {
  const int wrong = in_a_child([] {
    std::signal(SIGCHLD, SIG_IGN);
    mend_what_was_inherited();
    return in_a_child([] { return 7; }) == 7 ? 0 : 1;
  });
  CHECK(wrong == 0);
}

TEST_CASE("inherited: files are the owner's to use, and nobody else's, whatever the umask") {
  for (const mode_t mask : {0U, 022U, 0777U}) {
    CAPTURE(mask);
    const TemporaryFolder folder;
    const std::string path = folder.file("new");
    const int wrong = in_a_child([&] {
      ::umask(mask);
      mend_what_was_inherited();
      ::close(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
      struct stat status {};
      return ::stat(path.c_str(), &status) == 0 && (status.st_mode & 0777) == 0600 ? 0 : 1;
    });
    CHECK(wrong == 0);
  }
}
