// Shell: starts other programs.
#include "exporter/cloud/commands.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace registry_exporter::cloud {
namespace {

constexpr Millis kTimeout{60'000};
constexpr std::size_t kOutputBytesMax = 64UL * 1024;
/// How soon an abort is noticed, and the end of a program that closed its output.
constexpr int kStepMillis = 20;

tl::unexpected<Error> wrong(const std::string& what) {
  return fail(ErrorKind::invalid_config, what);
}

/// A child, with the end of the pipe that it prints into.
struct Child {
  pid_t pid = -1;
  int output = -1;
};

/// The descriptors of a child: what it prints into, and where it tells why it could not start.
struct Outlets {
  int output = -1;
  int report = -1;
};
constexpr int kReport = STDERR_FILENO + 1;

void set_descriptors(const Outlets& outlets) {
  dup2(outlets.output, STDOUT_FILENO);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(null, STDIN_FILENO);
  dup2(null, STDERR_FILENO);
  if (outlets.report != kReport) dup3(outlets.report, kReport, O_CLOEXEC);
  closefrom(kReport + 1);
}

/// As a program expects them: nothing of ours is ignored, caught or blocked.
void set_signals() {
  for (int signal = 1; signal <= SIGRTMAX; ++signal) std::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// In the child, where only what a signal handler may do may be done: other threads' locks are
/// held.
[[noreturn]] void become(char* const* words, const Outlets& outlets, pid_t parent) {
  // It ends with us, however we end. The kernel goes by the thread that started it, and that one
  // stays in run() until the program is over.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(EXIT_FAILURE);  // We ended before that was set.
  setpgid(0, 0);                                 // So that its children end with it.
  set_descriptors(outlets);
  set_signals();
  execvp(words[0], words);
  const int problem = errno;
  (void)!write(kReport, &problem, sizeof problem);
  _exit(EXIT_FAILURE);
}

/// 0: the program has started, which closed the pipe.
int problem_told(int report) {
  int problem = 0;
  while (read(report, &problem, sizeof problem) < 0 && errno == EINTR) {
  }
  return problem;
}

/// Our signal handlers never run in the child: signals wait until it has none.
pid_t fork_as(char* const* words, const Outlets& outlets) {
  const pid_t parent = getpid();
  sigset_t every, before;
  sigfillset(&every);
  pthread_sigmask(SIG_BLOCK, &every, &before);
  const pid_t pid = fork();
  if (pid == 0) become(words, outlets, parent);
  const int problem = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = problem;
  return pid;
}

Result<Child> start(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  int output[2], report[2];
  if (pipe2(output, O_CLOEXEC) != 0) return wrong(std::strerror(errno));
  if (pipe2(report, O_CLOEXEC) != 0) {
    const int problem = errno;
    for (const int end : output) close(end);
    return wrong(std::strerror(problem));
  }
  const Child child{fork_as(arguments.data(), {output[1], report[1]}), output[0]};
  int problem = child.pid < 0 ? errno : 0;
  close(output[1]);
  close(report[1]);
  if (child.pid > 0) problem = problem_told(report[0]);
  close(report[0]);
  if (problem == 0) return child;
  close(child.output);
  if (child.pid > 0) waitpid(child.pid, nullptr, 0);
  return fail(ErrorKind::invalid_config,
              problem == EACCES ? ErrorCause::program_denied : ErrorCause::program_missing,
              words.front() + ": it can't be started: " + std::strerror(problem));
}

/// True: there is no more to come.
Result<bool> read_some(int output, std::string& text) {
  pollfd wanted{output, POLLIN, 0};
  if (poll(&wanted, 1, kStepMillis) <= 0) return false;
  char bytes[4096];
  const ssize_t count = read(output, bytes, sizeof bytes);
  if (count < 0) return errno == EINTR ? Result<bool>(false) : wrong(std::strerror(errno));
  text.append(bytes, static_cast<std::size_t>(count));
  if (text.size() > kOutputBytesMax) return wrong("it prints more than 64 KiB");
  return count == 0;
}

/// nullopt: it runs still.
std::optional<Result<int>> status_of(pid_t pid) {
  int status = 0;
  const pid_t ended = waitpid(pid, &status, WNOHANG);
  if (ended == pid) return status;
  if (ended == 0 || errno == EINTR) return std::nullopt;
  return wrong(std::string("how it ended is not known: ") + std::strerror(errno));
}

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view command) {
  constexpr std::string_view kBlank = " \t\r\n\v\f";
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    const bool last = i + 1 == command.size();
    if (quote == 0 && kBlank.find(c) != std::string_view::npos) {
      in_word = false;
      continue;
    }
    const bool goes_on = c == '\\' && quote != '\'' && !last && command[i + 1] == '\n';
    if (goes_on) {
      ++i;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    const bool escapes =
        c == '\\' &&
        (quote == 0 || (quote == '"' && !last && std::strchr("\"\\$`", command[i + 1])));
    if (escapes) {
      if (last) return wrong("a backslash stands at its end");
      words.back() += command[++i];
    } else if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) return wrong("a quote is not closed");
  if (words.empty() || words.front().empty()) return wrong("it is empty");
  return words;
}

Result<Secret> Commands::run(std::string_view command) {
  const Result<std::vector<std::string>> words = split_command(command);
  if (!words) return tl::unexpected(words.error());
  if (aborted_) return fail(ErrorKind::canceled, "stopping");
  const Result<Child> child = start(*words);
  if (!child) return tl::unexpected(child.error());
  std::string text;
  const Result<int> status = watch(child->pid, child->output, text);
  close(child->output);
  if (!status) {
    kill(-child->pid, SIGKILL);
    waitpid(child->pid, nullptr, 0);
    return within(words->front(), status.error());
  }
  if (*status == 0) return Secret(std::move(text));
  return wrong(words->front() + ": it failed" +
               (WIFEXITED(*status) ? ", exit code " + std::to_string(WEXITSTATUS(*status)) : ""));
}

/// Until the program has ended, with all of what it prints.
Result<int> Commands::watch(int pid, int output, std::string& text) const {
  const SteadyTime deadline = clock_.steady_now() + kTimeout;
  for (bool over = false;;) {
    if (aborted_) return fail(ErrorKind::canceled, "stopping");
    if (clock_.steady_now() >= deadline) return fail(ErrorKind::timeout, "it ran for a minute");
    if (over) {
      if (const auto status = status_of(pid)) return *status;
      poll(nullptr, 0, kStepMillis);
      continue;
    }
    const Result<bool> read = read_some(output, text);
    if (!read) return tl::unexpected(read.error());
    over = *read;
  }
}

}  // namespace registry_exporter::cloud
