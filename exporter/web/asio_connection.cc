// Shell: one connection on the loop. Request heads are parsed by http_head, not by Beast: see
// docs/decisions/curl-and-asio-at-the-edges.md.
#include "exporter/web/asio_connection.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <variant>

#include "exporter/base/log.h"
#include "exporter/base/runtime.h"

namespace registry_exporter::web {
namespace {

constexpr std::size_t kBuffersPerWrite = 64;
constexpr std::size_t kBytesPerWrite = 1U << 20U;  ///< So that a fast reader can't starve others.
constexpr Millis kLinger{1'000};
constexpr std::size_t kLingerBytesMax = 1U << 20U;
constexpr int kKeepAliveSeconds = 60;
/// Unsent bytes that the kernel buffers for a connection. Without a limit, each client that does
/// not read would hold megabytes.
constexpr int kUnsentBytesMax = 256 * 1024;

SteadyTime steady_now() { return system_runtime().clock.steady_now(); }

/// Delivers one response to its connection, from any thread. Destroyed without a response it sends
/// a 500.
class Reply {
 public:
  Reply(std::shared_ptr<Loop> loop, std::shared_ptr<Connection> connection)
      : loop_(std::move(loop)), connection_(std::move(connection)) {}
  ~Reply() {
    if (!sent_) send(text_response(500, "500 no response\n"));
  }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  void send(WebResponse response) {
    if (sent_.exchange(true)) return;
    const auto shared = std::make_shared<WebResponse>(std::move(response));
    const bool posted = loop_->post(
        [connection = connection_, shared] { connection->deliver(std::move(*shared)); });
    if (!posted && shared->when_done) shared->when_done(false);
  }

 private:
  std::shared_ptr<Loop> loop_;
  std::shared_ptr<Connection> connection_;
  std::atomic<bool> sent_{false};
};

}  // namespace

Connection::Connection(Loop& loop, tcp::socket socket,
                       std::shared_ptr<const TlsContext> tls_context)
    : loop_(loop),
      socket_(std::move(socket)),
      tls_context_(std::move(tls_context)),
      timer_(loop.io) {
  ErrorCode ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  const auto set = [this](int name, int value) {
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, name, &value, sizeof value);
  };
  set(TCP_KEEPIDLE, kKeepAliveSeconds);
  set(TCP_NOTSENT_LOWAT, kUnsentBytesMax);
  const asio::ip::address address = socket_.remote_endpoint(ignored).address();
  const bool mapped = address.is_v6() && address.to_v6().is_v4_mapped();
  client_address_ =
      mapped ? asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string()
             : address.to_string();
}

void Connection::start() {
  enter(ConnectionPhase::idle);
  if (tls_context_) return start_tls();
  arm(state_.since + loop_.options.head_timeout);
  read();
}

void Connection::start_tls() {
  arm(state_.since + loop_.options.handshake_timeout);
  SSL_CTX_up_ref(tls_context_->native());  // The Asio context below takes one.
  asio::ssl::context context(tls_context_->native());
  tls_.emplace(socket_, context);
  encrypted_ = true;
  tls_->async_handshake(
      asio::ssl::stream_base::server,
      [self = shared_from_this()](const ErrorCode& error) { self->tls_started(error); });
}

void Connection::tls_started(const ErrorCode& error) {
  if (closed_) return;
  if (!error) {
    arm(state_.since + loop_.options.head_timeout);
    return read();
  }
  log::debug("TLS handshake failed", {{"client", client_address_}, {"reason", error.message()}});
  const bool plain =
      error.category() == asio::error::get_ssl_category() &&
      ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST;
  if (!plain) return close();
  encrypted_ = false;
  refuse({400, "this port requires HTTPS", false});
}

void Connection::enter(ConnectionPhase phase) { state_ = {phase, steady_now()}; }

void Connection::arm(SteadyTime deadline) {
  timer_.expires_at(std::chrono::time_point_cast<asio::steady_timer::duration>(deadline));
  timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    // A wait that ended just before the timer was set again completes without an error.
    if (!error && self->timer_.expiry() <= steady_now()) self->timed_out();
  });
}

