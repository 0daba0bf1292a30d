#include "exporter/cloud/commands.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "tests/support/fake_runtime.h"

namespace registry_exporter::cloud {
namespace {

std::string words(std::string_view command) {
  const auto split = split_command(command);
  if (!split) return "error: " + split.error().detail;
  std::string text;
  for (const std::string& word : *split) text += "<" + word + ">";
  return text;
}

std::string printed(Commands& commands, std::string_view command) {
  const Result<Secret> output = commands.run(command);
  return output ? output->reveal() : "error: " + output.error().detail;
}

/// Whether a process has this among its arguments.
bool runs(const std::string& mark) {
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(process.path() / "cmdline");
    const std::string words{std::istreambuf_iterator<char>(file), {}};
    if (words.find(mark) != std::string::npos) return true;
  }
  return false;
}

// Source: Python's shlex; npm @alicloud/credentials 2.4.7, utils/command.js.
TEST_CASE("commands: words as POSIX takes them apart, and nothing expanded") {
  struct Row {
    const char* command;
    const char* words;
  };
  const Row rows[] = {
      {"a b  c", "<a><b><c>"},
      {"  a\t\nb ", "<a><b>"},
      {"a 'b c' \"d e\"", "<a><b c><d e>"},
      {"a'b'\"c\"d", "<abcd>"},
      {"a '' b", "<a><><b>"},
      {"a b\\ c", "<a><b c>"},
      {"a 'b\\c'", "<a><b\\c>"},
      {R"(a "b\\c\"d\$e\`f\g")", "<a><b\\c\"d$e`f\\g>"},
      {"a b\\\nc", "<a><bc>"},
      {"a $HOME $(id) ; * | x > y", "<a><$HOME><$(id)><;><*><|><x><>><y>"},
      {"", "error: it is empty"},
      {"  ", "error: it is empty"},
      {"'' a", "error: it is empty"},
      {"a 'b", "error: a quote is not closed"},
      {"a \"b", "error: a quote is not closed"},
      {"a b\\", "error: a backslash stands at its end"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.command);
    CHECK(words(row.command) == row.words);
  }
}

TEST_CASE("commands: what a program prints, or why there is nothing") {
  Runtime runtime = system_runtime();
  Commands commands(runtime.clock);
  CHECK(printed(commands, "printf '%s-%s' a 'b c'") == "a-b c");
  CHECK(printed(commands, "sh -c 'cat; echo secret >&2; echo out'") == "out\n");
  CHECK(printed(commands, "sh -c 'echo canary; exit 3'") == "error: sh: it failed, exit code 3");
  CHECK(printed(commands, "sh -c 'kill -9 $$'") == "error: sh: it failed");
  CHECK(printed(commands, "/nowhere/keys") ==
        "error: /nowhere/keys: it can't be started: No such file or directory");
  CHECK(printed(commands, "/dev/null") ==
        "error: /dev/null: it can't be started: Permission denied");
  CHECK(printed(commands, "yes") == "error: yes: it prints more than 64 KiB");
  CHECK(printed(commands, "sh -c 'exec >&-; sleep 0.2'").empty());
  // None of ours: 0 to 2, and what ls opens itself.
  const int ours = fcntl(STDIN_FILENO, F_DUPFD, 50);
  CHECK(printed(commands, "ls /proc/self/fd") == "0\n1\n2\n3\n");
  close(ours);
}

TEST_CASE("commands: one that runs for ever ends with its children, by time or by us") {
  const std::string mark = "1000." + std::to_string(getpid());
  const std::string forever = "sh -c 'sleep " + mark + " & wait'";
  FakeRuntime fake;
  Runtime runtime = fake.runtime();
  {
    Commands commands(runtime.clock);
    std::jthread clock([&](const std::stop_token& stop) {
      for (int step = 0; step < 600 && !stop.stop_requested(); ++step) {
        std::this_thread::sleep_for(Millis(20));
        fake.advance(std::chrono::seconds(20));
      }
      commands.abort();  // Nothing, unless it still runs after more than three hours.
    });
    CHECK(printed(commands, forever) == "error: sh: it ran for a minute");
  }
  Commands commands(runtime.clock);
  std::jthread stopper([&] {
    std::this_thread::sleep_for(Millis(50));
    commands.abort();
  });
  CHECK(commands.run(forever).error().kind == ErrorKind::canceled);
  CHECK(commands.run("true").error().kind == ErrorKind::canceled);
  for (int tries = 0; tries < 500 && runs(mark); ++tries) std::this_thread::sleep_for(Millis(20));
  CHECK_FALSE(runs(mark));
}

TEST_CASE("commands: where nobody can tell how a program ended, it failed") {
  Runtime runtime = system_runtime();
  Commands commands(runtime.clock);
  std::signal(SIGCHLD, SIG_IGN);  // The system forgets children at once.
  const std::string given = printed(commands, "sh -c 'echo canary; exit 3'");
  std::signal(SIGCHLD, SIG_DFL);
  CHECK(given == "error: sh: how it ended is not known: No child processes");
}

TEST_CASE("commands: a program expects signals as it always does, whatever was set here") {
  Runtime runtime = system_runtime();
  Commands commands(runtime.clock);
  std::signal(SIGUSR1, SIG_IGN);
  sigset_t some, before;
  sigemptyset(&some);
  sigaddset(&some, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &some, &before);
  const std::string given = printed(commands, "grep -E '^Sig(Ign|Blk)' /proc/self/status");
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, &before, &after);
  std::signal(SIGUSR1, SIG_DFL);
  CHECK(given == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  CHECK(sigismember(&after, SIGTERM) == 1);
  CHECK(sigismember(&after, SIGINT) == 0);
}

TEST_CASE("commands: a program ends with the process that started it, however that ends") {
  const std::string mark = "30." + std::to_string(getpid());
  const auto comes_to = [&](bool wanted) {
    for (int tries = 0; tries < 500 && runs(mark) != wanted; ++tries) {
      std::this_thread::sleep_for(Millis(20));
    }
    return runs(mark) == wanted;
  };
  const pid_t parent = fork();
  if (parent == 0) {
    Runtime runtime = system_runtime();
    Commands commands(runtime.clock);
    (void)commands.run("sleep " + mark);
    _exit(0);
  }
  const bool was_there = comes_to(true);
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  CHECK(was_there);
  CHECK(comes_to(false));
}

}  // namespace
}  // namespace registry_exporter::cloud
