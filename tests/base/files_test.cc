#include "exporter/base/files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/support/temporary_folder.h"

using namespace registry_exporter;

namespace {

/// A pipe that somebody fills and may leave.
struct FilledPipe {
  explicit FilledPipe(const std::string& text) {
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  ~FilledPipe() {
    leave();
    ::close(ends[0]);
  }
  FilledPipe(const FilledPipe&) = delete;
  FilledPipe& operator=(const FilledPipe&) = delete;

  void leave() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
  std::string path() const { return "/dev/fd/" + std::to_string(ends[0]); }

  int ends[2] = {-1, -1};
};

}  // namespace

TEST_CASE("files: a pipe is read to its end, once; a file is a file") {
  const TemporaryFolder folder;
  const auto file = read_file_or_pipe(folder.write("file", "text"), 100);
  REQUIRE(file);
  CHECK(file->text == "text");
  CHECK_FALSE(file->is_from_pipe);
  for (const std::string text : {"", "text", "lines\nof text\n"}) {
    FilledPipe pipe(text);
    pipe.leave();
    const auto read = read_file_or_pipe(pipe.path(), 100);
    REQUIRE(read);
    CHECK(read->text == text);
    CHECK(read->is_from_pipe);
    CHECK(read_file_or_pipe(pipe.path(), 100)->text == "");
  }
}

TEST_CASE("files: what comes through a pipe in pieces, or before its writer, is one text") {
  const TemporaryFolder folder;
  const std::string path = folder.file("fifo");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::thread writer([&] {
    for (int round = 0; round < 2; ++round)
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
    const int end = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    for (const char* piece : {"one ", "two ", "three"}) {
      (void)!::write(end, piece, std::string_view(piece).size());
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
    }
    ::close(end);
  });
  const auto read = read_file_or_pipe(path, 100);
  writer.join();
  REQUIRE(read);
  CHECK(read->text == "one two three");
}

TEST_CASE("files: a pipe has the limit of a file, also when its writer would go on for ever") {
  FilledPipe fits(std::string(100, 'x'));
  fits.leave();
  CHECK(read_file_or_pipe(fits.path(), 100));
  const FilledPipe huge(std::string(101, 'x'));
  const auto read = read_file_or_pipe(huge.path(), 100);
  REQUIRE_FALSE(read);
  CHECK(read.error().detail == huge.path() + ": larger than 100 bytes");
}

TEST_CASE("files: where a file is asked for a pipe is refused, where either is a device is") {
  const FilledPipe pipe("s3cret");
  CHECK(read_file(pipe.path(), 100).error().detail == pipe.path() + ": not a regular file");
  for (const std::string path : {"/dev/null", "/dev/zero", "/"}) {
    CHECK(read_file_or_pipe(path, 100).error().detail == path + ": not a regular file or a pipe");
  }
}

TEST_CASE("files: what is not there is told from what can't be read") {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "12345");
  std::filesystem::create_directory(folder.file("folder"));
  std::filesystem::create_symlink(folder.file("loop"), folder.file("loop"));
  const auto cause = [](const std::string& path) {
    const auto text = read_file(path, 4);
    REQUIRE_FALSE(text);
    return text.error().cause;
  };
  CHECK(cause(folder.file("nothing")) == ErrorCause::file_missing);
  CHECK(cause(file + "/below") == ErrorCause::file_missing);
  CHECK(cause(folder.file("folder")) == ErrorCause::unknown);
  CHECK(cause(folder.file("loop")) == ErrorCause::unknown);
  CHECK(cause(file) == ErrorCause::unknown);  // Too large.
}

TEST_CASE("files: a limit far above the file's size, and files that tell no size") {
  const TemporaryFolder folder;
  const std::string text(200'000, 'x');
  CHECK(read_file(folder.write("file", text), 1 << 20) == text);
  CHECK(read_file(folder.write("exact", text), text.size()) == text);
  CHECK_FALSE(read_file(folder.write("more", text), text.size() - 1));
  const auto status = read_file("/proc/self/status", 1 << 20);
  REQUIRE(status);
  CHECK(status->find("VmSize") != std::string::npos);
}
