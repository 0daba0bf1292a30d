#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/web/beast_loop.h"
#include "exporter/web/eviction.h"
#include "exporter/web/http_head.h"
#include "exporter/web/tls_context.h"
//
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace registry_exporter {

/// One client's connection, plain or encrypted. Lives on the loop's thread; answers one request at
/// a time, in order.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Loop& loop, tcp::socket socket, std::shared_ptr<const TlsContext> tls_context);

  void start();
  ConnectionState state() const { return state_; }
  /// The answer to the request under way.
  void deliver(WebAnswer answer);
  /// Ends now, whatever is under way.
  void close();
  /// Ends after what is under way.
  void finish();

 private:
  static constexpr std::size_t kReadBytes = 1024;

  void shake_hands();
  void hands_shaken(const ErrorCode& error);
  void enter(ConnectionPhase phase);
  void arm(SteadyTime deadline);
  void timed_out();
  void read();
  void bytes_read(const ErrorCode& error, std::size_t bytes);
  void next_request();
  void look_for_head();
  void serve(std::string_view head);
  void refuse(const RefusedHead& refusal);
  void begin_answer(WebAnswer answer);
  void write();
  void bytes_written(const ErrorCode& error, std::size_t bytes);
  void answer_done(bool sent);
  void say_farewell();
  void linger();

  Loop& loop_;
  tcp::socket socket_;
  const std::shared_ptr<const TlsContext> tls_context_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  bool encrypted_ = false;  ///< What is read and written goes through `tls_`.
  asio::steady_timer timer_;
  std::string client_address_;
  ConnectionState state_;
  bool closed_ = false;
  bool reading_ = false;

  std::array<char, kReadBytes> input_{};
  std::string pending_;      ///< Read, not yet served.
  std::size_t scanned_ = 0;  ///< Of `pending_`: holds no end of a head.
  std::size_t lingered_bytes_ = 0;

  bool close_after_ = false;
  bool http_1_0_ = false;
  bool head_only_ = false;
  SteadyTime requested_at_;
  WebAnswer answer_;
  std::string answer_head_;
  std::vector<asio::const_buffer> outgoing_;  ///< Into the two above.
  std::size_t written_ = 0;                   ///< Whole buffers of `outgoing_`.
};

}  // namespace registry_exporter
