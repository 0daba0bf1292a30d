// Shell: writes to a descriptor.
#include "exporter/base/line_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

namespace registry_exporter {
namespace {

constexpr std::chrono::milliseconds kPatienceMax{200};
constexpr int kShareOfTime = 50;
/// A pipe that is writable takes so much without blocking, and so do sockets.
constexpr std::size_t kChunk = PIPE_BUF;

}  // namespace

LineWriter::LineWriter(int descriptor, const Clock& clock)
    : descriptor_(descriptor),
      clock_(clock),
      waited_at_(clock.steady_now()),
      patience_(kPatienceMax) {}

bool LineWriter::write(std::string_view line) {
  std::string text = line_is_torn_ ? "\n" : "";
  text += line;
  text += '\n';
  return write_all(text);
}

bool LineWriter::write_all(std::string_view text) {
  const std::size_t size = text.size();
  while (!text.empty()) {
    ssize_t written = -1;
    if (wait_writable()) written = ::write(descriptor_, text.data(), std::min(text.size(), kChunk));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      line_is_torn_ = line_is_torn_ || text.size() < size;
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  line_is_torn_ = false;
  return true;
}

/// What is wrong with the descriptor, write() tells.
bool LineWriter::wait_writable() {
  const SteadyTime begun = clock_.steady_now();
  const SteadyTime::duration earned = (begun - waited_at_) / kShareOfTime;
  patience_ = std::min<SteadyTime::duration>(kPatienceMax, patience_ + earned);
  pollfd polled{descriptor_, POLLOUT, 0};
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(patience_);
  const int ready = ::poll(&polled, 1, static_cast<int>(wait.count()));
  waited_at_ = clock_.steady_now();
  patience_ -= std::min(patience_, waited_at_ - begun);
  if (ready == 0) errno = EAGAIN;
  return ready > 0;
}

}  // namespace registry_exporter
