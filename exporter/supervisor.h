#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace registry_exporter {

/// Who started the program and waits to hear how it stands: systemd, or what speaks its protocol
/// (sd_notify(3)). Without one nothing is told.
class Supervisor {
 public:
  /// `socket`: what NOTIFY_SOCKET says, a path or '@' and an abstract name; empty: there is none.
  explicit Supervisor(std::string socket) : socket_(std::move(socket)) {}

  /// `status`: a line for people.
  void ready(std::string_view status) const;
  void reloading() const;
  void stopping() const;

 private:
  void tell(const std::string& state) const;

  const std::string socket_;
};

}  // namespace registry_exporter
