#include "exporter/supervisor.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>

namespace registry_exporter {

void Supervisor::ready(std::string_view status) const {
  notify("READY=1\nSTATUS=" + std::string(status));
}

void Supervisor::reloading() const { notify("RELOADING=1"); }

void Supervisor::stopping() const { notify("STOPPING=1"); }

/// Sends one datagram. Does not block; errors are ignored.
void Supervisor::notify(const std::string& state) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  socket_.copy(address.sun_path, socket_.size());
  if (socket_.front() == '@') address.sun_path[0] = '\0';
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return;
  const std::size_t size = offsetof(sockaddr_un, sun_path) + socket_.size();
  ::sendto(descriptor, state.data(), state.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size));
  ::close(descriptor);
}

}  // namespace registry_exporter
