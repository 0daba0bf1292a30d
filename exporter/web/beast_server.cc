// Shell: the only user of Boost. One Asio loop on one thread serves every connection; heads are
// read by http_head, because a lenient parser and a strict one in front of it would disagree.
#include <utility>  // Before Asio: Boost 1.74 forgets it in C++20.
//
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <cstdlib>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <variant>

#include "exporter/base/log.h"
#include "exporter/base/runtime.h"
#include "exporter/web/eviction.h"
#include "exporter/web/http_head.h"
#include "exporter/web/listen_address.h"
#include "exporter/web/server.h"

namespace registry_exporter {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr int kBacklog = 1024;
constexpr std::size_t kReadBytes = 1024;
constexpr std::size_t kBuffersPerWrite = 64;
constexpr std::size_t kBytesPerWrite = 1U << 20U;  ///< So that no fast reader holds up the others.
constexpr Millis kLinger{1'000};
constexpr std::size_t kLingerBytesMax = 1U << 20U;
constexpr Millis kAcceptPause{100};
constexpr int kKeepAliveSeconds = 60;
/// What the kernel holds of an answer that isn't on its way yet: readers that take nothing would
/// otherwise hold megabytes each.
constexpr int kUnsentBytesMax = 256 * 1024;
constexpr int kSystemdFirstDescriptor = 3;
constexpr int kSystemdDescriptorsMax = 64;

class Connection;

/// Everything that lives on the loop's thread. Replies keep it alive, so that they may come in
/// when the server has long gone.
class Loop : public std::enable_shared_from_this<Loop> {
 public:
  Loop(ServerOptions server_options, WebHandler request_handler)
      : options(std::move(server_options)), handler(std::move(request_handler)) {}

  Result<Done> listen();
  std::vector<std::string> addresses() const;
  void run();
  void stop(Millis grace);

  void remove(const Connection* connection);
  bool stopping() const { return stopping_; }
  /// From any thread. False: the loop has ended, `task` won't run.
  template <class Task>
  bool post(Task&& task) {
    const std::lock_guard lock(ended_mutex_);
    if (!ended_) asio::post(io, std::forward<Task>(task));
    return !ended_;
  }

  const ServerOptions options;
  const WebHandler handler;
  asio::io_context io{1};

 private:
  struct Listener {
    explicit Listener(asio::io_context& context) : acceptor(context), pause(context) {}
    tcp::acceptor acceptor;
    asio::steady_timer pause;
    std::string address;
    bool paused = false;
  };

  Result<Done> listen_on(const std::string& text);
  Result<Done> take_systemd_sockets();
  Result<Done> adopt(int descriptor);
  void accept(Listener& listener);
  void accepted(Listener& listener, const ErrorCode& error, tcp::socket socket);
  void pause(Listener& listener, const ErrorCode& error);
  bool evict();
  void begin_stop(Millis grace);
  void end_if_done();

  std::deque<Listener> listeners_;
  std::vector<std::shared_ptr<Connection>> connections_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{io.get_executor()};
  asio::steady_timer grace_{io};
  bool stopping_ = false;
  std::mutex ended_mutex_;
  bool ended_ = false;
};

/// One client's connection. Lives on the loop's thread; answers one request at a time, in order.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Loop& loop, tcp::socket socket);

  void start();
  ConnectionState state() const { return state_; }
  /// The answer to the request under way.
  void deliver(WebAnswer answer);
  /// Ends now, whatever is under way.
  void close();
  /// Ends after what is under way.
  void finish();

 private:
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
  void linger();

  Loop& loop_;
  tcp::socket socket_;
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

// --- Connection

Connection::Connection(Loop& loop, tcp::socket socket)
    : loop_(loop), socket_(std::move(socket)), timer_(loop.io) {
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
  arm(state_.since + loop_.options.head_timeout);
  read();
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
  socket_.async_read_some(
      asio::buffer(input_.data(), bytes),
      [self = shared_from_this()](const ErrorCode& error, std::size_t read_bytes) {
        self->bytes_read(error, read_bytes);
      });
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
  close_after_ = !request.keep_alive;
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
  socket_.async_write_some(
      portion, [self = shared_from_this()](const ErrorCode& error, std::size_t written_bytes) {
        self->bytes_written(error, written_bytes);
      });
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
  if (close_after_) return linger();
  next_request();
}

void Connection::answer_done(bool sent) {
  outgoing_.clear();
  WebAnswer done;
  std::swap(done, answer_);
  if (done.when_done) done.when_done(sent);
}

/// Closing with unread bytes would reset the connection, and the client might lose its answer.
void Connection::linger() {
  ErrorCode ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  pending_.clear();
  enter(ConnectionPhase::lingering);
  arm(state_.since + kLinger);
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

// --- Loop: listening

std::string cause(const ErrorCode& error) { return error.message(); }

/// The endpoint to bind: literal addresses as they are, names by their first address, IPv4 first.
Result<tcp::endpoint> find_endpoint(asio::io_context& io, const ListenAddress& address) {
  ErrorCode error;
  const asio::ip::address literal = asio::ip::make_address(address.host, error);
  if (!error) return tcp::endpoint(literal, address.port);
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(address.host, std::to_string(address.port), error);
  if (error || found.empty()) {
    return fail(ErrorKind::invalid_config, "host \"" + address.host + "\" is not known here (" +
                                               cause(error) + "); change --web.listen-address");
  }
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

ErrorCode bind_and_listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  ErrorCode error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  // [::] takes IPv4 too; [::1] alone stays what it says.
  if (!error && endpoint.address().is_v6()) {
    acceptor.set_option(asio::ip::v6_only(!endpoint.address().is_unspecified()), error);
  }
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (error) {
    ErrorCode ignored;
    acceptor.close(ignored);
  }
  return error;
}

std::string local_address(const tcp::acceptor& acceptor) {
  ErrorCode ignored;
  const tcp::endpoint endpoint = acceptor.local_endpoint(ignored);
  return format_address(endpoint.address().to_string(), endpoint.port());
}

Result<Done> Loop::listen_on(const std::string& text) {
  const Result<ListenAddress> address = parse_listen_address(text);
  if (!address) return tl::unexpected(address.error());
  Listener& listener = listeners_.emplace_back(io);
  ErrorCode error;
  if (address->host.empty()) {
    error = bind_and_listen(listener.acceptor, {tcp::v6(), address->port});
    const bool no_ipv6 = error == asio::error::address_family_not_supported ||
                         error == boost::system::errc::address_not_available;
    if (no_ipv6) error = bind_and_listen(listener.acceptor, {tcp::v4(), address->port});
  } else {
    const Result<tcp::endpoint> endpoint = find_endpoint(io, *address);
    if (!endpoint) return tl::unexpected(endpoint.error());
    error = bind_and_listen(listener.acceptor, *endpoint);
  }
  if (error) {
    return fail(ErrorKind::transport, "can't listen on " + text + ": " + cause(error) +
                                          "; choose another --web.listen-address");
  }
  listener.address = local_address(listener.acceptor);
  return Done{};
}

std::optional<long> number_from_environment(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  const std::string_view digits = text;
  long number = 0;
  const auto [stopped, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = error == std::errc() && stopped == digits.data() + digits.size();
  return whole ? std::optional(number) : std::nullopt;
}

int socket_option(int descriptor, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/// The protocol of sd_listen_fds(3).
Result<Done> Loop::take_systemd_sockets() {
  const auto process = number_from_environment("LISTEN_PID");
  const auto count = number_from_environment("LISTEN_FDS");
  const bool for_us = process && *process == static_cast<long>(::getpid()) && count && *count > 0;
  if (!for_us || *count > kSystemdDescriptorsMax) {
    return fail(ErrorKind::invalid_config,
                "--web.systemd-socket: systemd passed no sockets to this process (LISTEN_PID, "
                "LISTEN_FDS); start it by its .socket unit or drop the flag");
  }
  for (int i = 0; i < static_cast<int>(*count); ++i) {
    if (const auto adopted = adopt(kSystemdFirstDescriptor + i); !adopted) return adopted;
  }
  return Done{};
}

Result<Done> Loop::adopt(int descriptor) {
  const int family = socket_option(descriptor, SO_DOMAIN);
  const bool usable = (family == AF_INET || family == AF_INET6) &&
                      socket_option(descriptor, SO_TYPE) == SOCK_STREAM &&
                      socket_option(descriptor, SO_ACCEPTCONN) == 1;
  ErrorCode error = asio::error::invalid_argument;
  Listener& listener = listeners_.emplace_back(io);
  if (usable) {
    listener.acceptor.assign(family == AF_INET ? tcp::v4() : tcp::v6(), descriptor, error);
  }
  if (error) {
    return fail(ErrorKind::invalid_config,
                "--web.systemd-socket: descriptor " + std::to_string(descriptor) +
                    " is no listening TCP socket; use ListenStream= in the .socket unit");
  }
  listener.address = local_address(listener.acceptor);
  return Done{};
}

Result<Done> Loop::listen() {
  if (options.systemd_socket) {
    if (const auto taken = take_systemd_sockets(); !taken) return taken;
  } else {
    for (const std::string& text : options.listen_addresses) {
      if (const auto listening = listen_on(text); !listening) return listening;
    }
  }
  for (Listener& listener : listeners_) accept(listener);
  return Done{};
}

std::vector<std::string> Loop::addresses() const {
  std::vector<std::string> texts;
  for (const Listener& listener : listeners_) texts.push_back(listener.address);
  return texts;
}

// --- Loop: connections

void Loop::accept(Listener& listener) {
  listener.acceptor.async_accept([this, &listener](const ErrorCode& error, tcp::socket socket) {
    accepted(listener, error, std::move(socket));
  });
}

void Loop::accepted(Listener& listener, const ErrorCode& error, tcp::socket socket) {
  if (stopping_) return;
  if (error) return pause(listener, error);
  listener.paused = false;
  const bool room = connections_.size() < options.connections_max || evict();
  if (room) {
    connections_.push_back(std::make_shared<Connection>(*this, std::move(socket)));
    const auto newest = connections_.back();
    newest->start();
  }
  accept(listener);
}

/// Out of descriptors or memory: one connection less, and a moment's rest.
void Loop::pause(Listener& listener, const ErrorCode& error) {
  if (!listener.paused) log::warn("can't accept connections", {{"reason", cause(error)}});
  listener.paused = true;
  evict();
  listener.pause.expires_after(kAcceptPause);
  listener.pause.async_wait([this, &listener](const ErrorCode& canceled) {
    if (!canceled && !stopping_) accept(listener);
  });
}

bool Loop::evict() {
  std::vector<ConnectionState> states;
  states.reserve(connections_.size());
  for (const auto& connection : connections_) states.push_back(connection->state());
  const std::optional<std::size_t> chosen = choose_eviction(states);
  if (chosen) connections_[*chosen]->close();
  return chosen.has_value();
}

void Loop::remove(const Connection* connection) {
  std::erase_if(connections_, [&](const auto& each) { return each.get() == connection; });
  end_if_done();
}

// --- Loop: start and end

void Loop::run() {
  for (bool again = true; again;) {
    try {
      io.run();
      again = false;
    } catch (const std::exception& problem) {
      log::error("web server: unexpected", {{"reason", problem.what()}});
    }
  }
  {
    const std::lock_guard lock(ended_mutex_);
    ended_ = true;
  }
  io.restart();
  io.poll();  // Answers that were posted meanwhile learn that nobody takes them.
}

void Loop::stop(Millis grace) {
  post([self = shared_from_this(), grace] { self->begin_stop(grace); });
}

void Loop::begin_stop(Millis grace) {
  if (stopping_) return;
  stopping_ = true;
  ErrorCode ignored;
  for (Listener& listener : listeners_) {
    listener.acceptor.close(ignored);
    listener.pause.cancel();
  }
  const auto connections = connections_;  // `close` takes them out of the member.
  for (const auto& connection : connections) connection->finish();
  grace_.expires_after(grace);
  grace_.async_wait([this](const ErrorCode& error) {
    if (error) return;
    const auto late = connections_;
    for (const auto& connection : late) connection->close();
  });
  end_if_done();
}

void Loop::end_if_done() {
  if (!stopping_ || !connections_.empty()) return;
  grace_.cancel();
  work_.reset();
  io.stop();
}

class AsioServer final : public Server {
 public:
  AsioServer(ServerOptions options, WebHandler handler)
      : loop_(std::make_shared<Loop>(std::move(options), std::move(handler))) {}
  ~AsioServer() override { stop(Millis{0}); }

  Result<Done> start() override {
    if (auto listening = loop_->listen(); !listening) return listening;
    try {
      thread_ = system_runtime().threads.start("web", [loop = loop_] { loop->run(); });
    } catch (const std::system_error& problem) {
      return fail(ErrorKind::transport, std::string("no thread to serve from: ") + problem.what());
    }
    return Done{};
  }
  std::vector<std::string> addresses() const override { return loop_->addresses(); }
  void stop(Millis grace) override {
    if (!thread_) return;
    loop_->stop(grace);
    thread_.reset();  // Joins.
  }

 private:
  std::shared_ptr<Loop> loop_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace

std::unique_ptr<Server> make_server(ServerOptions options, WebHandler handler) {
  return std::make_unique<AsioServer>(std::move(options), std::move(handler));
}

}  // namespace registry_exporter
