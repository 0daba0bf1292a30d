#include "exporter/base/log.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

using namespace registry_exporter;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) {
    ++times;
  }
  return times;
}

}  // namespace

TEST_CASE("log: lines that found no room are counted where the log goes on") {
  std::array<int, 2> ends{};
  std::array<int, 2> filled{};
  REQUIRE(pipe(ends.data()) == 0);
  REQUIRE(pipe(filled.data()) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    log::hold_nobody_up();
    for (int i = 0; i < 1000; ++i) log::info(std::string(1000, 'x'));
    [[maybe_unused]] const ssize_t told = ::write(filled[1], "x", 1);
    while (true) {
      log::info("goes on");
      usleep(10'000);
    }
  }
  close(ends[1]);
  char byte = 0;
  REQUIRE(::read(filled[0], &byte, 1) == 1);
  for (const int each : filled) close(each);
  std::string read;
  while (count(read, "msg=\"goes on\"") < 20) {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(ends[0], buffer.data(), buffer.size());
    REQUIRE(got > 0);
    read.append(buffer.data(), static_cast<std::size_t>(got));
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ends[0]);
  const std::string told = "msg=\"log lines were lost: stderr took none\" lines=";
  std::size_t lost = 0;
  for (std::size_t at = 0; (at = read.find(told, at)) != std::string::npos;) {
    at += told.size();
    lost += std::stoul(read.substr(at));
  }
  CHECK(count(read, "xxx\n") + lost >= 1000);
  CHECK(count(read, told) >= 1);
  CHECK(count(read, told) < 10);  // Not with each line: only short ones found room meanwhile.
}
