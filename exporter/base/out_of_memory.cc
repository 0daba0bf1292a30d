#include "exporter/base/out_of_memory.h"

#include <openssl/crypto.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

#include "exporter/base/last_words.h"

namespace registry_exporter {
namespace {

[[noreturn]] void end() {
  constexpr std::string_view kWords = "registry_exporter: out of memory; exiting, restart it\n";
  limit_last_words();
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kWords.data(), kWords.size());
  std::_Exit(1);
}

template <class Pointer>
Pointer need(Pointer memory) {
  if (memory == nullptr) end();
  return memory;
}

// OpenSSL asks for nothing at times, and names the place.

void* allocate_for_openssl(std::size_t bytes, const char*, int) {
  return bytes == 0 ? nullptr : or_end::allocate(bytes);
}

void* reallocate_for_openssl(void* before, std::size_t bytes, const char*, int) {
  if (bytes > 0) return or_end::reallocate(before, bytes);
  std::free(before);
  return nullptr;
}

void release_for_openssl(void* memory, const char*, int) { std::free(memory); }

}  // namespace

namespace or_end {

void* allocate(std::size_t bytes) { return need(std::malloc(bytes)); }
void* allocate_zeros(std::size_t count, std::size_t bytes) {
  return need(std::calloc(count, bytes));
}
void* reallocate(void* before, std::size_t bytes) { return need(std::realloc(before, bytes)); }
char* duplicate(const char* text) { return need(::strdup(text)); }

}  // namespace or_end

void end_when_out_of_memory() {
  std::set_new_handler(end);
  CRYPTO_set_mem_functions(allocate_for_openssl, reallocate_for_openssl, release_for_openssl);
}

}  // namespace registry_exporter
