#include "exporter/web/server.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

#include "exporter/web/http_head.h"
#include "tests/web/raw_client.h"

using namespace registry_exporter;
using namespace registry_exporter::web;
using registry_exporter::testing::get;
using registry_exporter::testing::RawClient;

namespace {

using Reply = std::function<void(WebResponse)>;

/// A handler with known answers: "/big" is 64 MB, "/later" waits in `later`, anything else is
/// answered with its own target.
struct Site {
  std::mutex mutex;
  std::vector<Reply> later;
  std::vector<bool> sent;
  std::atomic<int> later_count{0};
  std::atomic<int> sent_count{0};

  WebResponse big() {
    static const auto piece = std::make_shared<const std::string>(1U << 20U, 'x');
    WebResponse response = text_response(200, "");
    response.body.assign(64, piece);
    note_end(response);
    return response;
  }
  void note_end(WebResponse& response) {
    response.when_done = [this](bool whole) {
      const std::lock_guard lock(mutex);
      sent.push_back(whole);
      ++sent_count;
    };
  }
  WebHandler handler() {
    return [this](WebRequest request, Reply reply) {
      if (request.target == "/big") return reply(big());
      if (request.target == "/lost") return;
      if (request.target == "/throws") throw std::runtime_error("by the test");
      if (request.target == "/later") {
        const std::lock_guard lock(mutex);
        later.push_back(std::move(reply));
        ++later_count;
        return;
      }
      WebResponse response = text_response(200, request.target);
      note_end(response);
      reply(std::move(response));
    };
  }
  Reply take_later() {
    while (later_count == 0) std::this_thread::yield();
    const std::lock_guard lock(mutex);
    --later_count;
    Reply reply = std::move(later.back());
    later.pop_back();
    return reply;
  }
  bool next_end() {
    while (sent_count == 0) std::this_thread::yield();
    const std::lock_guard lock(mutex);
    --sent_count;
    const bool end = sent.front();
    sent.erase(sent.begin());
    return end;
  }
};

ServerOptions local() { return {.listen_addresses = {"127.0.0.1:0"}}; }

struct Running {
  Site site;
  std::unique_ptr<Server> server;
  std::string address;

