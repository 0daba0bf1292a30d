#include "exporter/base/out_of_memory.h"

#include <openssl/crypto.h>
#include <unistd.h>

#include <cstdlib>
#include <new>
#include <string_view>

namespace registry_exporter {
namespace {

void end() {
  constexpr std::string_view kWords = "registry_exporter: out of memory; ending, start it again\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kWords.data(), kWords.size());
  std::_Exit(1);
}

// The place that OpenSSL names is of no use here.

void* allocate(std::size_t bytes, const char*, int) {
  if (bytes == 0) return nullptr;
  void* const memory = std::malloc(bytes);
  if (memory == nullptr) end();
  return memory;
}

void release(void* memory, const char*, int) { std::free(memory); }

void* reallocate(void* before, std::size_t bytes, const char* file, int line) {
  if (bytes == 0) {
    release(before, file, line);
    return nullptr;
  }
  void* const memory = std::realloc(before, bytes);
  if (memory == nullptr) end();
  return memory;
}

}  // namespace

void end_when_out_of_memory() {
  std::set_new_handler(end);
  CRYPTO_set_mem_functions(allocate, reallocate, release);
}

}  // namespace registry_exporter
