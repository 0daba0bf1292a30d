// What the server listens on: configured addresses, or the sockets that systemd passes.
#include <doctest/doctest.h>
#include <fcntl.h>

#include <cstdlib>

#include "exporter/web/http_head.h"
#include "exporter/web/server.h"
#include "tests/web/raw_client.h"

using namespace registry_exporter;
using namespace registry_exporter::web;
using registry_exporter::testing::get;

namespace {

/// Answers every request with its own target.
WebHandler echo() {
  return [](const WebRequest& request, const std::function<void(WebResponse)>& reply) {
    reply(text_response(200, request.target));
  };
}

}  // namespace

TEST_CASE("server: several addresses, each with the port it got") {
  const auto server =
      make_server({.listen_addresses = {"127.0.0.1:0", ":0", "localhost:0"}}, echo());
  REQUIRE(server->start());
  REQUIRE(server->addresses().size() == 3);
  for (const std::string& address : server->addresses()) {
    CAPTURE(address);
    CHECK(get(address, "/x").body == "/x");
  }
}

TEST_CASE("server: what it can't listen on is said with the address and the flag") {
  const auto taken = make_server({.listen_addresses = {"127.0.0.1:0"}}, echo());
  REQUIRE(taken->start());
  struct Row {
    std::string address;
    ErrorKind kind;
  };
  const Row rows[] = {
      {taken->addresses().at(0), ErrorKind::transport},
      {"192.0.2.1:0", ErrorKind::transport},
      {"nonsense", ErrorKind::invalid_config},
      {"no.such.host.invalid:0", ErrorKind::transport},
  };
  for (const Row& row : rows) {
    CAPTURE(row.address);
    const auto server = make_server({.listen_addresses = {row.address}}, echo());
    const auto started = server->start();
    REQUIRE(!started);
    CHECK(started.error().kind == row.kind);
    const std::string host = row.address.substr(0, row.address.rfind(':'));
    CHECK(started.error().detail.find(host) != std::string::npos);
    CHECK(started.error().detail.find("listen") != std::string::npos);
    server->stop(Millis{0});
  }
}

TEST_CASE("server: systemd's sockets are taken when they are ours and listening") {
  constexpr int kFirst = 3;
  const int kept = ::fcntl(kFirst, F_DUPFD_CLOEXEC, 100);
  const auto pass = [&](int descriptor) {
    ::dup2(descriptor, kFirst);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "1", 1);
  };
  const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listening, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  ServerOptions options;
  options.systemd_socket = true;
  SUBCASE("a listening one") {
    REQUIRE(::listen(listening, 16) == 0);
    pass(listening);
    const auto server = make_server(options, echo());
    REQUIRE(server->start());
    CHECK(get(server->addresses().at(0), "/x").body == "/x");
  }
  SUBCASE("one that doesn't listen") {
    pass(listening);
    CHECK(!make_server(options, echo())->start());
  }
  SUBCASE("a file") {
    const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    pass(file);
    CHECK(!make_server(options, echo())->start());
    ::close(file);
  }
  SUBCASE("another process's") {
    REQUIRE(::listen(listening, 16) == 0);
    pass(listening);
    ::setenv("LISTEN_PID", "1", 1);
    CHECK(!make_server(options, echo())->start());
  }
  SUBCASE("none") {
    ::unsetenv("LISTEN_FDS");
    const auto started = make_server(options, echo())->start();
    REQUIRE(!started);
    CHECK(started.error().kind == ErrorKind::invalid_config);
  }
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDS");
  ::close(listening);
  if (kept >= 0) {
    ::dup2(kept, kFirst);
    ::close(kept);
  }
}
