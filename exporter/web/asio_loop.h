#pragma once

#include <utility>  // Before Asio: Boost 1.74 forgets it in C++20.
//
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "exporter/base/mutex.h"
#include "exporter/web/server.h"

/// The server's event loop. Only the files asio_* include this.
namespace registry_exporter::web {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

class Connection;

/// Listeners and connections, all used from the loop's thread only. Replies keep the loop alive, so
/// that they may come after the server has stopped.
class Loop : public std::enable_shared_from_this<Loop> {
 public:
  Loop(ServerOptions server_options, WebHandler request_handler)
      : options(std::move(server_options)), handler(std::move(request_handler)) {}

  Result<Done> listen();
  std::vector<std::string> addresses() const;
  void run();
  void stop(Millis grace);

  void remove(const Connection* connection);
  std::shared_ptr<const TlsContext> tls() const;  ///< For new connections; nullptr: plain HTTP.
  bool stopping() const { return stopping_; }
  /// Runs `task` on the loop's thread. Returns false if the loop has ended. Thread-safe.
  template <class Task>
  bool post(Task&& task) {
    const MutexLock lock(ended_mutex_);
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
  Mutex ended_mutex_;
  bool ended_ GUARDED_BY(ended_mutex_) = false;
};

}  // namespace registry_exporter::web
