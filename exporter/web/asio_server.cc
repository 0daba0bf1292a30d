// Shell: one Asio loop on one thread serves every connection. Only the files asio_* use Boost.
#include "exporter/web/asio_connection.h"
#include "exporter/web/asio_loop.h"
//
#include <unistd.h>

#include <boost/asio/ip/v6_only.hpp>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <system_error>

#include "exporter/base/log.h"
#include "exporter/base/runtime.h"
#include "exporter/web/listen_address.h"

namespace registry_exporter::web {
namespace {

constexpr int kBacklog = 1024;
constexpr Millis kAcceptPause{100};
constexpr int kSystemdFirstDescriptor = 3;
constexpr int kSystemdDescriptorsMax = 64;

std::string cause(const ErrorCode& error) { return error.message(); }

/// The endpoint to bind. For a name: its first IPv4 address, else its first address.
Result<tcp::endpoint> find_endpoint(asio::io_context& io, const ListenAddress& address) {
  ErrorCode error;
  const asio::ip::address literal = asio::ip::make_address(address.host, error);
  if (!error) return tcp::endpoint(literal, address.port);
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(address.host, std::to_string(address.port), error);
  if (error || found.empty()) {
    // The name may resolve soon, for example once the network is up: not a configuration error.
    return fail(ErrorKind::transport, "host \"" + address.host + "\" does not resolve (" +
                                          cause(error) +
                                          "); start again when it does, or change "
                                          "--web.listen-address");
  }
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

const char* remedy_for(const ErrorCode& error) {
  if (error == asio::error::no_descriptors) return "raise the limit of open files (LimitNOFILE)";
  if (error == asio::error::access_denied) {
    return "choose a --web.listen-address whose port needs no privilege (1024 and above)";
  }
  return "choose another --web.listen-address";
}

ErrorCode bind_and_listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  ErrorCode error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  // [::] accepts IPv4 too; other IPv6 addresses do not.
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

}  // namespace

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
    return fail(ErrorKind::transport,
                "can't listen on " + text + ": " + cause(error) + "; " + remedy_for(error));
  }
  listener.address = local_address(listener.acceptor);
  return Done{};
}

/// Implements sd_listen_fds(3).
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
    connections_.push_back(std::make_shared<Connection>(*this, std::move(socket), tls()));
    const auto newest = connections_.back();
    newest->start();
  }
  accept(listener);
}

/// Out of descriptors or memory: closes one connection and waits before accepting again.
void Loop::pause(Listener& listener, const ErrorCode& error) {
  if (!listener.paused) log::warn("can't accept connections", {{"reason", cause(error)}});
  listener.paused = true;
  evict();
  listener.pause.expires_after(kAcceptPause);
  listener.pause.async_wait([this, &listener](const ErrorCode& canceled) {
    if (!canceled && !stopping_) accept(listener);
  });
}

std::shared_ptr<const TlsContext> Loop::tls() const {
  return options.tls ? options.tls() : nullptr;
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
    } catch (const std::bad_alloc&) {
      throw;  // The loop may no longer accept: end the program.
    } catch (const std::exception& problem) {
      log::error("web server: unexpected exception", {{"reason", problem.what()}});
    }
  }
  {
    const MutexLock lock(ended_mutex_);
    ended_ = true;
  }
  io.restart();
  io.poll();  // Responses posted meanwhile are told that they were not sent.
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
  const auto connections = connections_;  // A copy: `close` removes from the member.
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

namespace {

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
      return fail(ErrorKind::transport,
                  std::string("cannot start the server's thread: ") + problem.what());
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

}  // namespace registry_exporter::web
