#pragma once

#include <cstddef>

namespace registry_exporter {

/// Asks the processor to fetch an object that is read soon, while it does something else. For
/// objects that lie apart in memory, in numbers that its cache does not hold. nullptr: does
/// nothing.
template <class T>
void prefetch(const T* object) {
  constexpr std::size_t kCacheLine = 64;
  if (object == nullptr) return;
  const char* const bytes = reinterpret_cast<const char*>(object);
  for (std::size_t at = 0; at < sizeof(T); at += kCacheLine) __builtin_prefetch(bytes + at);
  __builtin_prefetch(bytes + sizeof(T) - 1);
  asm volatile("");  // GCC takes out calls of functions that do nothing but prefetch.
}

}  // namespace registry_exporter
