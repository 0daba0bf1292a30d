#include "exporter/net/curl_transport.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <future>

#include "tests/net/nasty_server.h"

using namespace registry_exporter;
using namespace registry_exporter::net;
using namespace registry_exporter::testing;
using namespace std::chrono_literals;
using Connection = NastyServer::Connection;

namespace {

constexpr Millis kTimeout{100};
constexpr Millis kMuchTooLong{5'000};  // A busy machine may be slow; what hangs takes longer.
const char* const kGoodAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

HttpRequest request_to(std::string origin, Millis timeout = kTimeout) {
  HttpRequest request;
  request.origin = std::move(origin);
  request.target = "/path?a=b";
  request.headers = {{"Authorization", "sesame"}, {"X-Auth-Token", "sesame"}};
  request.timeout = timeout;
  return request;
}

/// What a call's end is called, and whether it came in time.
struct Ending {
  std::string outcome;  ///< "200", or the name of the error's kind.
  std::string detail;
  bool was_in_time = false;
  ErrorCause cause = ErrorCause::unknown;
};
Ending call(HttpTransport& transport, const HttpRequest& request) {
  const auto begun = std::chrono::steady_clock::now();
  const Result<HttpResponse> response = transport.send(request);
  const bool was_in_time = std::chrono::steady_clock::now() - begun < kMuchTooLong;
  if (response) return {std::to_string(response->status), response->body, was_in_time};
  return {std::string(name(response.error().kind)), response.error().detail, was_in_time,
          response.error().cause};
}
Ending call(const HttpRequest& request, CurlOptions options = {}) {
  return call(*make_curl_transport(std::move(options)), request);
}

std::string gzipped(const std::string& text) {
  z_stream stream{};
  constexpr int kGzip = 16 + MAX_WBITS;
  deflateInit2(&stream, 9, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  std::string input = text;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string answer(const std::string& headers, const std::string& body) {
  return "HTTP/1.1 200 OK\r\n" + headers + "\r\n" + body;
}
std::string packed_answer(const std::string& packed) {
  return answer(
      "Content-Encoding: gzip\r\nContent-Length: " + std::to_string(packed.size()) + "\r\n",
      packed);
}

/// An authority of our own, the certificates it signs, and options that trust it.
struct Authority {
  Certificate root{{"Test authority", "", true, 1}};
  TemporaryFile ca_file{root.certificate_pem()};

  std::shared_ptr<Certificate> sign(const Certificate::Wanted& wanted) const {
    return std::make_shared<Certificate>(wanted, &root);
  }
  CurlOptions trusted() const {
    CurlOptions options;
    options.ca_file = ca_file.path();
    return options;
  }
};

}  // namespace

TEST_CASE("transport: an answer comes back decoded, with its headers in lower case") {
  std::string head;
  NastyServer server([&](Connection& connection) {
    head = connection.read_head();
    const std::string packed = gzipped("{\"a\":1}");
    connection.send("HTTP/1.1 100 Continue\r\nX-First: 1\r\n\r\n");
    connection.send("HTTP/1.1 403 No\r\nContent-Encoding: gzip\r\nX-Request-ID:  seven \r\n" +
                    ("Content-Length: " + std::to_string(packed.size())) + "\r\n\r\n" + packed);
  });
  const auto transport = make_curl_transport({});
  const auto response = transport->send(request_to(server.origin(), kMuchTooLong));
  REQUIRE(response);
  CHECK(response->status == 403);  // Any answer is a success of the transport.
  CHECK(response->body == "{\"a\":1}");
  CHECK(response->header("x-request-id") == "seven");
  CHECK(response->header("x-first") == "");
  CHECK(head.starts_with("GET /path?a=b HTTP/1.1\r\n"));
  CHECK(head.find("Authorization: sesame\r\n") != std::string::npos);
  CHECK(head.find("User-Agent: registry_exporter/") != std::string::npos);
  CHECK(head.find("Content-Type") == std::string::npos);
}

TEST_CASE("transport: a target goes out as it was signed, a POST with its body alone") {
  std::string head;
  NastyServer server([&](Connection& connection) {
    head = connection.read_head();
    connection.send(kGoodAnswer);
  });
  HttpRequest request = request_to(server.origin(), kMuchTooLong);
  request.method = "POST";
  request.target = "/a/../b%2Fc//d/?x=%7E&y=a+b";
  request.body = "text";
  request.headers = {{"X-Empty", ""}};
  CHECK(call(request).outcome == "200");
  CHECK(head.starts_with("POST /a/../b%2Fc//d/?x=%7E&y=a+b HTTP/1.1\r\n"));
  CHECK(head.find("Content-Length: 4\r\n") != std::string::npos);
  CHECK(head.find("X-Empty:\r\n") != std::string::npos);
  CHECK(head.find("Content-Type") == std::string::npos);
  CHECK(head.find("Expect") == std::string::npos);
  request.method = "PUT";
  request.body = "";
  CHECK(call(request).outcome == "200");
  CHECK(head.starts_with("PUT /a/"));
  CHECK(head.find("Content-Length: 0\r\n") != std::string::npos);  // Or servers wait for a body.
}

TEST_CASE("transport: whatever a server does, a call ends in time and says how") {
  struct Row {
    std::string name;
    NastyServer::Behaviour answer;  ///< After it has read the request.
    const char* outcome;
  };
  const auto sends = [](std::string bytes) -> NastyServer::Behaviour {
    return [bytes = std::move(bytes)](Connection& connection) { connection.send(bytes); };
  };
  const auto repeats = [](std::string begin, std::string piece) -> NastyServer::Behaviour {
    return [begin, piece](Connection& connection) {
      connection.send(begin);
      while (connection.send(piece)) continue;
    };
  };
  const auto drips = [](std::string begin, std::string piece) -> NastyServer::Behaviour {
    return [begin, piece](Connection& connection) {
      connection.send(begin);
      connection.drip(piece);
    };
  };
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string kilobyte(1024, 'x');
  const Row rows[] = {
      {"says nothing", [](Connection& connection) { connection.hang(); }, "timeout"},
      {"drips its head", drips(ok + "X: ", "x"), "timeout"},
      {"drips its body", drips(answer("Content-Length: 1000000\r\n", ""), "x"), "timeout"},
      {"drips chunks", drips(answer("Transfer-Encoding: chunked\r\n", ""), "1\r\nx\r\n"),
       "timeout"},
      {"drips 100s", drips("", "HTTP/1.1 100 Continue\r\n\r\n"), "timeout"},
      {"closes", sends(""), "transport"},
      {"resets", [](Connection& connection) { connection.reset(); }, "transport"},
      {"resets in its body",
       [](Connection& connection) {
         connection.send(answer("Content-Length: 9\r\n", "x"));
         connection.reset();
       },
       "transport"},
      {"cuts its body", sends(answer("Content-Length: 9\r\n", "x")), "transport"},
      {"cuts a chunk", sends(answer("Transfer-Encoding: chunked\r\n", "9\r\nx")), "transport"},
      {"a chunk of no size", sends(answer("Transfer-Encoding: chunked\r\n", "zz\r\nx\r\n")),
       "transport"},
      {"headers without end", repeats(ok, "X-Y: " + kilobyte + "\r\n"), "malformed"},
      {"tiny headers without end", repeats(ok, "A:b\r\n"), "malformed"},
      {"a header without end", repeats(ok + "X: ", kilobyte), "malformed"},
      {"a status line without end", repeats("HTTP/1.1 200 ", kilobyte), "malformed"},
      {"100s without end", repeats("", "HTTP/1.1 100 Continue\r\n\r\n"), "malformed"},
      {"a body without end", repeats(ok + "\r\n", kilobyte), "malformed"},
      {"a body announced too long",
       repeats(answer("Content-Length: 99999999999\r\n", ""), kilobyte), "malformed"},
      {"a gzip bomb", sends(packed_answer(gzipped(std::string(4 << 20, ' ')))), "malformed"},
      {"gzip that isn't", sends(packed_answer("not gzip at all")), "malformed"},
      {"an encoding nobody asked for", sends(answer("Content-Encoding: rot13\r\n", "b")),
       "malformed"},
      {"a length of words", sends(answer("Content-Length: abc\r\n", "x")), "malformed"},
      {"a negative length", sends(answer("Content-Length: -2\r\n", "x")), "malformed"},
      {"a list of lengths", sends(answer("Content-Length: 1, 2\r\n", "x")), "malformed"},
      {"two lengths", sends(answer("Content-Length: 2\r\nContent-Length: 1\r\n", "xx")),
       "malformed"},
      {"two lengths, the last one none",
       sends(answer("Content-Length: 2\r\nContent-Length: 0\r\n", "xx")), "malformed"},
      {"the same length twice", sends(answer("Content-Length: 2\r\nContent-Length: 2\r\n", "xx")),
       "200"},
      {"a length beside chunks",
       sends(answer("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
       "malformed"},
      {"no HTTP", sends("SSH-2.0-OpenSSH_9.2\r\n"), "malformed"},
      {"no length, then it closes", sends(ok + "\r\nxx"), "200"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    NastyServer server([&row](Connection& connection) {
      if (!connection.read_head().empty()) row.answer(connection);
    });
    CurlOptions options;
    options.body_bytes_max = 1 << 20;
    // Only what is meant to time out may.
    const bool is_slow = std::string_view(row.outcome) == "timeout";
    const Ending ending =
        call(request_to(server.origin(), is_slow ? kTimeout : kMuchTooLong), options);
    CAPTURE(ending.detail);
    CHECK(ending.outcome == row.outcome);
    CHECK(ending.was_in_time);
    CHECK(ending.detail.find('\n') == std::string::npos);
    CHECK(ending.detail.find("sesame") == std::string::npos);
  }
}

TEST_CASE("transport: a redirect is an answer, and nobody else hears of the keys") {
  for (const char* status : {"301", "302", "307", "308"}) {
    CAPTURE(status);
    NastyServer other([](Connection& connection) { connection.hang(); });
    NastyServer server([&](Connection& connection) {
      connection.read_head();
      connection.send("HTTP/1.1 " + std::string(status) + " Gone\r\nLocation: " + other.origin() +
                      "/\r\nContent-Length: 0\r\n\r\n");
    });
    CHECK(call(request_to(server.origin(), kMuchTooLong)).outcome == status);
    CHECK(other.connections() == 0);
  }
}

TEST_CASE("transport: what never connects ends in time") {
  SUBCASE("nobody listens") {
    std::string origin;
    {
      origin = NastyServer([](Connection&) {}).origin();
    }
    CHECK(call(request_to(origin, kMuchTooLong)).outcome == "transport");
  }
  SUBCASE("nobody accepts") {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener, generic, size) == 0);
    REQUIRE(::getsockname(listener, generic, &size) == 0);
    REQUIRE(::listen(listener, 0) == 0);
    std::vector<int> waiting;
    for (int i = 0; i < 4; ++i) {  // The queue is full; further ones are not even answered.
      waiting.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      (void)::connect(waiting.back(), generic, size);
    }
    const Ending ending =
        call(request_to("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port))));
    CHECK(ending.outcome == "timeout");
    CHECK(ending.was_in_time);
    for (const int each : waiting) ::close(each);
    ::close(listener);
  }
  SUBCASE("a name that is not there") {
    const Ending ending = call(request_to("http://nowhere.invalid"));
    CHECK((ending.outcome == "transport" || ending.outcome == "timeout"));
    CHECK(ending.was_in_time);
  }
  SUBCASE("no handshake") {
    NastyServer server([](Connection& connection) { connection.hang(); });
    const Ending ending = call(request_to(server.origin("https")));
    CHECK(ending.outcome == "timeout");
    CHECK(ending.was_in_time);
  }
  SUBCASE("no protocol of ours") {
    CHECK(call(request_to("file:///etc/passwd")).outcome == "malformed");
  }
}

TEST_CASE("transport: one connection serves call after call, and one gone stale is replaced") {
  NastyServer server([](Connection& connection) {
    for (int answers = 0; answers < 2 && !connection.read_head().empty(); ++answers) {
      connection.send(kGoodAnswer);
    }
  });
  const auto transport = make_curl_transport({});
  for (int i = 0; i < 6; ++i) {
    CAPTURE(i);
    CHECK(call(*transport, request_to(server.origin(), kMuchTooLong)).outcome == "200");
  }
  CHECK(server.connections() == 3);
}

TEST_CASE("transport: abort ends a call under way and refuses the next one") {
  std::promise<void> arrived;
  NastyServer server([&](Connection& connection) {
    connection.read_head();
    arrived.set_value();
    connection.hang();
  });
  const auto transport = make_curl_transport({});
  auto under_way = std::async(std::launch::async,
                              [&] { return call(*transport, request_to(server.origin(), 60s)); });
  arrived.get_future().wait();
  transport->abort();
  const Ending ending = under_way.get();
  CHECK(ending.outcome == "canceled");
  CHECK(ending.was_in_time);
  CHECK(call(*transport, request_to(server.origin())).outcome == "canceled");
  CHECK(server.connections() == 1);
}

TEST_CASE("transport: a header that would become two is not sent") {
  NastyServer server([](Connection& connection) { connection.hang(); });
  HttpRequest request = request_to(server.origin());
  request.headers.emplace_back("X-Auth-Token", "a\r\nX-Other: b");
  CHECK(call(request).outcome == "transport");
  CHECK(server.connections() == 0);
}

TEST_CASE("tls: only a certificate of a trusted authority that lists the very name will do") {
  const Authority authority;
  using Wanted = Certificate::Wanted;
  const auto self_signed = [](const Wanted& wanted) {
    return std::make_shared<Certificate>(wanted);
  };
  struct Row {
    std::string name;
    std::shared_ptr<Certificate> certificate;
    const char* host;
    const char* server_name;
    bool is_good;
    ErrorCause cause = ErrorCause::unknown;
  };
  using enum ErrorCause;
  const Row rows[] = {
      {"its name", authority.sign({}), "localhost", "", true},
      {"its address", authority.sign({}), "127.0.0.1", "", true},
      {"upper case", authority.sign({}), "LOCALHOST", "", true},
      {"the name it should have", authority.sign({"x", "DNS:cr.test", false, 1}), "127.0.0.1",
       "cr.test", true},
      {"not the name it should have", authority.sign({}), "127.0.0.1", "cr.test", false,
       tls_wrong_name},
      {"signed by itself", self_signed({}), "localhost", "", false, tls},
      {"expired", authority.sign({"localhost", "DNS:localhost", false, -1}), "localhost", "", false,
       tls_expired},
      {"another name", authority.sign({"localhost", "DNS:other.test", false, 1}), "localhost", "",
       false, tls_wrong_name},
      {"a common name alone", authority.sign({"localhost", "", false, 1}), "localhost", "", false,
       tls_wrong_name},
      {"a common name beside a mail address",
       authority.sign({"localhost", "email:a@localhost", false, 1}), "localhost", "", false,
       tls_wrong_name},
      {"a name where an address is needed",
       authority.sign({"127.0.0.1", "DNS:localhost", false, 1}), "127.0.0.1", "", false,
       tls_wrong_name},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    NastyServer server([&row](Connection& connection) {
      if (!connection.start_tls(*row.certificate)) return;
      if (!connection.read_head().empty()) connection.send(kGoodAnswer);
    });
    CurlOptions options = authority.trusted();
    options.server_name = row.server_name;
    options.server_name_origin = server.origin("https", row.host);
    const Ending ending = call(request_to(options.server_name_origin, kMuchTooLong), options);
    CAPTURE(ending.detail);
    CHECK(ending.outcome == (row.is_good ? "200" : "transport"));
    if (!row.is_good) CHECK(ending.detail.starts_with("tls: "));
    CHECK(ending.cause == row.cause);
    // Another server has a name of its own.
    if (row.is_good && row.server_name != std::string()) {
      options.server_name_origin = "https://elsewhere";
      CHECK(call(request_to(server.origin("https", row.host), kMuchTooLong), options).outcome ==
            "transport");
    }
  }
}

TEST_CASE("tls: nothing older than 1.2, and our own certificate is shown when asked for") {
  const Authority authority;
  const auto certificate = authority.sign({});
  const auto own = authority.sign({"exporter", "DNS:exporter", false, 1});
  const TemporaryFile cert_file(own->certificate_pem());
  const TemporaryFile key_file(own->key_pem());
  const auto ending_with = [&](const std::function<void(SSL_CTX*)>& adjust, bool shows_own) {
    NastyServer server([&](Connection& connection) {
      if (!connection.start_tls(*certificate, adjust)) return connection.drain();
      if (!connection.read_head().empty()) connection.send(kGoodAnswer);
    });
    CurlOptions options = authority.trusted();
    if (shows_own) options.cert_file = cert_file.path();
    if (shows_own) options.key_file = key_file.path();
    return call(request_to(server.origin("https"), kMuchTooLong), options);
  };
  const auto at_most = [](int version) {
    return [version](SSL_CTX* context) {
      SSL_CTX_set_security_level(context, 0);
      SSL_CTX_set_max_proto_version(context, version);
    };
  };
  CHECK(ending_with(at_most(TLS1_3_VERSION), false).outcome == "200");
  CHECK(ending_with(at_most(TLS1_2_VERSION), false).outcome == "200");
  CHECK(ending_with(at_most(TLS1_1_VERSION), false).outcome == "transport");
  const auto asks = [&](SSL_CTX* context) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.root.x509());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  };
  CHECK(ending_with(asks, true).outcome == "200");
  const Ending refused = ending_with(asks, false);
  CHECK(refused.outcome == "transport");
  CHECK(refused.cause == ErrorCause::tls_client_certificate);
}

TEST_CASE("proxy: it is told where to connect to, and nothing that is meant for the cloud") {
  const Authority authority;
  const auto cloud = authority.sign({"cloud", "DNS:cloud.test", false, 1});
  const auto gate = authority.sign({});
  for (const char* scheme : {"http", "https"}) {
    CAPTURE(scheme);
    std::string asked;
    std::string inner;
    NastyServer proxy([&](Connection& connection) {
      if (std::string_view(scheme) == "https" && !connection.start_tls(*gate)) return;
      asked = connection.read_head();
      connection.send("HTTP/1.1 200 Connected\r\nX-Of: proxy\r\n\r\n");
      if (!connection.start_tls(*cloud)) return;
      inner = connection.read_head();
      connection.send(kGoodAnswer);
    });
    CurlOptions options = authority.trusted();
    std::string address = proxy.origin(scheme);
    address.insert(address.find("//") + 2, "user:open@");
    options.proxy.proxy_url = address;
    const auto transport = make_curl_transport(options);
    const auto response = transport->send(request_to("https://cloud.test", kMuchTooLong));
    CAPTURE((response ? std::string() : response.error().detail));
    REQUIRE(response);
    CHECK(response->header("x-of") == "");
    CHECK(asked.starts_with("CONNECT cloud.test:443 HTTP/1.1\r\n"));
    CHECK(asked.find("Proxy-Authorization: Basic") != std::string::npos);
    CHECK(asked.find("sesame") == std::string::npos);
    CHECK(inner.find("Authorization: sesame") != std::string::npos);
    CHECK(inner.find("Proxy-Authorization") == std::string::npos);
  }
}

TEST_CASE("proxy: one that refuses, hangs or rambles ends the call in time") {
  struct Row {
    std::string name;
    NastyServer::Behaviour behaviour;
    const char* outcome;
  };
  const Row rows[] = {
      {"refuses",
       [](Connection& connection) {
         connection.read_head();
         connection.send("HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n");
       },
       "transport"},
      {"hangs", [](Connection& connection) { connection.hang(); }, "timeout"},
      {"drips",
       [](Connection& connection) {
         connection.send("HTTP/1.1 200 Connected\r\nX: ");
         connection.drip("x");
       },
       "timeout"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    NastyServer proxy(row.behaviour);
    CurlOptions options;
    options.proxy.proxy_url = proxy.origin();
    const bool is_slow = std::string_view(row.outcome) == "timeout";
    const Ending ending =
        call(request_to("https://cloud.test", is_slow ? kTimeout : kMuchTooLong), options);
    CAPTURE(ending.detail);
    CHECK(ending.outcome == row.outcome);
    CHECK(ending.was_in_time);
  }
}

TEST_CASE("proxy: an address that can't be read is not quoted with its password") {
  for (const char* url : {"nonsense://user:open@proxy.test:1", "http://user:open%40127.0.0.1:9",
                          "http://user:open", "user:open", "http://user:o/open@127.0.0.1:9"}) {
    CAPTURE(url);
    CurlOptions options;
    options.proxy.proxy_url = url;
    for (const char* origin : {"http://cloud.test", "https://cloud.test"}) {
      const Ending ending = call(request_to(origin), options);
      CHECK(ending.outcome == "transport");
      CAPTURE(ending.detail);
      CHECK(ending.detail.starts_with("proxy: a URL that can't be read (proxy_url): "));
      CHECK(ending.detail.find("percent-encoded") != std::string::npos);
      CHECK(ending.detail.find("open") == std::string::npos);
    }
  }
}

TEST_CASE("proxy: what fails at it says so, what fails behind it says that it was there") {
  const Authority authority;
  const auto cloud = authority.sign({"cloud", "DNS:elsewhere.test", false, 1});
  NastyServer closed([](Connection&) {});
  const auto says = [](const char* words) {
    return [words](Connection& connection) {
      connection.read_head();
      connection.send(std::string("HTTP/1.1 ") + words + "\r\nContent-Length: 0\r\n\r\n");
    };
  };
  const NastyServer::Behaviour tunnel = [&](Connection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 200 Connected\r\n\r\n");
    (void)connection.start_tls(*cloud);
  };
  struct Row {
    std::string name;
    NastyServer::Behaviour behaviour;
    const char* origin;
    const char* said;  ///< Before the proxy's name.
  };
  const Row rows[] = {
      {"refuses the tunnel", says("403 No"), "https://cloud.test", "proxy: "},
      {"wants a password for the tunnel", says("407 Who"), "https://cloud.test", "proxy: "},
      {"wants a password", says("407 Who"), "http://cloud.test", "proxy: "},
      {"cuts the tunnel off", [](Connection& each) { each.read_head(); }, "https://cloud.test",
       "proxy: "},
      {"a stranger behind it", tunnel, "https://cloud.test", "through the proxy "},
      {"breaks off what may be either's", [](Connection& each) { each.read_head(); },
       "http://cloud.test", "through the proxy "},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    NastyServer proxy(row.behaviour);
    CurlOptions options = authority.trusted();
    const std::string address = proxy.origin().substr(7);
    options.proxy.environment = [&](const std::string& name) -> std::optional<std::string> {
      if (name != "HTTPS_PROXY" && name != "HTTP_PROXY") return std::nullopt;
      return "http://user:open@" + address;
    };
    const Ending ending = call(request_to(row.origin, kMuchTooLong), options);
    CAPTURE(ending.detail);
    CHECK(ending.outcome == "transport");
    CHECK(ending.detail.find(row.said + address + " (HTTP") != std::string::npos);
    CHECK(ending.detail.find("open") == std::string::npos);
  }
}

TEST_CASE("proxy: nobody listens, or it has no address") {
  for (const char* scheme : {"http", "https"}) {
    for (const char* proxy : {"http://user:open@127.0.0.1:9", "https://user:open@127.0.0.1:9",
                              "http://user:open@nowhere.invalid:9", "socks5h://127.0.0.1:9"}) {
      CAPTURE(scheme);
      CAPTURE(proxy);
      CurlOptions options;
      options.proxy.proxy_url = proxy;
      const Ending ending = call(request_to(std::string(scheme) + "://cloud.test"), options);
      CAPTURE(ending.detail);
      CHECK(ending.outcome == "transport");
      CHECK(ending.detail.starts_with("proxy: "));
      CHECK(ending.detail.find(":9 (proxy_url): ") != std::string::npos);
      CHECK(ending.detail.find("open") == std::string::npos);
    }
  }
}

TEST_CASE("proxy: without a port it is looked for where its scheme is spoken") {
  struct Row {
    const char* proxy;
    const char* port;
  };
  const Row rows[] = {{"http://127.87.65.43", " 80 "},
                      {"127.87.65.43", " 80 "},
                      {"https://127.87.65.43", " 443 "},
                      {"socks5://127.87.65.43", " 1080 "}};
  for (const Row& row : rows) {
    CAPTURE(row.proxy);
    CurlOptions options;
    options.proxy.proxy_url = row.proxy;
    const Ending ending = call(request_to("https://cloud.test"), options);
    CAPTURE(ending.detail);
    CHECK(ending.detail.find(std::string("127.87.65.43 port") + row.port) != std::string::npos);
  }
}

TEST_CASE("proxy: metadata calls go directly, whatever is configured") {
  NastyServer proxy([](Connection& connection) { connection.hang(); });
  NastyServer server([](Connection& connection) {
    connection.read_head();
    connection.send(kGoodAnswer);
  });
  CurlOptions options;
  options.proxy.proxy_url = proxy.origin();
  HttpRequest request = request_to(server.origin(), kMuchTooLong);
  request.direct = true;
  CHECK(call(request, options).outcome == "200");
  CHECK(proxy.connections() == 0);
}
