#include "tests/simulator/server.h"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

namespace registry_exporter::simulator {
namespace {

constexpr std::size_t kThreads = 64;
constexpr int kKeepAliveSeconds = 2;
constexpr std::size_t kKeepAliveRequests = 1'000'000;
constexpr int kBacklog = 1024;
constexpr Millis kLostAnswer{30'000};
constexpr Millis kNap{20};

UnixMillis wall_now() { return std::chrono::floor<Millis>(std::chrono::system_clock::now()); }

WireRequest to_wire(const httplib::Request& request) {
  WireRequest wire{
      .method = request.method, .target = request.target, .headers = {}, .body = request.body};
  for (const auto& [name, value] : request.headers) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    wire.headers.emplace_back(std::move(lower), value);
  }
  return wire;
}

/// Sends half of what was announced and hangs up; with nothing to halve, it announces a byte more.
void send_cut(const Reply& reply, const std::string& type, httplib::Response& response) {
  const std::string half = reply.response.body.substr(0, reply.response.body.size() / 2);
  response.set_content_provider(reply.response.body.size() + 1, type,
                                [half](std::size_t offset, std::size_t, httplib::DataSink& sink) {
                                  if (offset == 0 && !half.empty())
                                    sink.write(half.data(), half.size());
                                  return false;
                                });
}

/// "host:port" → both. The port is -1 when there is none.
std::pair<std::string, int> split_address(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size()) return {address, -1};
  const std::string digits = address.substr(colon + 1);
  const bool good = digits.size() <= 5 && std::all_of(digits.begin(), digits.end(),
                                                      [](char c) { return c >= '0' && c <= '9'; });
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {host.empty() ? "0.0.0.0" : host, good ? std::stoi(digits) : -1};
}

}  // namespace

struct Server::Wire {
  Simulator& simulator;
  Millis latency;
  httplib::Server http;
  std::thread thread;
  std::atomic<bool> stopping = false;
  socket_t listener = INVALID_SOCKET;

  Wire(Simulator& simulated, Millis wait) : simulator(simulated), latency(wait) {
    http.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    http.set_tcp_nodelay(true);
    // The library would let a second server share the port.
    http.set_socket_options([this](socket_t socket) {
      listener = socket;
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    http.set_keep_alive_max_count(kKeepAliveRequests);
    http.set_keep_alive_timeout(kKeepAliveSeconds);
    const auto handler = [this](const httplib::Request& request, httplib::Response& response) {
      handle(request, response);
    };
    http.Get(".*", handler)
        .Post(".*", handler)
        .Put(".*", handler)
        .Patch(".*", handler)
        .Delete(".*", handler)
        .Options(".*", handler);
  }

  /// Sleeps in naps, so that stopping does not wait for it.
  void wait(Millis time) const {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!stopping && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(
          std::min<std::chrono::nanoseconds>(kNap, end - std::chrono::steady_clock::now()));
    }
  }

  void handle(const httplib::Request& request, httplib::Response& response) {
    if (latency > Millis{0}) wait(latency);
    Reply reply = simulator.answer(to_wire(request), wall_now());
    if (reply.delay > Millis{0}) wait(reply.delay);
    if (reply.lost) {
      wait(kLostAnswer);
      reply.cut = true;
    }
    std::string type = "application/json";
    response.status = reply.response.status;
    for (const auto& [name, value] : reply.response.headers) {
      if (name == "content-type") {
        type = value;
      } else {
        response.headers.emplace(name, value);
      }
    }
    if (reply.cut) {
      send_cut(reply, type, response);
    } else {
      response.set_content(reply.response.body, type);
    }
  }
};

Server::Server(Simulator& simulator, Millis latency)
    : wire_(std::make_unique<Wire>(simulator, latency)) {}

Server::~Server() { stop(); }

Result<int> Server::start(const std::string& listen_address) {
  const auto [host, wanted] = split_address(listen_address);
  if (wanted < 0 || wanted > 65535) {
    return fail(ErrorKind::invalid_config, "not host:port: " + listen_address);
  }
  const bool any = wanted == 0;
  const int port = any ? wire_->http.bind_to_any_port(host)
                       : (wire_->http.bind_to_port(host, wanted) ? wanted : -1);
  if (port <= 0) return fail(ErrorKind::invalid_config, "cannot listen on " + listen_address);
  // The library's five would make a sixth who comes at once wait for a second.
  ::listen(wire_->listener, kBacklog);
  wire_->thread = std::thread([this] { wire_->http.listen_after_bind(); });
  return port;
}

void Server::stop() {
  if (!wire_->thread.joinable()) return;
  wire_->stopping = true;
  // A server that was started and stopped at once has to be running before it can be stopped.
  while (!wire_->http.is_running()) std::this_thread::sleep_for(kNap);
  wire_->http.stop();
  wire_->thread.join();
}

}  // namespace registry_exporter::simulator
