// Shell: signals.
#include "exporter/base/last_words.h"

#include <unistd.h>

#include <csignal>

namespace registry_exporter {
namespace {

constexpr unsigned kSeconds = 2;

void end(int) { ::_exit(1); }

}  // namespace

void limit_last_words() {
  std::signal(SIGALRM, end);
  sigset_t alarm_alone;
  sigemptyset(&alarm_alone);
  sigaddset(&alarm_alone, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &alarm_alone, nullptr);
  ::alarm(kSeconds);
}

}  // namespace registry_exporter
