// libFuzzer's entrance; FUZZ_TARGET says which target it feeds.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/fuzz/target.h"

namespace {

using registry_exporter::fuzz::Target;

Target chosen{};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* name = std::getenv("FUZZ_TARGET");
  for (const Target& target : registry_exporter::fuzz::targets()) {
    if (name == nullptr) std::puts(target.name);
    if (name != nullptr && std::string(name) == target.name) chosen = target;
  }
  if (chosen.run == nullptr) std::exit(name == nullptr ? 0 : 2);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen.run({reinterpret_cast<const char*>(data), size});
  return 0;
}
