// Requests, byte for byte, that are refused before any handler sees them.
#include "tests/web/raw_exporter.h"

using namespace registry_exporter;
using namespace registry_exporter::web;
using namespace std::string_literals;
using namespace registry_exporter::testing;

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
