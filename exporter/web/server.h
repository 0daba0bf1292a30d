#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/result.h"
#include "exporter/web/http_message.h"
#include "exporter/web/tls_context.h"

namespace registry_exporter::web {

struct ServerOptions {
  std::vector<std::string> listen_addresses{":10067"};  ///< host:port, :port, [::1]:port
  std::size_t head_bytes_max = 8 * 1024;                ///< More: 431.
  std::size_t connections_max = 512;
  Millis head_timeout{10'000};      ///< From accept, or from the first byte of a later request.
  Millis handshake_timeout{5'000};  ///< From accept, where connections are encrypted.
  /// From the response being ready to its last byte, for responses without `send_within`.
  Millis response_timeout{20'000};
  /// Between requests. Longer than scrapers keep connections (5 min), so that they close first.
  Millis idle_timeout{600'000};
  bool systemd_socket = false;  ///< Use the listening sockets passed by systemd (LISTEN_FDS).
  /// The TLS context for new connections. Also called for each request: a connection with an older
  /// context is closed after its next response. Empty, or returns nullptr: plain HTTP.
  std::function<std::shared_ptr<const TlsContext>()> tls = {};
};

/// Serves HTTP/1.1 and 1.0 on a thread of its own until stopped. Slow and broken clients do not
/// delay others.
class Server {
 public:
  virtual ~Server() = default;
  /// Binds and starts serving. Errors: invalid_config (invalid address), transport (in use…).
  virtual Result<Done> start() = 0;
  /// "host:port" of each listener, with the port the system chose where 0 was asked.
  virtual std::vector<std::string> addresses() const = 0;
  /// Stops accepting, waits up to `grace` for running responses, closes all connections.
  virtual void stop(Millis grace) = 0;
};

std::unique_ptr<Server> make_server(ServerOptions options, WebHandler handler);

}  // namespace registry_exporter::web
