#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace registry_exporter {

/// Notifies systemd, or another supervisor that speaks its protocol (sd_notify(3)), of the state of
/// the program. Without a supervisor it does nothing.
class Supervisor {
 public:
  /// `socket`: the value of NOTIFY_SOCKET, a path or '@' and an abstract name; empty: none.
  explicit Supervisor(std::string socket) : socket_(std::move(socket)) {}

  /// `status`: one line that the supervisor shows.
  void ready(std::string_view status) const;
  void reloading() const;
  void stopping() const;

 private:
  void notify(const std::string& state) const;

  const std::string socket_;
};

}  // namespace registry_exporter
