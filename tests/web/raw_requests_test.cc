// Requests, byte for byte, that are answered by path and method.
#include "tests/web/raw_exporter.h"

using namespace registry_exporter;
using namespace registry_exporter::web;
using namespace std::string_literals;
using namespace registry_exporter::testing;

TEST_CASE("raw requests: well-formed ones are answered by path and method") {
  Exporter exporter;
  const Row rows[] = {
      {"metrics", request("GET /metrics HTTP/1.1"), "200"},
      {"metrics, HEAD", request("HEAD /metrics HTTP/1.1"), "200h"},
      {"HEAD, then GET", request("HEAD /metrics HTTP/1.1") + request("GET /metrics HTTP/1.1"),
       "200h 200"},
      {"landing page", request("GET / HTTP/1.1"), "200"},
      {"landing page, HEAD", request("HEAD / HTTP/1.1"), "200h"},
      {"healthy", request("GET /-/healthy HTTP/1.1"), "200"},
      {"ready", request("GET /-/ready HTTP/1.1"), "200"},
      {"ready, HEAD", request("HEAD /-/ready HTTP/1.1"), "200h"},
      {"reload", request("POST /-/reload HTTP/1.1"), "200"},
      {"reload with an empty body", request("POST /-/reload HTTP/1.1", "Content-Length: 0\r\n"),
       "200"},
      {"reload by GET", request("GET /-/reload HTTP/1.1"), "405"},
      {"reload by HEAD", request("HEAD /-/reload HTTP/1.1"), "405h"},
      {"POST", request("POST /metrics HTTP/1.1"), "405"},
      {"PUT", request("PUT /metrics HTTP/1.1"), "405"},
      {"DELETE", request("DELETE /metrics HTTP/1.1"), "405"},
      {"PATCH", request("PATCH /metrics HTTP/1.1"), "405"},
      {"OPTIONS", request("OPTIONS /metrics HTTP/1.1"), "405"},
      {"OPTIONS *", request("OPTIONS * HTTP/1.1"), "405"},
      {"TRACE", request("TRACE /metrics HTTP/1.1"), "405"},
      {"CONNECT to a path", request("CONNECT /metrics HTTP/1.1"), "405"},
      {"CONNECT", request("CONNECT example.org:443 HTTP/1.1"), "400"},
      {"lower-case method", request("get /metrics HTTP/1.1"), "405"},
      {"unknown method", request("BREW /metrics HTTP/1.1"), "405"},
      {"long method", request(std::string(2000, 'A') + " /metrics HTTP/1.1"), "405"},
      {"odd token as method", request("!#$%&'*+-.^_`|~ /metrics HTTP/1.1"), "405"},
      {"POST to nowhere", request("POST /nowhere HTTP/1.1"), "404"},
      {"nowhere", request("GET /nowhere HTTP/1.1"), "404"},
      {"nowhere, HEAD", request("HEAD /nowhere HTTP/1.1"), "404h"},
      {"trailing slash", request("GET /metrics/ HTTP/1.1"), "404"},
      {"double slash", request("GET //metrics HTTP/1.1"), "404"},
      {"upper case", request("GET /METRICS HTTP/1.1"), "404"},
      {"dot segments", request("GET /../../etc/passwd HTTP/1.1"), "404"},
      {"escaped dot segments", request("GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1"), "404"},
      {"dot segments to metrics", request("GET /x/../metrics HTTP/1.1"), "404"},
      {"backslashes", request("GET \\..\\metrics HTTP/1.1"), "400"},
      {"escaped letter", request("GET /%6Detrics HTTP/1.1"), "200"},
      {"escaped slash", request("GET /%2Fmetrics HTTP/1.1"), "404"},
      {"escaped NUL", request("GET /metrics%00 HTTP/1.1"), "400"},
      {"escaped line end", request("GET /metrics%0d%0aX:y HTTP/1.1"), "400"},
      {"broken escape", request("GET /%zz HTTP/1.1"), "400"},
      {"cut escape", request("GET /metrics% HTTP/1.1"), "400"},
      {"fragment", request("GET /metrics#x HTTP/1.1"), "400"},
      {"absolute form", request("GET http://x/metrics HTTP/1.1"), "200"},
      {"absolute form without a path", request("GET http://x HTTP/1.1"), "200"},
      {"absolute form of another scheme", request("GET ftp://x/metrics HTTP/1.1"), "400"},
      {"no leading slash", request("GET metrics HTTP/1.1"), "400"},
      {"long path", request("GET /" + std::string(7000, 'a') + " HTTP/1.1"), "404"},
      {"long query", request("GET /metrics?" + std::string(7000, 'a') + " HTTP/1.1"), "200"},
      {"one registry", request("GET /metrics?registry=acr-prod HTTP/1.1"), "200"},
      {"unknown registry", request("GET /metrics?registry=x HTTP/1.1"), "400"},
      {"hostile registry", request("GET /metrics?registry=%22%3E%3Cscript%3E HTTP/1.1"), "400"},
      {"broken query", request("GET /metrics?registry=%f HTTP/1.1"), "400"},
      {"1,000 parameters",
       request("GET /metrics?" +
               [] {
                 std::string query;
                 for (int i = 0; i < 1000; ++i) query += "a=b&";
                 return query;
               }() +
               " HTTP/1.1"),
       "200"},
      {"three at once",
       request("GET /metrics HTTP/1.1") + request("GET /nowhere HTTP/1.1") +
           request("GET /-/ready HTTP/1.1"),
       "200 404 200"},
      {"an empty line before", "\r\n" + request("GET /metrics HTTP/1.1"), "200"},
      {"an empty line between",
       request("GET /metrics HTTP/1.1") + "\r\n" + request("GET /metrics HTTP/1.1"), "200 200"},
      {"later minor version", request("GET /metrics HTTP/1.2"), "200"},
      {"close", metrics("Connection: close\r\n"), "200 x"},
      {"close in a list", metrics("Connection: TE, CLOSE\r\n"), "200 x"},
      {"nothing after close", metrics("Connection: close\r\n") + metrics(""), "200 x"},
      {"HTTP/1.0", "GET /metrics HTTP/1.0\r\n\r\n", "200 x"},
      {"HTTP/1.0, HEAD", "HEAD /metrics HTTP/1.0\r\n\r\n", "200h x"},
      {"HTTP/1.0 kept", "GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200"},
      {"upgrade is ignored", metrics("Connection: Upgrade\r\nUpgrade: h2c\r\n"), "200"},
      {"range is ignored", metrics("Range: bytes=0-1,0-1,0-1,0-1\r\n"), "200"},
      {"conditions are ignored", metrics("If-None-Match: *\r\n"), "200"},
      {"cookies and proxies", metrics("Cookie: a=b\r\nX-Forwarded-For: 1.2.3.4\r\n"), "200"},
      {"empty header value", metrics("X-Empty:\r\n"), "200"},
      {"blanks around a value", metrics("X-Blank: \t a \t \r\n"), "200"},
      {"bytes above ASCII in a value", metrics("X-Byte: \xc3\xa4\xff\r\n"), "200"},
      {"many headers", metrics([] {
         std::string lines;
         for (int i = 0; i < 1500; ++i) lines += "a:\r\n";
         return lines;
       }()),
       "200"},
  };
  for (const Row& row : rows) check(exporter, row);
}

