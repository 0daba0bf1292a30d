#pragma once

#include <cstddef>
#include <string>

#include "exporter/base/result.h"

namespace registry_exporter {

/// The code of the error where there is no file of that name; whatever else keeps one from being
/// read, it may be there.
inline constexpr const char* kAbsent = "absent";

/// A regular file's whole content; links are followed. Shell.
/// Errors: invalid_config, beginning with the path.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

struct WholeText {
  std::string text;
  bool is_from_pipe = false;  ///< It can't be read again.
};

/// As read_file(), or everything that comes through a pipe (/dev/stdin, /dev/fd/63, a FIFO) until
/// its writers close it; one that says nothing for half a minute is an error.
Result<WholeText> read_file_or_pipe(const std::string& path, std::size_t bytes_max);

}  // namespace registry_exporter
