#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "exporter/app.h"
#include "exporter/clouds.h"

namespace {

using namespace registry_exporter;

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
  return App(system_runtime(), *command_line.options, real_clouds()).run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "registry_exporter: %s\n", error.what());
    return 1;
  }
}
