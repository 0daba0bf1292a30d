#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/web/asio_loop.h"
#include "exporter/web/eviction.h"
#include "exporter/web/http_head.h"
#include "exporter/web/tls_context.h"
//
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace registry_exporter::web {

/// One client's connection, plain or TLS. Lives on the loop's thread; handles one request at a
/// time.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Loop& loop, tcp::socket socket, std::shared_ptr<const TlsContext> tls_context);

  void start();
  ConnectionState state() const { return state_; }
  /// Sends the response to the current request.
  void deliver(WebResponse response);
  /// Closes immediately, whatever is in progress.
  void close();
  /// Closes after the current response.
  void finish();

 private:
  static constexpr std::size_t kReadBytes = 1024;

  /// What the client sends.
  struct Input {
    std::array<char, kReadBytes> buffer{};
    bool reading = false;      ///< A read into `buffer` is pending.
    std::string pending;       ///< Received, not parsed yet.
    std::size_t scanned = 0;   ///< Leading bytes of `pending` in which no head ends.
    std::size_t lingered = 0;  ///< Bytes discarded after the last response.
  };
  /// The current request and its response.
  struct Exchange {
    bool http_1_0 = false;
    bool head_only = false;
    SteadyTime received_at;
    WebResponse response;
    std::string head;
    std::vector<asio::const_buffer> outgoing;  ///< Into `head` and `response`.
    std::size_t written = 0;                   ///< Whole buffers of `outgoing`.
  };

  void start_tls();
  void tls_started(const ErrorCode& error);
  void enter(ConnectionPhase phase);
  void arm(SteadyTime deadline);
  void timed_out();
  void read();
  void bytes_read(const ErrorCode& error, std::size_t bytes);
  void next_request();
  void look_for_head();
  void serve(std::string_view head);
  void refuse(const RefusedHead& refusal);
  void begin_response(WebResponse response);
  void write();
  void bytes_written(const ErrorCode& error, std::size_t bytes);
  void finish_response(bool sent);
  void begin_close();
  void linger();

  Loop& loop_;
  tcp::socket socket_;
  const std::shared_ptr<const TlsContext> tls_context_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  bool encrypted_ = false;  ///< Reads and writes go through `tls_`.
  asio::steady_timer timer_;
  std::string client_address_;
  ConnectionState state_;
  bool close_after_ = false;  ///< No further request after the current response.
  bool closed_ = false;
  Input input_;
  Exchange exchange_;
};

}  // namespace registry_exporter::web
