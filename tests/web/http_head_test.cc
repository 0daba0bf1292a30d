#include "exporter/web/http_head.h"

#include <doctest/doctest.h>

#include <string>

using namespace registry_exporter;
using namespace registry_exporter::web;
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
