// Shell: one connection on the loop. Heads are read by http_head, because a lenient parser and a
// strict one in front of it would disagree.
#include "exporter/web/beast_connection.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <variant>

#include "exporter/base/log.h"
#include "exporter/base/runtime.h"

namespace registry_exporter {
namespace {

constexpr std::size_t kBuffersPerWrite = 64;
constexpr std::size_t kBytesPerWrite = 1U << 20U;  ///< So that no fast reader holds up the others.
constexpr Millis kLinger{1'000};
constexpr std::size_t kLingerBytesMax = 1U << 20U;
constexpr int kKeepAliveSeconds = 60;
/// What the kernel holds of an answer that isn't on its way yet: readers that take nothing would
/// otherwise hold megabytes each.
constexpr int kUnsentBytesMax = 256 * 1024;

SteadyTime steady_now() { return system_runtime().clock.steady_now(); }

/// Carries one answer to its connection, once. Dropped without an answer it is a 500.
class Reply {
 public:
  Reply(std::shared_ptr<Loop> loop, std::shared_ptr<Connection> connection)
      : loop_(std::move(loop)), connection_(std::move(connection)) {}
  ~Reply() {
    if (!sent_) send(text_answer(500, "500 no answer\n"));
  }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  void send(WebAnswer answer) {
    if (sent_.exchange(true)) return;
    const auto shared = std::make_shared<WebAnswer>(std::move(answer));
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
  if (tls_context_) return shake_hands();
  arm(state_.since + loop_.options.head_timeout);
  read();
}

void Connection::shake_hands() {
  arm(state_.since + loop_.options.handshake_timeout);
  SSL_CTX_up_ref(tls_context_->native());  // The Asio context below takes one.
  asio::ssl::context context(tls_context_->native());
  tls_.emplace(socket_, context);
  encrypted_ = true;
  tls_->async_handshake(
      asio::ssl::stream_base::server,
      [self = shared_from_this()](const ErrorCode& error) { self->hands_shaken(error); });
}

void Connection::hands_shaken(const ErrorCode& error) {
  if (closed_) return;
  if (!error) {
    arm(state_.since + loop_.options.head_timeout);
    return read();
  }
  log::debug("no TLS connection", {{"client", client_address_}, {"reason", error.message()}});
  const bool plain =
      error.category() == asio::error::get_ssl_category() &&
      ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST;
  if (!plain) return close();
  encrypted_ = false;
  refuse({400, "this port speaks HTTPS", false});
}

void Connection::enter(ConnectionPhase phase) { state_ = {phase, steady_now()}; }

void Connection::arm(SteadyTime deadline) {
  timer_.expires_at(std::chrono::time_point_cast<asio::steady_timer::duration>(deadline));
  timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    // A wait that ended just before it was set anew comes without an error.
    if (!error && self->timer_.expiry() <= steady_now()) self->timed_out();
  });
}

void Connection::timed_out() {
  if (closed_ || state_.phase == ConnectionPhase::answering) return;
  if (state_.phase == ConnectionPhase::head) {
    refuse({408, "the request head took too long", false});
  } else {
    close();
  }
}

void Connection::read() {
  if (reading_) return;  // Since before a timeout.
  reading_ = true;
  std::size_t bytes = input_.size();
  if (state_.phase != ConnectionPhase::lingering) {
    bytes = std::min(bytes, loop_.options.head_bytes_max - pending_.size());
  }
  const auto buffer = asio::buffer(input_.data(), bytes);
  const auto done = [self = shared_from_this()](const ErrorCode& error, std::size_t read_bytes) {
    self->bytes_read(error, read_bytes);
  };
  encrypted_ ? tls_->async_read_some(buffer, done) : socket_.async_read_some(buffer, done);
}

void Connection::bytes_read(const ErrorCode& error, std::size_t bytes) {
  reading_ = false;
  if (closed_) return;
  if (error) return close();
  if (state_.phase == ConnectionPhase::lingering) {
    lingered_bytes_ += bytes;
    return lingered_bytes_ > kLingerBytesMax ? close() : read();
  }
  // Timed out meanwhile: the refusal is on its way.
  if (state_.phase == ConnectionPhase::writing) return;
  pending_.append(input_.data(), bytes);
  if (state_.phase == ConnectionPhase::idle) {
    const bool first_request = requested_at_ == SteadyTime{};
    enter(ConnectionPhase::head);
    if (!first_request) arm(state_.since + loop_.options.head_timeout);
  }
  look_for_head();
}

void Connection::next_request() {
  if (pending_.empty()) {
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
  if (scanned_ == 0 && pending_.starts_with("\r\n")) pending_.erase(0, 2);
  const HeadEnd end = find_head_end(pending_, scanned_);
  if (end.scan == HeadScan::malformed) return refuse({400, "malformed request head", false});
  if (end.scan == HeadScan::complete) {
    const std::string head = pending_.substr(0, end.bytes);
    pending_.erase(0, end.bytes);
    scanned_ = 0;
    return serve(head);
  }
  scanned_ = end.bytes;
  if (pending_.size() >= loop_.options.head_bytes_max) {
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
  http_1_0_ = request.http_1_0;
  head_only_ = request.request.method == "HEAD";
  enter(ConnectionPhase::answering);
  requested_at_ = state_.since;
  timer_.cancel();
  const auto reply = std::make_shared<Reply>(loop_.shared_from_this(), shared_from_this());
  try {
    loop_.handler(std::move(request.request),
                  [reply](WebAnswer answer) { reply->send(std::move(answer)); });
  } catch (const std::exception& problem) {
    log::error("request failed", {{"reason", problem.what()}});  // `reply` makes it a 500.
  }
}

void Connection::refuse(const RefusedHead& refusal) {
  close_after_ = true;
  head_only_ = refusal.head_only;
  begin_answer(
      text_answer(refusal.status, std::to_string(refusal.status) + " " + refusal.reason + "\n"));
}

void Connection::deliver(WebAnswer answer) {
  if (!closed_) return begin_answer(std::move(answer));
  if (answer.when_done) answer.when_done(false);
}

void Connection::begin_answer(WebAnswer answer) {
  answer_ = std::move(answer);
  close_after_ = close_after_ || loop_.stopping();
  const ConnectionWord kept = http_1_0_ ? ConnectionWord::keep_alive : ConnectionWord::none;
  answer_head_ = format_answer_head(answer_, system_runtime().clock.now(),
                                    close_after_ ? ConnectionWord::close : kept);
  outgoing_ = {asio::buffer(answer_head_)};
  if (!head_only_ && !answer_.head_only) {
    for (const auto& piece : answer_.body) {
      if (!piece->empty()) outgoing_.push_back(asio::buffer(*piece));
    }
  }
  written_ = 0;
  enter(ConnectionPhase::writing);
  arm(answer_.take_within ? requested_at_ + *answer_.take_within
                          : state_.since + loop_.options.answer_timeout);
  write();
}

void Connection::write() {
  std::vector<asio::const_buffer> portion;
  std::size_t bytes = 0;
  for (std::size_t i = written_; i < outgoing_.size(); ++i) {
    if (portion.size() == kBuffersPerWrite || bytes >= kBytesPerWrite) break;
    portion.push_back(asio::buffer(outgoing_[i], kBytesPerWrite - bytes));
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
  while (written_ < outgoing_.size() && bytes >= outgoing_[written_].size()) {
    bytes -= outgoing_[written_].size();
    ++written_;
  }
  if (written_ < outgoing_.size()) {
    outgoing_[written_] += bytes;
    return write();
  }
  answer_done(true);
  if (close_after_) return say_farewell();
  next_request();
}

void Connection::answer_done(bool sent) {
  outgoing_.clear();
  WebAnswer done;
  std::swap(done, answer_);
  if (done.when_done) done.when_done(sent);
}

/// Encrypted connections end with a word of their own, so that nobody takes a cut for an end.
void Connection::say_farewell() {
  pending_.clear();
  enter(ConnectionPhase::lingering);
  arm(state_.since + kLinger);
  if (!encrypted_) return linger();
  tls_->async_shutdown([self = shared_from_this()](const ErrorCode&) {
    self->encrypted_ = false;
    if (!self->closed_) self->linger();
  });
}

/// Closing with unread bytes would reset the connection, and the client might lose its answer.
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
  answer_done(false);
  loop_.remove(this);
}

void Connection::finish() {
  const ConnectionPhase phase = state_.phase;
  close_after_ = true;
  if (phase == ConnectionPhase::idle || phase == ConnectionPhase::head) close();
}

}  // namespace registry_exporter
