#include "exporter/base/line_queue.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>

#include "exporter/base/check.h"
#include "tests/support/fake_runtime.h"

using namespace registry_exporter;

namespace {

/// A queue whose lines come out at the other end of a pipe, socket or terminal.
struct Ends {
  std::array<int, 2> ends{};  // To read, to write.
  std::optional<LineQueue> queue;

  Ends() { std::signal(SIGPIPE, SIG_IGN); }
  ~Ends() {
    close(ends[0]);  // Whatever is blocked fails now.
    queue.reset();
    close(ends[1]);
  }
  LineQueue& start() { return queue.emplace(ends[1], system_runtime()); }
  /// Less if a second passes without any.
  std::string read_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    std::size_t filled = 0;
    pollfd polled{ends[0], POLLIN, 0};
    while (filled < count && poll(&polled, 1, 1000) == 1) {
      const ssize_t got = read(ends[0], bytes.data() + filled, count - filled);
      if (got <= 0) break;
      filled += static_cast<std::size_t>(got);
    }
    bytes.resize(filled);
    return bytes;
  }
};

struct Pipe : Ends {
  Pipe() { REQUIRE(pipe(ends.data()) == 0); }
};
struct Socket : Ends {
  Socket() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0); }
};
struct Terminal : Ends {
  Terminal() { REQUIRE(openpty(ends.data(), &ends[1], nullptr, nullptr, nullptr) == 0); }
};

/// The writer never gets its turn.
class NoWriter final : public Threads {
 public:
  explicit NoWriter(Threads& threads) : threads_(threads) {}
  std::unique_ptr<Waiter> make_waiter() override { return threads_.make_waiter(); }
  std::unique_ptr<Thread> start(std::string, std::function<void()>) override { return nullptr; }

 private:
  Threads& threads_;
};

/// How many lines were accepted until one was lost.
int fill(LineQueue& queue, const std::string& line) {
  const auto begun = std::chrono::steady_clock::now();
  int accepted = 0;
  while (queue.write(line)) ++accepted;
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(queue.write(line));
  // A wait for each of them would take minutes.
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(20));
  return accepted;
}

}  // namespace

TEST_CASE("line queue: whole lines, in order, written when it returns") {
  Pipe pipe;
  LineQueue& queue = pipe.start();
  CHECK(queue.write("one"));
  CHECK(queue.write(""));
  CHECK(queue.write("three"));
  fcntl(pipe.ends[0], F_SETFL, O_NONBLOCK);  // It is there already.
  CHECK(pipe.read_bytes(11) == "one\n\nthree\n");
}

TEST_CASE_TEMPLATE("line queue: where nobody reads lines are lost, and nobody waits", Kind, Pipe,
                   Socket, Terminal) {
  Kind kind;
  LineQueue& queue = kind.start();
  CHECK(fill(queue, std::string(1000, 'x')) > 100);
}

TEST_CASE("line queue: callers wait 200 ms at once, and a fiftieth of the time") {
  FakeRuntime fake;
  const Runtime runtime = fake.runtime();
  NoWriter threads(runtime.threads);
  LineQueue queue(STDERR_FILENO, {runtime.clock, threads, runtime.entropy});
  const auto wait_after = [&](Millis pause) {
    fake.advance(pause);
    const SteadyTime begun = fake.now();
    CHECK(queue.write("line"));
    return std::chrono::duration_cast<Millis>(fake.now() - begun).count();
  };
  CHECK(wait_after(Millis{0}) == 200);
  CHECK(wait_after(Millis{0}) == 0);
  CHECK(wait_after(Millis{5'000}) == 100);
  CHECK(wait_after(Millis{1'000}) == 20);
  CHECK(wait_after(Millis{3'600'000}) == 200);
}

TEST_CASE("line queue: what was accepted arrives when somebody reads again") {
  Pipe pipe;
  SUBCASE("where writing blocks") {}
  SUBCASE("where it does not block") { fcntl(pipe.ends[1], F_SETFL, O_NONBLOCK); }
  LineQueue& queue = pipe.start();
  const std::string line(1000, 'x');
  const auto accepted = static_cast<std::size_t>(fill(queue, line));
  REQUIRE(accepted > 100);
  std::string expected;
  for (std::size_t i = 0; i < accepted; ++i) expected += line + '\n';
  CHECK(pipe.read_bytes(expected.size()) == expected);
  CHECK(queue.write("again"));
  CHECK(pipe.read_bytes(6) == "again\n");
}

TEST_CASE("last words: a process that has to end does, though nobody reads stderr") {
  Pipe pipe;
  fcntl(pipe.ends[1], F_SETFL, O_NONBLOCK);
  const std::string much(65536, 'x');
  while (::write(pipe.ends[1], much.data(), much.size()) > 0) {
  }
  fcntl(pipe.ends[1], F_SETFL, 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(pipe.ends[1], STDERR_FILENO);
    check_failed("rule", "file", 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
}
