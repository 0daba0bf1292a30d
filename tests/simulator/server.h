#pragma once

#include <memory>
#include <string>

#include "exporter/base/clock.h"
#include "exporter/base/result.h"
#include "tests/simulator/simulator.h"

namespace registry_exporter::simulator {

/// The simulated clouds behind a real socket (HTTP/1.1, keep-alive, no TLS).
class Server {
 public:
  /// `latency`: how long every answer takes at least.
  Server(Simulator& simulator, Millis latency);
  ~Server();

  /// Binds "host:port" (port 0: any free one) and starts to answer on threads of its own. Returns
  /// the port. Errors: invalid_config (not an address, or in use).
  Result<int> start(const std::string& listen_address);
  /// Stops listening and ends the answers under way. Call it once.
  void stop();

 private:
  struct Wire;
  std::unique_ptr<Wire> wire_;
};

}  // namespace registry_exporter::simulator
