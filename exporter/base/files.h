#pragma once

#include <cstddef>
#include <string>

#include "exporter/base/result.h"

namespace registry_exporter {

/// A regular file's whole content; links are followed. Shell.
/// Errors: invalid_config, beginning with the path. The cause is file_missing where there is no
/// file of that name, file_denied where this process may not read it.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

struct WholeText {
  std::string text;
  bool is_from_pipe = false;  ///< It can't be read again.
};

/// As read_file(), or everything that comes through a pipe (/dev/stdin, /dev/fd/63, a FIFO) until
/// its writers close it; one that says nothing for half a minute is an error.
Result<WholeText> read_file_or_pipe(const std::string& path, std::size_t bytes_max);

}  // namespace registry_exporter
