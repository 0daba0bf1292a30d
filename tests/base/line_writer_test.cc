#include "exporter/base/line_writer.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>

#include "exporter/base/runtime.h"

using namespace registry_exporter;

namespace {

struct Pipe {
  std::array<int, 2> ends{};
  LineWriter writer{open_pipe(ends), system_runtime().clock};

  static int open_pipe(std::array<int, 2>& ends) {
    REQUIRE(pipe(ends.data()) == 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return ends[1];
  }
  ~Pipe() {
    for (const int each : ends) close(each);
  }
  std::string read_all() {
    std::string all;
    std::array<char, 65536> buffer{};
    ssize_t got = 0;
    while ((got = read(ends[0], buffer.data(), buffer.size())) > 0) {
      all.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return all;
  }
};

}  // namespace

TEST_CASE("line writer: whole lines, in order") {
  Pipe pipe;
  CHECK(pipe.writer.write("one"));
  CHECK(pipe.writer.write(""));
  CHECK(pipe.writer.write("three"));
  CHECK(pipe.read_all() == "one\n\nthree\n");
}

TEST_CASE("line writer: a pipe that nobody reads loses lines and holds nobody up") {
  Pipe pipe;
  const std::string line(1000, 'x');
  int written = 0;
  while (pipe.writer.write(line)) ++written;  // Would block for ever.
  CHECK(written > 10);
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(pipe.writer.write(line));
  const std::string read = pipe.read_all();
  CHECK(read.size() == static_cast<std::size_t>(written) * (line.size() + 1));
  CHECK(pipe.writer.write("again"));
  CHECK(pipe.read_all() == "again\n");
}

TEST_CASE("line writer: what comes after a torn line begins a line of its own") {
  Pipe pipe;
  const int size = fcntl(pipe.ends[1], F_GETPIPE_SZ);
  CHECK_FALSE(pipe.writer.write(std::string(static_cast<std::size_t>(2 * size), 'x')));
  CHECK_FALSE(pipe.writer.write("lost"));
  const std::string torn = pipe.read_all();
  CHECK(torn == std::string(torn.size(), 'x'));
  CHECK(pipe.writer.write("whole"));
  CHECK(pipe.writer.write("next"));
  CHECK(pipe.read_all() == "\nwhole\nnext\n");
}

TEST_CASE("line writer: a descriptor that is closed is an error, not a wait") {
  LineWriter writer(-1, system_runtime().clock);
  CHECK_FALSE(writer.write("nobody"));
}
