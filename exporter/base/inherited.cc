// Shell: descriptors, signals, umask.
#include "exporter/base/inherited.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace registry_exporter {
namespace {

constexpr mode_t kOthersBits = 077;

/// Opened the other way round, as libc does for privileged programs: using it fails as it would on
/// a closed descriptor. What goes to stderr is lost without an error.
int wrong_way_of(int descriptor) { return descriptor == STDOUT_FILENO ? O_RDONLY : O_WRONLY; }

void fill_closed_descriptors() {
  for (const int each : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(each, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest that is free is the one: those below are taken.
    const int opened = ::open("/dev/null", wrong_way_of(each));
    if (opened != each) std::_Exit(EXIT_FAILURE);  // Nobody could be told.
  }
}

void expect_signals() {
  for (const int each : {SIGPIPE, SIGXFSZ}) std::signal(each, SIG_IGN);
  for (const int each : {SIGTERM, SIGCHLD}) std::signal(each, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

void mend_what_was_inherited() {
  fill_closed_descriptors();
  expect_signals();
  ::umask(kOthersBits);
}

std::optional<std::string> stdout_problem() {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  if (flushed && std::ferror(stdout) == 0) return std::nullopt;
  return errno == 0 ? "it could not be written" : std::strerror(errno);
}

}  // namespace registry_exporter
