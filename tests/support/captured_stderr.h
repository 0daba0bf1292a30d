#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

namespace registry_exporter {

/// What `act` writes to stderr.
template <class Act>
std::string stderr_of(Act act) {
  std::FILE* file = std::tmpfile();
  const int kept = ::dup(2);
  ::dup2(::fileno(file), 2);
  act();
  std::fflush(stderr);
  ::dup2(kept, 2);
  ::close(kept);
  std::rewind(file);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

}  // namespace registry_exporter