void Connection::timed_out() {
  if (closed_ || state_.phase == ConnectionPhase::processing) return;
  if (state_.phase == ConnectionPhase::head) {
    refuse({408, "the request head took too long", false});
  } else {
    close();
  }
}

void Connection::read() {
  if (input_.reading) return;  // A read from before a timeout is still pending.
  input_.reading = true;
  std::size_t bytes = input_.buffer.size();
  if (state_.phase != ConnectionPhase::lingering) {
    bytes = std::min(bytes, loop_.options.head_bytes_max - input_.pending.size());
  }
  const auto buffer = asio::buffer(input_.buffer.data(), bytes);
  const auto done = [self = shared_from_this()](const ErrorCode& error, std::size_t read_bytes) {
    self->bytes_read(error, read_bytes);
  };
  encrypted_ ? tls_->async_read_some(buffer, done) : socket_.async_read_some(buffer, done);
}

void Connection::bytes_read(const ErrorCode& error, std::size_t bytes) {
  input_.reading = false;
  if (closed_) return;
  if (error) return close();
  if (state_.phase == ConnectionPhase::lingering) {
    input_.lingered += bytes;
    return input_.lingered > kLingerBytesMax ? close() : read();
  }
  // The request has timed out: its refusal is being sent.
  if (state_.phase == ConnectionPhase::writing) return;
  input_.pending.append(input_.buffer.data(), bytes);
  if (state_.phase == ConnectionPhase::idle) {
    const bool first_request = exchange_.received_at == SteadyTime{};
    enter(ConnectionPhase::head);
    if (!first_request) arm(state_.since + loop_.options.head_timeout);
  }
  look_for_head();
}

void Connection::next_request() {
  if (input_.pending.empty()) {
    enter(ConnectionPhase::idle);
    arm(state_.since + loop_.options.idle_timeout);
    return read();
  }
  enter(ConnectionPhase::head);
  arm(state_.since + loop_.options.head_timeout);
  look_for_head();
}

void Connection::look_for_head() {
  // RFC 9112, 2.2: an empty line before a request is ignored.
  if (input_.scanned == 0 && input_.pending.starts_with("\r\n")) input_.pending.erase(0, 2);
  const HeadEnd end = find_head_end(input_.pending, input_.scanned);
  if (end.scan == HeadScan::malformed) return refuse({400, "malformed request head", false});
  if (end.scan == HeadScan::complete) {
    const std::string head = input_.pending.substr(0, end.bytes);
    input_.pending.erase(0, end.bytes);
    input_.scanned = 0;
    return serve(head);
  }
  input_.scanned = end.bytes;
  if (input_.pending.size() >= loop_.options.head_bytes_max) {
    return refuse({431, "the request head is too long", false});
  }
  read();
}

void Connection::serve(std::string_view head) {
  auto parsed = parse_request_head(head);
  if (const auto* refusal = std::get_if<RefusedHead>(&parsed)) return refuse(*refusal);
  auto& request = std::get<RequestHead>(parsed);
  request.request.client_address = client_address_;
  close_after_ = !request.keep_alive || tls_context_ != loop_.tls();
  exchange_.http_1_0 = request.http_1_0;
  exchange_.head_only = request.request.method == "HEAD";
  enter(ConnectionPhase::processing);
  exchange_.received_at = state_.since;
  timer_.cancel();
  const auto reply = std::make_shared<Reply>(loop_.shared_from_this(), shared_from_this());
  try {
    loop_.handler(std::move(request.request),
                  [reply](WebResponse response) { reply->send(std::move(response)); });
  } catch (const std::exception& problem) {
    log::error("request failed", {{"reason", problem.what()}});  // `reply` sends a 500.
  }
}