TEST_CASE("raw requests: negotiation and deadline headers, sane or not") {
  Exporter exporter;
  const auto timeout = [](const std::string& value) {
    return metrics("X-Prometheus-Scrape-Timeout-Seconds:" + value + "\r\n");
  };
  const Row rows[] = {
      {"gzip", metrics("Accept-Encoding: gzip\r\n"), "200"},
      {"gzip refused", metrics("Accept-Encoding: gzip;q=0\r\n"), "200"},
      {"garbage encoding", metrics("Accept-Encoding: ;;;q=nan,,\x01\r\n"), "400 x"},
      {"odd encoding", metrics("Accept-Encoding: ;;;q=nan,,\r\n"), "200"},
      {"garbage accept", metrics("Accept: \"\\,;q=;=\r\n"), "200"},
      {"nothing acceptable", metrics("Accept: image/png;q=1, */*;q=0\r\n"), "200"},
      {"long accept", metrics("Accept: " + std::string(7000, ',') + "\r\n"), "200"},
      {"timeout", timeout(" 10"), "200"},
      {"timeout with a fraction", timeout(" 0.25"), "200"},
      {"huge timeout", timeout(" 1e308"), "200"},
      {"zero", timeout(" 0"), "400"},
      {"negative", timeout(" -1"), "400"},
      {"empty", timeout(""), "400"},
      {"a word", timeout(" abc"), "400"},
      {"not a number", timeout(" nan"), "400"},
      {"infinite", timeout(" inf"), "400"},
      {"with a unit", timeout(" 10s"), "400"},
      {"hexadecimal", timeout(" 0x10"), "400"},
      {"too large for a double", timeout(" 1e999"), "400"},
      {"twice",
       metrics("X-Prometheus-Scrape-Timeout-Seconds: 10\r\n"
               "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n"),
       "400"},
      {"elsewhere it means nothing",
       request("GET /-/healthy HTTP/1.1", "X-Prometheus-Scrape-Timeout-Seconds: x\r\n"), "200"},
  };
  for (const Row& row : rows) check(exporter, row);
}

