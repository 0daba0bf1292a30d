#pragma once

#include <string_view>

#include "exporter/base/clock.h"

namespace registry_exporter {

/// Writes lines to a file, terminal, pipe or socket that may stop taking any, and holds nobody up
/// for long: it waits for no more than a fiftieth of the time, and 200 ms at once. One thread at a
/// time.
class LineWriter {
 public:
  LineWriter(int descriptor, const Clock& clock);

  /// Returns false if the line, which has no newline, could not be written as a whole.
  bool write(std::string_view line);

 private:
  bool write_all(std::string_view text);
  bool wait_writable();

  const int descriptor_;
  const Clock& clock_;
  SteadyTime waited_at_;
  SteadyTime::duration patience_;  ///< It may still wait so long.
  bool line_is_torn_ = false;      ///< The last one was written in part.
};

}  // namespace registry_exporter
