// What bytes from a socket get for an answer, with the real server and the real routes.
#include <doctest/doctest.h>

#include <sstream>
#include <vector>

#include "exporter/base/runtime.h"
#include "exporter/web/routes.h"
#include "exporter/web/server.h"
#include "exporter/web/task_threads.h"
#include "tests/web/raw_client.h"

using namespace registry_exporter;
using namespace std::string_literals;
using registry_exporter::testing::get;
using registry_exporter::testing::RawClient;

namespace {

/// The least that the pages need of the program.
struct Services final : WebServices {
  TaskThreads tasks{system_runtime().threads, 8};

  bool registry_exists(const std::string& name) const override { return name == "acr-prod"; }
  ScrapeResponse scrape(const ScrapeRequest&) override {
    return {.chunks = {std::make_shared<const std::string>("up 1\n")}, .when_done = nullptr};
  }
  RepositoryOverview repositories() const override { return {}; }
  std::vector<std::string> refused_configurations() const override { return {}; }
  bool ready() const override { return true; }
  Millis scrape_timeout() const override { return Millis{10'000}; }
  std::optional<std::string> reload() override { return std::nullopt; }
  bool run_task(std::function<void()> task) override { return tasks.run(std::move(task)); }
};

struct Exporter {
  Services services;
  Routes routes{{.enable_lifecycle = true}, services};
  std::unique_ptr<Server> server = make_server(
      {.listen_addresses = {"127.0.0.1:0"}},
      [this](WebRequest request, Routes::Reply reply) { routes.handle(request, reply); });
  std::string address;

  Exporter() {
    REQUIRE(server->start());
    address = server->addresses().at(0);
  }
  ~Exporter() {
    server->stop(Millis{0});
    services.tasks.stop();
  }
};

struct Row {
  const char* name;
  std::string bytes;
  /// Codes in order; 'h': without a body; a last 'x': then the server closes.
  const char* responses;
};

/// Checks one conversation; a row without 'x' must leave the connection usable.
void check(const Exporter& exporter, const Row& row) {
  CAPTURE(row.name);
  RawClient client(exporter.address);
  REQUIRE(client.connected());
  client.send(row.bytes);  // May be cut short by a refusal.
  std::istringstream words(row.responses);
  bool closes = false;
  for (std::string word; words >> word;) {
    if (word == "x") {
      closes = true;
      continue;
    }
    const bool head_only = word.ends_with('h');
    const auto response = client.receive(head_only);
    CHECK(response.status == std::stoi(word));
    CHECK(response.head.find("\r\nDate: ") != std::string::npos);
    CHECK(response.head.find("\r\nContent-Length: ") != std::string::npos);
    CHECK(response.head.find("\r\nX-Content-Type-Options: nosniff\r\n") != std::string::npos);
  }
  if (closes) {
    CHECK(client.closed_by_server());
  } else {
    client.send("GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(client.receive().body == "healthy\n");
  }
  CHECK(get(exporter.address, "/-/healthy").status == 200);
}

/// A whole request with these header lines (each ending in CRLF).
std::string request(const std::string& line, const std::string& headers = "") {
  return line + "\r\nHost: x\r\n" + headers + "\r\n";
}
std::string metrics(const std::string& headers) {
  return request("GET /metrics HTTP/1.1", headers);
}

}  // namespace

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

TEST_CASE("raw requests: bodies are refused unread, and what could hide a request is malformed") {
  Exporter exporter;
  const auto post = [](const std::string& headers, const std::string& body = "") {
    return request("POST /-/reload HTTP/1.1", headers) + body;
  };
  const std::string second = request("GET /metrics HTTP/1.1");
  const Row rows[] = {
      {"a body", post("Content-Length: 5\r\n", "hello"), "413 x"},
      {"a body not sent yet", post("Content-Length: 5\r\n"), "413 x"},
      {"a body for GET", metrics("Content-Length: 5\r\n") + "hello", "413 x"},
      {"a body for HEAD", request("HEAD /metrics HTTP/1.1", "Content-Length: 5\r\n") + "hello",
       "413h x"},
      {"10 GB", post("Content-Length: 10000000000\r\n", std::string(300'000, 'x')), "413 x"},
      {"chunked", post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), "413 x"},
      {"chunked, spelled oddly", post("tRANSFER-eNCODING:\tChunked \r\n"), "413 x"},
      {"endless chunks", post("Transfer-Encoding: chunked\r\n", std::string(300'000, '1')),
       "413 x"},
      {"negative chunk", post("Transfer-Encoding: chunked\r\n", "-1\r\n"), "413 x"},
      {"a request in the body", post("Content-Length: 40\r\n", second), "413 x"},
      {"length zero, then a request", post("Content-Length: 0\r\n", second), "200 200"},
      {"length zero, spelled long", post("Content-Length: 000\r\n"), "200"},
      {"length and coding", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", second),
       "400 x"},
      {"coding and length zero",
       post("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", second), "400 x"},
      {"two equal lengths", post("Content-Length: 0\r\nContent-Length: 0\r\n", second), "400 x"},
      {"two different lengths", post("Content-Length: 0\r\nContent-Length: 5\r\n", second),
       "400 x"},
      {"lengths in a list", post("Content-Length: 0, 0\r\n", second), "400 x"},
      {"negative length", post("Content-Length: -1\r\n", second), "400 x"},
      {"signed length", post("Content-Length: +0\r\n", second), "400 x"},
      {"hexadecimal length", post("Content-Length: 0x0\r\n", second), "400 x"},
      {"fractional length", post("Content-Length: 0.0\r\n", second), "400 x"},
      {"empty length", post("Content-Length:\r\n", second), "400 x"},
      {"length of a word", post("Content-Length: zero\r\n", second), "400 x"},
      {"length with a blank inside", post("Content-Length: 0 0\r\n", second), "400 x"},
      {"overflowing length", post("Content-Length: 18446744073709551616\r\n", second), "400 x"},
      {"unknown coding", post("Transfer-Encoding: xchunked\r\n", second), "400 x"},
      {"identity coding", post("Transfer-Encoding: identity\r\n", second), "400 x"},
      {"chunked not last", post("Transfer-Encoding: chunked, identity\r\n", second), "400 x"},
      {"chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", second), "400 x"},
      {"two codings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", second),
       "400 x"},
      {"empty coding", post("Transfer-Encoding:\r\n", second), "400 x"},
      {"coding with a byte in front",
       post("Transfer-Encoding: \x0b"
            "chunked\r\n",
            second),
       "400 x"},
      {"chunked in HTTP/1.0",
       "POST /-/reload HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + second, "400 x"},
      {"blank before the colon", post("Content-Length : 0\r\n", second), "400 x"},
      {"tab before the colon", post("Transfer-Encoding\t: chunked\r\n", second), "400 x"},
      {"folded length", post("Content-Length:\r\n 0\r\n", second), "400 x"},
      {"folded coding", post("X: y\r\n Transfer-Encoding: chunked\r\n", second), "400 x"},
      {"length in a folded first line", "POST /-/reload HTTP/1.1\r\n Content-Length: 0\r\n\r\n",
       "400 x"},
      {"expects a body to be wanted", post("Content-Length: 5\r\nExpect: 100-continue\r\n"),
       "413 x"},
      {"expects a chunked body to be wanted",
       post("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"), "413 x"},
      {"expects without a body", post("Expect: 100-continue\r\n"), "200"},
      {"expects with an empty body", post("Content-Length: 0\r\nExpect: 100-Continue\r\n"), "200"},
      {"expects at GET, and asks on", metrics("Expect: 100-continue\r\n") + second, "200 200"},
      {"expects at HEAD", request("HEAD /metrics HTTP/1.1", "Expect: 100-continue\r\n"), "200h"},
      {"expects nothing", metrics("Expect:\r\n"), "200"},
      {"expects it twice", metrics("Expect: 100-continue, 100-continue\r\n"), "200"},
      {"expects in HTTP/1.0", "GET /metrics HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", "200 x"},
      {"expects something else", metrics("Expect: the-unexpected\r\n"), "417 x"},
      {"expects something else, too", metrics("Expect: 100-continue, x\r\n"), "417 x"},
      {"expects something else in another line", metrics("Expect: 100-continue\r\nExpect: x\r\n"),
       "417 x"},
  };
  for (const Row& row : rows) check(exporter, row);
}

TEST_CASE("raw requests: malformed heads are refused at once, and the connection is closed") {
  Exporter exporter;
  const Row rows[] = {
      {"line feeds alone", "GET /metrics HTTP/1.1\nHost: x\n\n", "400 x"},
      {"one bare line feed", "GET /metrics HTTP/1.1\nHost: x\r\n\r\n", "400 x"},
      {"bare line feed between headers", metrics("A: b\nC: d\r\n"), "400 x"},
      {"bare carriage return", metrics("A: b\rC: d\r\n"), "400 x"},
      {"carriage return before the line end", metrics("A: b\r\r\n"), "400 x"},
      {"NUL in a value", metrics("A: b\0c\r\n"s), "400 x"},
      {"NUL in a name", metrics("A\0: b\r\n"s), "400 x"},
      {"NUL in the target", "GET /metrics\0 HTTP/1.1\r\nHost: x\r\n\r\n"s, "400 x"},
      {"escape character", metrics("A: \x1b[31m\r\n"), "400 x"},
      {"delete character", metrics("A: \x7f\r\n"), "400 x"},
      {"folded header", metrics("A: b\r\n c\r\n"), "400 x"},
      {"header without a colon", metrics("Nonsense\r\n"), "400 x"},
      {"header without a name", metrics(": b\r\n"), "400 x"},
      {"blank in a name", metrics("A B: c\r\n"), "400 x"},
      {"slash in a name", metrics("A/B: c\r\n"), "400 x"},
      {"brackets in a name", metrics("A[0]: c\r\n"), "400 x"},
      {"byte above ASCII in a name", metrics("\xc3\xa4: c\r\n"), "400 x"},
      {"no Host", "GET /metrics HTTP/1.1\r\n\r\n", "400 x"},
      {"two Hosts", metrics("Host: y\r\n"), "400 x"},
      {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n", "400 x"},
      {"bad Host", "GET /metrics HTTP/1.1\r\nHost: a b\r\n\r\n", "400 x"},
      {"path in Host", "GET /metrics HTTP/1.1\r\nHost: x/y\r\n\r\n", "400 x"},
      {"user in Host", "GET /metrics HTTP/1.1\r\nHost: u@x\r\n\r\n", "400 x"},
      {"HTTP/0.9", "GET /metrics\r\n\r\n", "400 x"},
      {"method alone", "GET\r\n\r\n", "400 x"},
      {"no method", " /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "400 x"},
      {"no target", "GET  HTTP/1.1\r\nHost: x\r\n\r\n", "400 x"},
      {"two blanks", "GET  /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "400 x"},
      {"two blanks before the version", "GET /metrics  HTTP/1.1\r\nHost: x\r\n\r\n", "400 x"},
      {"tabs", "GET\t/metrics\tHTTP/1.1\r\nHost: x\r\n\r\n", "400 x"},
      {"blank in the target", "GET /met rics HTTP/1.1\r\nHost: x\r\n\r\n", "400 x"},
      {"blank at the end", "GET /metrics HTTP/1.1 \r\nHost: x\r\n\r\n", "400 x"},
      {"byte above ASCII in the target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n", "400 x"},
      {"bad method", "G(T /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "400 x"},
      {"lower-case version", "GET /metrics http/1.1\r\nHost: x\r\n\r\n", "400 x"},
      {"version without a minor", "GET /metrics HTTP/1\r\nHost: x\r\n\r\n", "400 x"},
      {"version with more", "GET /metrics HTTP/1.10\r\nHost: x\r\n\r\n", "400 x"},
      {"version of letters", "GET /metrics HTTP/x.y\r\nHost: x\r\n\r\n", "400 x"},
      {"another protocol", "GET /metrics ICY/1.1\r\nHost: x\r\n\r\n", "400 x"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 x"},
      {"HTTP/3.0", "GET /metrics HTTP/3.0\r\nHost: x\r\n\r\n", "505 x"},
      {"HTTP/0.9, said so", "GET /metrics HTTP/0.9\r\nHost: x\r\n\r\n", "505 x"},
      {"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, "400 x"},
      {"SSH", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "400 x"},
      {"zeros", std::string(100, '\0'), "400 x"},
      {"an answer instead of a request", "HTTP/1.1 200 OK\r\n\r\n", "400 x"},
      {"JSON", "{\"jsonrpc\":\"2.0\"}\n", "400 x"},
      {"two empty lines", "\r\n\r\n\r\n" + request("GET /metrics HTTP/1.1"), "400 x"},
      {"the second one malformed", request("GET /metrics HTTP/1.1") + "GET\r\n\r\n", "200 400 x"},
      {"nothing after a malformed one", "GET\r\n\r\n" + request("GET /metrics HTTP/1.1"), "400 x"},
  };
  for (const Row& row : rows) check(exporter, row);
}

TEST_CASE("raw requests: no control byte gets through, wherever it stands") {
  Exporter exporter;
  struct Place {
    const char* name;
    std::string before, after;
    const char* tab;          ///< What a tab gets there.
    const char* above_ascii;  ///< What a byte above ASCII gets there.
  };
  const Place places[] = {
      {"method", "GE", "T /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "400 x", "400 x"},
      {"target", "GET /met", "rics HTTP/1.1\r\nHost: x\r\n\r\n", "400 x", "400 x"},
      {"query", "GET /metrics?a=", " HTTP/1.1\r\nHost: x\r\n\r\n", "400 x", "400 x"},
      {"version", "GET /metrics HTTP/1", ".1\r\nHost: x\r\n\r\n", "400 x", "400 x"},
      {"host", "GET /metrics HTTP/1.1\r\nHost: x", "y\r\n\r\n", "400 x", "400 x"},
      {"name", "GET /metrics HTTP/1.1\r\nHost: x\r\nA", "B: c\r\n\r\n", "400 x", "400 x"},
      {"value", "GET /metrics HTTP/1.1\r\nHost: x\r\nA: b", "c\r\n\r\n", "200", "200"},
      {"timeout", "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 1",
       "0\r\n\r\n", "400", "400"},
  };
  for (const Place& place : places) {
    for (int byte = 0; byte <= 0xff; byte += byte < 0x1f ? 1 : byte < 0x7f ? 0x7f - byte : 0x40) {
      CAPTURE(place.name);
      CAPTURE(byte);
      const char* const responses = byte == '\t'   ? place.tab
                                    : byte >= 0x80 ? place.above_ascii
                                                   : "400 x";
      check(exporter,
            {place.name, place.before + static_cast<char>(byte) + place.after, responses});
    }
  }
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

TEST_CASE("raw requests: heads over 8 KB are refused, up to there they are taken") {
  Exporter exporter;
  const auto of_size = [](std::size_t bytes) {
    const std::string rest = metrics("X: \r\n");
    return metrics("X: " + std::string(bytes - rest.size(), 'a') + "\r\n");
  };
  const Row rows[] = {
      {"just fits", of_size(8192), "200"},
      {"one byte more", of_size(8193), "431 x"},
      {"one long header", metrics("X: " + std::string(1'000'000, 'a') + "\r\n"), "431 x"},
      {"one long name", metrics(std::string(100'000, 'a') + ": b\r\n"), "431 x"},
      {"one long target", request("GET /" + std::string(100'000, 'a') + " HTTP/1.1"), "431 x"},
      {"one long method", request(std::string(100'000, 'A') + " / HTTP/1.1"), "431 x"},
      {"10,000 headers", metrics([] {
         std::string lines;
         for (int i = 0; i < 10'000; ++i) lines += "A: b\r\n";
         return lines;
       }()),
       "431 x"},
      {"never a line end", std::string(100'000, 'a'), "431 x"},
      {"the second one too long", request("GET /metrics HTTP/1.1") + of_size(10'000), "200 431 x"},
      {"two that fit, at once", of_size(8192) + of_size(8192), "200 200"},
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