  explicit Running(ServerOptions options = local()) {
    server = make_server(std::move(options), site.handler());
    REQUIRE(server->start());
    address = server->addresses().at(0);
  }
};

constexpr const char* kBigRequest = "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace

TEST_CASE("server: requests sent at once are answered in order") {
  Running running;
  RawClient client(running.address);
  std::string all;
  for (int i = 0; i < 500; ++i) {
    all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  std::thread sender([&] { client.send(all); });
  for (int i = 0; i < 500; ++i) {
    const auto response = client.receive();
    REQUIRE(response.status == 200);
    REQUIRE(response.body == "/" + std::to_string(i));
  }
  sender.join();
}

TEST_CASE("server: a later request waits for the answer to the earlier one") {
  Running running;
  RawClient client(running.address);
  client.send(
      "GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
  running.site.take_later()(text_response(200, "/1"));
  CHECK(client.receive().body == "/1");
  CHECK(client.receive().body == "/2");
  CHECK(client.receive().body == "/3");
}

TEST_CASE("server: a client that has finished sending still gets its answer") {
  Running running;
  RawClient client(running.address);
  client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  client.finish_sending();
  CHECK(client.receive().body.size() == 64U << 20U);
  CHECK(client.closed_by_server());
  CHECK(running.site.next_end());
}

TEST_CASE("server: the answer is done only when all of it was handed over") {
  ServerOptions options = local();
  SUBCASE("the client reads all") {
    Running running(options);
    CHECK(get(running.address, "/x").body == "/x");
    CHECK(running.site.next_end());
  }
  SUBCASE("the client reads nothing until the deadline") {
    options.response_timeout = Millis{50};
    Running running(options);
    RawClient client(running.address, 4096);
    client.send(kBigRequest);
    CHECK(!running.site.next_end());
    CHECK(get(running.address, "/alive").status == 200);
  }
  SUBCASE("the answer says how long it may take") {
    Running running(options);
    RawClient client(running.address, 4096);
    client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    WebResponse response = running.site.big();
    response.send_within = Millis{1};
    running.site.take_later()(std::move(response));
    CHECK(!running.site.next_end());
  }
  SUBCASE("the client goes while it takes the answer") {
    Running running(options);
    RawClient client(running.address, 4096);
    client.send(kBigRequest);
    client.reset();
    CHECK(!running.site.next_end());
    CHECK(get(running.address, "/alive").status == 200);
  }
  SUBCASE("the client goes while the answer is made") {
    Running running(options);
    RawClient client(running.address);
    client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    const Reply reply = running.site.take_later();
    client.reset();
    reply(running.site.big());
    CHECK(!running.site.next_end());
    reply(running.site.big());  // A second answer to one request is nobody's.
    CHECK(get(running.address, "/alive").status == 200);
  }
}

TEST_CASE("server: a request that nobody answers is a 500, not a hanging client") {
  Running running;
  CHECK(get(running.address, "/lost").status == 500);
  CHECK(get(running.address, "/throws").status == 500);
  CHECK(get(running.address, "/alive").status == 200);
}

TEST_CASE("server: crowds of idle, dripping and not reading clients keep nobody waiting") {
  ServerOptions options = local();
  options.connections_max = 16;
  Running running(options);
  std::vector<RawClient> crowd;
  const auto honest = [&] {
    for (int i = 0; i < 5; ++i) CHECK(get(running.address, "/honest").body == "/honest");
  };
  SUBCASE("idle") {
    for (int i = 0; i < 50; ++i) crowd.emplace_back(running.address);
    honest();
    CHECK(crowd.front().closed_by_server());
  }
  SUBCASE("idle after an answer") {
    for (int i = 0; i < 50; ++i) {
      crowd.emplace_back(running.address).send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
      CHECK(crowd.back().receive().status == 200);
    }
    honest();
    CHECK(crowd.front().closed_by_server());
  }
  SUBCASE("heads that don't end") {
    for (int i = 0; i < 50; ++i) crowd.emplace_back(running.address).send("GET / HTTP/1.1\r\nA: ");
    honest();
    CHECK(crowd.front().closed_by_server());
  }
  SUBCASE("answers not taken") {
    for (int i = 0; i < 50; ++i) crowd.emplace_back(running.address, 4096).send(kBigRequest);
    honest();
  }
}

TEST_CASE("server: answers being made are never given up for a newcomer") {
  ServerOptions options = local();
  options.connections_max = 2;
  Running running(options);
  RawClient first(running.address);
  first.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  const Reply reply_first = running.site.take_later();
  RawClient second(running.address);
  second.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  const Reply reply_second = running.site.take_later();
  RawClient third(running.address);
  CHECK(third.closed_by_server());
  reply_first(text_response(200, "first"));
  reply_second(text_response(200, "second"));
  CHECK(first.receive().body == "first");
  CHECK(second.receive().body == "second");
}

TEST_CASE("server: a head that takes too long is told so and closed") {
  ServerOptions options = local();
  options.head_timeout = Millis{30};
  Running running(options);
  SUBCASE("nothing sent") {
    RawClient client(running.address);
    CHECK(client.closed_by_server());
  }
  SUBCASE("half a head") {
    RawClient client(running.address);
    client.send("GET / HTTP/1.1\r\n");
    CHECK(client.receive().status == 408);
    CHECK(client.closed_by_server());
  }
  SUBCASE("half a second head") {
    RawClient client(running.address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /");
    CHECK(client.receive().status == 200);
    CHECK(client.receive().status == 408);
    CHECK(client.closed_by_server());
  }
  SUBCASE("an idle connection is not a head") {
    options.idle_timeout = Millis{50};
    Running other(options);
    RawClient client(other.address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(client.receive().status == 200);
    CHECK(client.closed_by_server());  // Without a 408.
  }
}

TEST_CASE("server: stopping lets answers under way end, and nothing else") {
  Running running;
  RawClient busy(running.address);
  busy.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  const Reply reply = running.site.take_later();
  RawClient idle(running.address);
  idle.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(idle.receive().status == 200);
  std::thread stopper([&] { running.server->stop(Millis{15'000}); });
  CHECK(idle.closed_by_server());
  reply(running.site.big());
  const auto response = busy.receive();
  CHECK(response.body.size() == 64U << 20U);
  CHECK(response.head.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(busy.closed_by_server());
  busy.close();
  stopper.join();
  CHECK(!RawClient(running.address).connected());
}

TEST_CASE("server: an answer that comes after the grace is told that nobody took it") {
  Running running;
  RawClient client(running.address);
  client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  const Reply reply = running.site.take_later();
  running.server->stop(Millis{10});
  CHECK(client.closed_by_server());
  reply(running.site.big());
  CHECK(!running.site.next_end());
  running.server->stop(Millis{10});
  running.server.reset();
}

TEST_CASE("server: a reply may outlive its server") {
  auto running = std::make_unique<Running>();
  RawClient client(running->address);
  client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  Reply reply = running->site.take_later();
  running.reset();
  bool told = false;
  WebResponse response = text_response(200, "late");
  response.when_done = [&](bool whole) { told = !whole; };
  reply(std::move(response));
  reply = nullptr;
  CHECK(told);
}

TEST_CASE("server: without a descriptor to accept with it rests and recovers") {
  Running running;
  const int next = ::dup(0);
  ::close(next);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit scarce{static_cast<rlim_t>(next) + 1, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &scarce);
  RawClient client(running.address);  // Takes the last one.
  client.send("GET /patient HTTP/1.1\r\nHost: x\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(client.receive().body == "/patient");
}
