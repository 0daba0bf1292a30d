#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace registry_exporter::testing {

/// A client that sends exactly the bytes it is told to. Waits are bounded by a generous limit, so
/// that a hanging server fails a test instead of holding it up.
class RawClient {
 public:
  /// `receive_bytes`: size of the socket's receive buffer; 0: the system's choice.
  explicit RawClient(const std::string& address, int receive_bytes = 0) {
    const std::size_t colon = address.rfind(':');
    descriptor_ = ::socket(AF_INET, SOCK_STREAM, 0);
    if (receive_bytes > 0) {
      ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    }
    const timeval limit{20, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  ~RawClient() { close(); }
  RawClient(RawClient&& other) noexcept
      : descriptor_(other.descriptor_), connected_(other.connected_), input_(other.input_) {
    other.descriptor_ = -1;
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  /// Closes with a reset instead of a farewell.
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void finish_sending() { ::shutdown(descriptor_, SHUT_WR); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  struct Response {
    int status = 0;  ///< 0: none came.
    std::string head;
    std::string body;
  };
  Response receive(bool head_only = false) {
    std::size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return {};
    }
    Response response;
    response.head = input_.substr(0, end + 4);
    input_.erase(0, end + 4);
    response.status = std::atoi(response.head.c_str() + 9);
    const std::string name = "\r\nContent-Length: ";
    const std::size_t field = response.head.find(name);
    if (head_only || field == std::string::npos) return response;
    const auto length = std::strtoull(response.head.c_str() + field + name.size(), nullptr, 10);
    while (input_.size() < length) {
      if (!read_more()) return {};
    }
    response.body = input_.substr(0, length);
    input_.erase(0, length);
    return response;
  }
  /// Whether the server closes without another byte.
  bool closed_by_server() { return input_.empty() && !read_more(); }

 private:
  bool read_more() {
    char buffer[65536];
    const ssize_t got = ::recv(descriptor_, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    input_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  int descriptor_ = -1;
  bool connected_ = false;
  std::string input_;
};

inline RawClient::Response get(const std::string& address, const std::string& target) {
  RawClient client(address);
  client.send("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  return client.receive();
}

}  // namespace registry_exporter::testing
