#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "exporter/app.h"
#include "exporter/base/inherited.h"
#include "exporter/base/out_of_memory.h"
#include "exporter/clouds.h"
#include "revision.h"

namespace {

using namespace registry_exporter;

/// There are secrets in this process: it leaves no core, and others of its user can't look into it.
/// Where that can't be had, it runs all the same.
void keep_memory_private() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__  // Its search for leaks looks from outside.
  prctl(PR_SET_DUMPABLE, 0);
#endif
}

/// A huge body goes back to the system when it is done with. Left alone, malloc learns from the
/// first one to keep such pieces, in each of its arenas.
void keep_no_large_pieces() { mallopt(M_MMAP_THRESHOLD, 1 << 20); }

int run(int argc, char** argv) {
  char host[256] = {};
  const char* pod = std::getenv("POD_NAME");
  if (pod == nullptr && gethostname(host, sizeof host - 1) == 0) pod = host;
  const CommandLine command_line =
      parse_command_line({argv + 1, argv + argc}, pod == nullptr ? "" : pod);
  if (!command_line.options) {
    std::fputs(command_line.text.c_str(), command_line.exit_code == 0 ? stdout : stderr);
    return command_line.exit_code;
  }
  Options options = *command_line.options;
  options.revision = REGISTRY_EXPORTER_REVISION;
  if (const char* socket = std::getenv("NOTIFY_SOCKET")) options.notify_socket = socket;
  return App(system_runtime(), std::move(options), real_clouds()).run();
}

/// Exits non-zero if stdout did not get the whole output.
int unless_stdout_failed(int exit_code) {
  const std::optional<std::string> problem = stdout_problem();
  if (!problem) return exit_code;
  std::fprintf(stderr, "registry_exporter: stdout can't be written: %s\n", problem->c_str());
  return exit_code == 0 ? 1 : exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  mend_what_was_inherited();  // Before anything else opens a file.
  keep_memory_private();
  keep_no_large_pieces();
  end_when_out_of_memory();
  try {
    return unless_stdout_failed(run(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "registry_exporter: %s\n", error.what());
    return 1;
  }
}
