#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/net/certificate.h"

namespace registry_exporter::testing {

/// A TCP server on loopback that does to each connection what a test tells it to: raw bytes, TLS
/// when asked for. It ends at once, whatever its connections are doing.
class NastyServer {
 public:
  class Connection {
   public:
    Connection(NastyServer& server, int descriptor) : server_(server), descriptor_(descriptor) {}
    ~Connection() {
      while (!tls_.empty()) tls_.pop_back();
      ::close(descriptor_);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    bool send(std::string_view bytes) {
      while (!bytes.empty()) {
        const long sent = write(bytes);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      }
      return true;
    }
    /// The head of a request, or "" when the client has gone.
    std::string read_head() {
      std::string head;
      char byte = 0;
      while (!head.ends_with("\r\n\r\n")) {
        if (read(&byte) != 1) return {};
        head += byte;
      }
      return head;
    }
    /// Waits for the client to go, or for the end of the server.
    void hang() {
      char byte = 0;
      while (read(&byte) == 1) continue;
    }
    /// Reads what the client sends below TLS until it goes, so that closing is no reset: a client
    /// would see that instead of the alert before it.
    void drain() {
      char bytes[512];
      while (::recv(descriptor_, bytes, sizeof bytes, 0) > 0) continue;
    }
    /// One piece every few milliseconds, for ever.
    void drip(std::string_view piece) {
      while (send(piece) && !server_.sleep(std::chrono::milliseconds(10))) continue;
    }
    /// Closes with a reset instead of a farewell.
    void reset() {
      const linger hard{1, 0};
      ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    /// TLS from here on, inside of TLS when it is there already. False: no handshake.
    bool start_tls(const Certificate& certificate,
                   const std::function<void(SSL_CTX*)>& adjust = {}) {
      const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
          SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
      SSL_CTX_use_certificate(context.get(), certificate.x509());
      SSL_CTX_use_PrivateKey(context.get(), certificate.key());
      if (adjust) adjust(context.get());
      Tls tls(SSL_new(context.get()), SSL_free);
      if (tls_.empty()) {
        SSL_set_fd(tls.get(), descriptor_);
      } else {
        BIO* below = BIO_new(BIO_f_ssl());
        BIO_set_ssl(below, tls_.back().get(), BIO_NOCLOSE);
        SSL_set_bio(tls.get(), below, below);
      }
      const bool is_done = SSL_accept(tls.get()) == 1;
      tls_.push_back(std::move(tls));
      return is_done;
    }

   private:
    using Tls = std::unique_ptr<SSL, decltype(&SSL_free)>;
    long write(std::string_view bytes) {
      if (tls_.empty()) return ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      return SSL_write(tls_.back().get(), bytes.data(), static_cast<int>(bytes.size()));
    }
    long read(char* byte) {
      if (tls_.empty()) return ::recv(descriptor_, byte, 1, 0);
      return SSL_read(tls_.back().get(), byte, 1);
    }

    NastyServer& server_;
    int descriptor_;
    std::vector<Tls> tls_;
  };
  using Behaviour = std::function<void(Connection&)>;

  explicit NastyServer(Behaviour behaviour) : behaviour_(std::move(behaviour)) {
    ::signal(SIGPIPE, SIG_IGN);  // From within OpenSSL.
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    ::listen(listener_, 16);
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~NastyServer() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const int descriptor : open_) ::shutdown(descriptor, SHUT_RDWR);
    }
    changed_.notify_all();
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    for (std::thread& thread : serving_) thread.join();
    ::close(listener_);
  }
  NastyServer(const NastyServer&) = delete;
  NastyServer& operator=(const NastyServer&) = delete;

  std::string origin(std::string_view scheme = "http", std::string_view host = "127.0.0.1") const {
    return std::string(scheme) + "://" + std::string(host) + ":" + std::to_string(port_);
  }
  int connections() const { return connections_; }
  /// True: the server ends.
  bool sleep(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [this] { return stopping_; });
  }

 private:
  void accept_all() {
    for (;;) {
      const int descriptor = ::accept(listener_, nullptr, nullptr);
      if (descriptor < 0) return;
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        ::close(descriptor);
        return;
      }
      ++connections_;
      open_.push_back(descriptor);
      serving_.emplace_back([this, descriptor] { serve(descriptor); });
    }
  }
  void serve(int descriptor) {
    Connection connection(*this, descriptor);
    behaviour_(connection);
    const std::lock_guard lock(mutex_);
    std::erase(open_, descriptor);
  }

  Behaviour behaviour_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::vector<int> open_;
  std::vector<std::thread> serving_;
  std::thread accepting_;
};

}  // namespace registry_exporter::testing