TEST_CASE("raw requests: the pages take queries of any kind, and answer with pages") {
  Exporter exporter;
  const auto page = [](const std::string& target) {
    return request("GET " + target + " HTTP/1.1");
  };
  const Row rows[] = {
      {"status", page("/status"), "200"},
      {"status, HEAD", request("HEAD /status HTTP/1.1"), "200h"},
      {"status by POST", request("POST /status HTTP/1.1"), "405"},
      {"status, sorted", page("/status?sort=last_read&order=desc"), "200"},
      {"status, sorted by nothing known", page("/status?sort=size"), "400"},
      {"status, hostile order", page("/status?order=%3Cscript%3E"), "400"},
      {"status, filtered", page("/status?state=failing&registry=x&q=y"), "200"},
      {"status, hostile text", page("/status?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"), "200"},
      {"status, text that is no UTF-8", page("/status?q=%ff%fe"), "200"},
      {"status, text with a NUL", page("/status?q=%00"), "200"},
      {"status, long text", page("/status?q=" + std::string(7000, 'x')), "200"},
      {"status, page 0", page("/status?page=0"), "400"},
      {"status, negative page", page("/status?page=-1"), "400"},
      {"status, far page", page("/status?page=999999999"), "200"},
      {"status, page too far for a number", page("/status?page=99999999999999999999"), "400"},
      {"status, page in another base", page("/status?page=0x1"), "400"},
      {"status, huge pages", page("/status?per_page=999999999"), "400"},
      {"status, the same key often", page("/status?page=1&page=2&page=3"), "200"},
      {"status, unknown key", page("/status?x=y"), "200"},
      {"status, broken escape", page("/status?q=%"), "400"},
      {"status with a path below", page("/status/x"), "404"},
      {"status, escaped", page("/%73tatus"), "200"},
      {"repositories", page("/api/v1/repositories"), "200"},
      {"repositories, HEAD", request("HEAD /api/v1/repositories HTTP/1.1"), "200h"},
      {"repositories by DELETE", request("DELETE /api/v1/repositories HTTP/1.1"), "405"},
      {"repositories, one state", page("/api/v1/repositories?state=stale"), "200"},
      {"repositories, unknown state", page("/api/v1/repositories?state=x"), "400"},
      {"repositories, a slash more", page("/api/v1/repositories/"), "404"},
      {"another version", page("/api/v2/repositories"), "404"},
      {"the API's root", page("/api"), "404"},
      {"favicon", page("/favicon.ico"), "404"},
      {"robots", page("/robots.txt"), "404"},
      {"debug", page("/debug/pprof/"), "404"},
      {"dot files", page("/.git/config"), "404"},
      {"environment", page("/proc/self/environ"), "404"},
      {"configuration", page("/-/config"), "404"},
      {"quit", request("POST /-/quit HTTP/1.1"), "404"},
      {"landing page with a query", page("/?%3Cscript%3E"), "200"},
      {"landing page with garbage for a query", page("/?&&=&=="), "200"},
      {"password where none is asked", request("GET / HTTP/1.1", "Authorization: Basic eDp5\r\n"),
       "200"},
      {"two passwords where none is asked",
       request("GET / HTTP/1.1", "Authorization: a\r\nAuthorization: b\r\n"), "200"},
      {"another site's origin", request("GET / HTTP/1.1", "Origin: http://evil.example\r\n"),
       "200"},
      {"a site asks whether it may",
       request("OPTIONS / HTTP/1.1",
               "Origin: http://evil.example\r\n"
               "Access-Control-Request-Method: POST\r\n"),
       "405"},
      {"another method by header",
       request("GET /-/reload HTTP/1.1", "X-HTTP-Method-Override: POST\r\n"), "405"},
      {"another address by header",
       request("GET /-/healthy HTTP/1.1", "X-Original-URL: /metrics\r\n"), "200"},
      {"a web socket",
       request("GET / HTTP/1.1",
               "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
       "200"},
  };
  for (const Row& row : rows) check(exporter, row);
}

TEST_CASE("raw requests: a request is understood when it comes byte by byte") {
  Exporter exporter;
  RawClient client(exporter.address);
  const std::string bytes = "\r\n" + metrics("Accept: */*\r\n") + metrics("");
  for (const char byte : bytes) REQUIRE(client.send(std::string(1, byte)));
  CHECK(client.receive().body == "up 1\n");
  CHECK(client.receive().body == "up 1\n");
}

TEST_CASE("raw requests: HEAD has the length of GET and no body") {
  Exporter exporter;
  RawClient client(exporter.address);
  client.send(request("HEAD /metrics HTTP/1.1") + request("GET /metrics HTTP/1.1"));
  const auto head = client.receive(true);
  const auto whole = client.receive();
  CHECK(head.head.find("\r\nContent-Length: 5\r\n") != std::string::npos);
  CHECK(whole.head.find("\r\nContent-Length: 5\r\n") != std::string::npos);
  CHECK(whole.body == "up 1\n");
}
