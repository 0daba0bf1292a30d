#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/result.h"
#include "exporter/web/message.h"
#include "exporter/web/tls_context.h"

namespace registry_exporter {

struct ServerOptions {
  std::vector<std::string> listen_addresses{":10067"};  ///< host:port, :port, [::1]:port
  std::size_t head_bytes_max = 8 * 1024;                ///< More: 431.
  std::size_t connections_max = 512;
  Millis head_timeout{10'000};      ///< From accept, or from the first byte of a later request.
  Millis handshake_timeout{5'000};  ///< From accept, where connections are encrypted.
  /// From the answer being ready to its last byte, for answers that don't say (`take_within`).
  Millis answer_timeout{20'000};
  /// Between requests. Longer than scrapers keep connections (5 min), so that they close first.
  Millis idle_timeout{600'000};
  bool systemd_socket = false;  ///< Take the listening sockets from systemd (LISTEN_FDS).
  /// What a new connection is encrypted with, asked for each one and for each request: a connection
  /// that was made under another one ends after its next answer. Empty or nullptr: plain HTTP.
  std::function<std::shared_ptr<const TlsContext>()> tls = {};
};

/// Serves HTTP/1.1 and 1.0 from one thread of its own until stopped. Slow and broken clients never
/// keep others waiting.
class Server {
 public:
  virtual ~Server() = default;
  /// Binds, starts serving. Errors: invalid_config (address not understood), transport (in use…).
  virtual Result<Done> start() = 0;
  /// "host:port" of each listener, with the port the system chose where 0 was asked.
  virtual std::vector<std::string> addresses() const = 0;
  /// Stops accepting, finishes the answers under way for at most `grace`, closes all.
  virtual void stop(Millis grace) = 0;
};

std::unique_ptr<Server> make_server(ServerOptions options, WebHandler handler);

}  // namespace registry_exporter