void Connection::refuse(const RefusedHead& refusal) {
  close_after_ = true;
  exchange_.head_only = refusal.head_only;
  begin_response(
      text_response(refusal.status, std::to_string(refusal.status) + " " + refusal.reason + "\n"));
}

void Connection::deliver(WebResponse response) {
  if (!closed_) return begin_response(std::move(response));
  if (response.when_done) response.when_done(false);
}

void Connection::begin_response(WebResponse response) {
  exchange_.response = std::move(response);
  close_after_ = close_after_ || loop_.stopping();
  const ConnectionHeader kept =
      exchange_.http_1_0 ? ConnectionHeader::keep_alive : ConnectionHeader::none;
  exchange_.head = format_response_head(exchange_.response, system_runtime().clock.now(),
                                        close_after_ ? ConnectionHeader::close : kept);
  exchange_.outgoing = {asio::buffer(exchange_.head)};
  if (!exchange_.head_only && !exchange_.response.head_only) {
    for (const auto& piece : exchange_.response.body) {
      if (!piece->empty()) exchange_.outgoing.push_back(asio::buffer(*piece));
    }
  }
  exchange_.written = 0;
  enter(ConnectionPhase::writing);
  arm(exchange_.response.send_within ? exchange_.received_at + *exchange_.response.send_within
                                     : state_.since + loop_.options.response_timeout);
  write();
}

void Connection::write() {
  std::vector<asio::const_buffer> portion;
  std::size_t bytes = 0;
  for (std::size_t i = exchange_.written; i < exchange_.outgoing.size(); ++i) {
    if (portion.size() == kBuffersPerWrite || bytes >= kBytesPerWrite) break;
    portion.push_back(asio::buffer(exchange_.outgoing[i], kBytesPerWrite - bytes));
    bytes += portion.back().size();
  }
  const auto done = [self = shared_from_this()](const ErrorCode& error, std::size_t written_bytes) {
    self->bytes_written(error, written_bytes);
  };
  encrypted_ ? tls_->async_write_some(portion, done) : socket_.async_write_some(portion, done);
}

void Connection::bytes_written(const ErrorCode& error, std::size_t bytes) {
  if (closed_) return;
  if (error) return close();
  state_.since = steady_now();
  while (exchange_.written < exchange_.outgoing.size() &&
         bytes >= exchange_.outgoing[exchange_.written].size()) {
    bytes -= exchange_.outgoing[exchange_.written].size();
    ++exchange_.written;
  }
  if (exchange_.written < exchange_.outgoing.size()) {
    exchange_.outgoing[exchange_.written] += bytes;
    return write();
  }
  finish_response(true);
  if (close_after_) return begin_close();
  next_request();
}

void Connection::finish_response(bool sent) {
  exchange_.outgoing.clear();
  WebResponse done;
  std::swap(done, exchange_.response);
  if (done.when_done) done.when_done(sent);
}

/// Sends TLS close_notify so that clients can detect truncation, then closes our side.
void Connection::begin_close() {
  input_.pending.clear();
  enter(ConnectionPhase::lingering);
  arm(state_.since + kLinger);
  if (!encrypted_) return linger();
  tls_->async_shutdown([self = shared_from_this()](const ErrorCode&) {
    self->encrypted_ = false;
    if (!self->closed_) self->linger();
  });
}

/// Closing with unread bytes would reset the connection, and the client might lose its response.
void Connection::linger() {
  ErrorCode ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  read();
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  const auto self = shared_from_this();
  timer_.cancel();
  ErrorCode ignored;
  socket_.close(ignored);
  finish_response(false);
  loop_.remove(this);
}

void Connection::finish() {
  const ConnectionPhase phase = state_.phase;
  close_after_ = true;
  if (phase == ConnectionPhase::idle || phase == ConnectionPhase::head) close();
}

}  // namespace registry_exporter::web
