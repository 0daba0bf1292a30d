// Shell: starts other programs.
#include "exporter/cloud/commands.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>

namespace registry_exporter {
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

/// A group of its own, so that its children end with it; signals as a program expects them.
void set_up(posix_spawnattr_t& attributes) {
  sigset_t none, standard;
  sigemptyset(&none);
  sigemptyset(&standard);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGXFSZ}) sigaddset(&standard, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &standard);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

Result<Child> start(const std::vector<std::string>& words) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return wrong(std::strerror(errno));
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  set_up(attributes);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  Child child{-1, ends[0]};
  const int problem =
      posix_spawnp(&child.pid, arguments[0], &files, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  close(ends[1]);
  if (problem == 0) return child;
  close(ends[0]);
  return wrong(words.front() + ": " + std::strerror(problem));
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
std::optional<int> status_of(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, WNOHANG) == 0) return std::nullopt;
  return status;
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

}  // namespace registry_exporter
