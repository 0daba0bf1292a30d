#include "exporter/web/http_head.h"

#include <doctest/doctest.h>

#include <string>

#include "exporter/web/eviction.h"
#include "exporter/web/listen_address.h"

using namespace registry_exporter;
using namespace std::string_literals;

TEST_CASE("http_head: the end of a head is the same however its bytes arrive") {
  const std::string samples[] = {
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /second",
      "GET / HTTP/1.1\nHost: x\n\n",
      "GET / HTTP/1.1\r\nHost: x\r\rn",
      "GET / HTTP/1.1\r\nA: \0\r\n\r\n"s,
      "\x16\x03\x01\x02",
      "GET /",
      "\r\n\r\n",
  };
  for (const std::string& sample : samples) {
    CAPTURE(sample);
    const HeadEnd whole = find_head_end(sample, 0);
    for (std::size_t cut = 0; cut <= sample.size(); ++cut) {
      CAPTURE(cut);
      HeadEnd end = find_head_end(sample.substr(0, cut), 0);
      if (end.scan == HeadScan::incomplete) end = find_head_end(sample, end.bytes);
      CHECK(end.scan == whole.scan);
      CHECK(end.bytes == whole.bytes);
    }
  }
}

TEST_CASE("http_head: what is asked and whether the connection stays") {
  struct Row {
    const char* head;
    bool keep_alive;
  };
  const Row rows[] = {
      {"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", true},
      {"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false},
      {"GET /a HTTP/1.1\r\nHost: x\r\nConnection: TE, Close\r\n\r\n", false},
      {"GET /a HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false},
      {"GET /a HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n", true},
      {"GET /a HTTP/1.0\r\n\r\n", false},
      {"GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
      {"GET /a HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.head);
    const auto parsed = parse_request_head(row.head);
    const auto* head = std::get_if<RequestHead>(&parsed);
    REQUIRE(head != nullptr);
    CHECK(head->keep_alive == row.keep_alive);
    CHECK(head->request.method == "GET");
    CHECK(head->request.target == "/a");
  }
}

TEST_CASE("http_head: names come in lower case, values without the blanks around them") {
  const auto parsed = parse_request_head(
      "GET / HTTP/1.1\r\nHOST:x:1\r\nUser-Agent: \t a b \t\r\nX-Empty:\r\nX-Byte: \xff\r\n\r\n");
  const auto* head = std::get_if<RequestHead>(&parsed);
  REQUIRE(head != nullptr);
  CHECK(head->request.header("host") == "x:1");
  CHECK(head->request.header("user-agent") == "a b");
  CHECK(head->request.header("x-empty").empty());
  CHECK(head->request.header("x-byte") == "\xff");
  CHECK(head->request.headers.size() == 4);
}

TEST_CASE("http_head: an answer's head can't be broken by what is put into it") {
  WebResponse response = text_response(404, "nothing\n");
  response.headers.emplace_back("X-Good", "yes");
  response.headers.emplace_back("X-Bad", "a\r\nSet-Cookie: b");
  response.headers.emplace_back("X Bad", "a");
  response.headers.emplace_back("X-Nul", "a\0b"s);
  const std::string head = format_response_head(response, UnixMillis{}, ConnectionHeader::close);
  CHECK(head ==
        "HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 8\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
        "Cache-Control: no-store\r\nX-Good: yes\r\nConnection: close\r\n\r\n");
}

TEST_CASE("listen_address: host:port, :port and [v6]:port, and nothing else") {
  struct Row {
    const char* text;
    const char* host;  ///< nullptr: refused.
    int port;
  };
  const Row rows[] = {
      {":10067", "", 10067},
      {"127.0.0.1:0", "127.0.0.1", 0},
      {"[::1]:80", "::1", 80},
      {"[::]:80", "::", 80},
      {"localhost:1", "localhost", 1},
      {":65535", "", 65535},
      {"", nullptr, 0},
      {"10067", nullptr, 0},
      {":", nullptr, 0},
      {":65536", nullptr, 0},
      {":-1", nullptr, 0},
      {":http", nullptr, 0},
      {"::1:80", nullptr, 0},
      {"[::1]", nullptr, 0},
      {"[]:80", nullptr, 0},
      {"[x]:80", nullptr, 0},
      {"a b:80", nullptr, 0},
      {"http://x:80", nullptr, 0},
      {": 80", nullptr, 0},
      {"x:80 ", nullptr, 0},
      {"[::1:80", nullptr, 0},
      {"[::zz]:80", nullptr, 0},
      {"[fe80::1%eth7]:80", "fe80::1%eth7", 80},
      {"exporter-0.exporter.monitoring.svc:80", "exporter-0.exporter.monitoring.svc", 80},
      {"my_host.:80", "my_host.", 80},
      {"999.1.1.1:80", nullptr, 0},
      {"1.2.3.4.5:80", nullptr, 0},
      {"a..b:80", nullptr, 0},
      {".:80", nullptr, 0},
      {"h\xc3\xb6st:80", nullptr, 0},
      {"host!:80", nullptr, 0},
      {"0123456789012345678901234567890123456789012345678901234567890123.x:80", nullptr, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto address = parse_listen_address(row.text);
    CHECK(address.has_value() == (row.host != nullptr));
    if (!address) CHECK(address.error().kind == ErrorKind::invalid_config);
    if (address && row.host != nullptr) {
      CHECK(address->host == row.host);
      CHECK(address->port == row.port);
    }
  }
}

TEST_CASE("eviction: idle before heads before readers, the longest first, answers never") {
  using enum ConnectionPhase;
  const auto at = [](int second) { return SteadyTime{std::chrono::seconds(second)}; };
  struct Row {
    const char* name;
    std::vector<ConnectionState> connections;
    std::optional<std::size_t> chosen;
  };
  const Row rows[] = {
      {"nobody", {}, {}},
      {"only answers under way", {{processing, at(1)}, {processing, at(2)}}, {}},
      {"oldest idle", {{idle, at(3)}, {idle, at(1)}, {idle, at(2)}}, 1},
      {"a young idle one before an old head", {{head, at(1)}, {idle, at(9)}}, 1},
      {"oldest head", {{writing, at(1)}, {head, at(5)}, {head, at(4)}}, 2},
      {"slowest reader", {{processing, at(1)}, {writing, at(7)}, {writing, at(6)}}, 2},
      {"one that is over anyway", {{idle, at(1)}, {lingering, at(9)}}, 1},
      {"the first of equals", {{idle, at(1)}, {idle, at(1)}}, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(choose_eviction(row.connections) == row.chosen);
  }
}
