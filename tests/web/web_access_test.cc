#include "exporter/web/web_access.h"

#include <crypt.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "exporter/base/runtime.h"
#include "exporter/web/http_head.h"
#include "tests/net/certificate.h"
#include "tests/support/fake_runtime.h"
#include "tests/support/temporary_folder.h"

using namespace registry_exporter;
using namespace registry_exporter::web;
using registry_exporter::testing::Certificate;

namespace {

std::string hash_of(const std::string& password) {
  crypt_data scratch{};
  return crypt_r(password.c_str(), "$2b$04$abcdefghijklmnopqrstuu", &scratch);
}

/// A folder with a web configuration, and a access that reads it, on a clock of its own.
struct Place {
  TemporaryFolder folder;
  FakeRuntime time;
  std::unique_ptr<WebAccess> access;
  Site site;
  int let_in = 0;

  explicit Place(const std::string& config) { write("web.yml", config); }

  void write(const std::string& name, const std::string& content) const {
    folder.write(name, content);
  }
  std::vector<config::ConfigProblem> open() {
    // Passwords are hashed on a real thread: only the clock is ours.
    const Runtime runtime{time.runtime().clock, system_runtime().threads, system_runtime().entropy};
    auto opened = WebAccess::open(runtime, folder.file("web.yml"));
    if (!opened) return opened.error();
    access = *std::move(opened);
    return {};
  }
  WebResponse ask(const std::string& target, const std::string& authorization = "",
                  int authorizations = 1) {
    const WebHandler handler = access->guard(
        [this](WebRequest request, std::function<void(WebResponse)> reply) {
          ++let_in;
          reply(text_response(200, request.target));
        },
        site);
    WebRequest request;
    request.method = "GET";
    request.target = target;
    request.client_address = "192.0.2.1";
    for (int i = 0; i < authorizations && !authorization.empty(); ++i) {
      request.headers.emplace_back("authorization", authorization);
    }
    std::promise<WebResponse> response;
    handler(request, [&](WebResponse given) { response.set_value(std::move(given)); });
    return response.get_future().get();
  }
};

std::string header(const WebResponse& response, const std::string& name) {
  std::string all;
  for (const auto& [each, value] : response.headers) {
    if (each == name) all += "[" + value + "]";
  }
  return all;
}

const std::string kAliceSecret = "Basic YWxpY2U6c2VjcmV0";
const std::string kAliceOther = "Basic YWxpY2U6b3RoZXI=";
const std::string kTls = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

}  // namespace

TEST_CASE("web_access: without users everybody passes") {
  Place place("http_server_config:\n  http2: false\n");
  REQUIRE(place.open().empty());
  CHECK(place.ask("/metrics").status == 200);
  CHECK_FALSE(place.access->tls());
}

TEST_CASE("web_access: with users, probes pass and everything else needs the password") {
  Place place("basic_auth_users:\n  alice: " + hash_of("secret") + "\n");
  REQUIRE(place.open().empty());
  struct Row {
    const char* target;
    std::string authorization;
    int status;
  };
  const Row rows[] = {
      {"/-/healthy", "", 200},
      {"/-/ready", "", 200},
      {"/-/ready?x=y", "", 200},
      {"/-/healthy", kAliceOther, 200},
      {"/%2D/healthy", "", 200},  // Routes take it for the same page.
      {"/-/reload", "", 401},
      {"/metrics", "", 401},
      {"/", "", 401},
      {"/status", "", 401},
      {"/api/v1/repositories", "", 401},
      {"/nowhere", "", 401},
      {"*", "", 401},
      {"/-/healthy/", "", 401},
      {"/-/healthy/../../metrics", "", 401},
      {"//-/healthy", "", 401},
      {"/%00", "", 401},
      {"/metrics", kAliceSecret, 200},
      {"/nowhere", kAliceSecret, 200},
      {"/metrics", kAliceOther, 401},
      {"/metrics", "Basic !", 401},
      {"/metrics", "Bearer YWxpY2U6c2VjcmV0", 401},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    CAPTURE(row.authorization);
    const int before = place.let_in;
    const WebResponse response = place.ask(row.target, row.authorization);
    CHECK(response.status == row.status);
    CHECK(place.let_in - before == (row.status == 200 ? 1 : 0));
    if (row.status == 401) CHECK(header(response, "WWW-Authenticate").starts_with("[Basic realm="));
  }
  CHECK(place.ask("/metrics", kAliceSecret, 2).status == 401);  // Which one would be meant?
}

TEST_CASE("web_access: under a prefix, its probes pass and those of the root do not") {
  Place place("basic_auth_users:\n  alice: " + hash_of("secret") + "\n");
  place.site.prefix = "/a";
  REQUIRE(place.open().empty());
  CHECK(place.ask("/a/-/healthy").status == 200);
  CHECK(place.ask("/a/-/ready").status == 200);
  CHECK(place.ask("/-/healthy").status == 401);
  CHECK(place.ask("/a").status == 401);
  CHECK(place.ask("/").status == 401);
}

TEST_CASE("web_access: configured headers replace our own on every answer") {
  Place place(
      "http_server_config:\n  headers:\n    X-Content-Type-Options: nosniff\n"
      "    X-Frame-Options: sameorigin\nbasic_auth_users:\n  alice: " +
      hash_of("secret") + "\n");
  REQUIRE(place.open().empty());
  for (const std::string& authorization : {std::string(), kAliceSecret, kAliceOther}) {
    const WebResponse response = place.ask("/metrics", authorization);
    CHECK(header(response, "X-Content-Type-Options") == "[nosniff]");
    CHECK(header(response, "X-Frame-Options") == "[sameorigin]");
  }
}

TEST_CASE("web_access: more requests than the rate allows get 429, and time brings them back") {
  Place place("rate_limit:\n  interval: 1s\n  burst: 2\n");
  REQUIRE(place.open().empty());
  CHECK(place.ask("/metrics").status == 200);
  CHECK(place.ask("/metrics").status == 200);
  const WebResponse refused = place.ask("/metrics");
  CHECK(refused.status == 429);
  CHECK(header(refused, "Retry-After") == "[1]");
  place.time.advance(Millis{999});
  CHECK(place.ask("/metrics").status == 429);
  place.time.advance(Millis{1});
  CHECK(place.ask("/metrics").status == 200);
  CHECK(place.ask("/metrics").status == 429);
  place.time.advance(Millis{60'000});
  CHECK(place.ask("/metrics").status == 200);
  CHECK(place.ask("/metrics").status == 200);
  CHECK(place.ask("/metrics").status == 429);
}

TEST_CASE("web_access: a changed file is in force a second later, a broken one isn't") {
  Place place("basic_auth_users:\n  alice: " + hash_of("secret") + "\n");
  REQUIRE(place.open().empty());
  const auto second = [&] { place.time.advance(Millis{1000}); };
  CHECK(place.ask("/metrics", kAliceSecret).status == 200);

  place.write("web.yml", "basic_auth_users:\n  alice: " + hash_of("other") + "\n");
  second();
  CHECK(place.ask("/metrics", kAliceSecret).status == 401);
  CHECK(place.ask("/metrics", kAliceOther).status == 200);

  CHECK(!place.access->problem());
  place.write("web.yml", "basic_auth_users:\n  alice: broken\n");
  second();
  CHECK(place.ask("/metrics", kAliceSecret).status == 401);
  CHECK(place.ask("/metrics", kAliceOther).status == 200);
  CHECK(place.access->problem().value_or("").find("web.yml:2: ") != std::string::npos);

  std::filesystem::remove(place.folder.file("web.yml"));
  second();
  CHECK(place.ask("/metrics").status == 401);

  place.write("web.yml", "basic_auth_users: {}\n");
  second();
  CHECK(place.ask("/metrics").status == 200);
  CHECK(!place.access->problem());
}

TEST_CASE("web_access: certificate and key are taken over together, a torn pair isn't") {
  Place place(kTls);
  const Certificate first({});
  const Certificate second({});
  const auto pass = [&] { place.time.advance(Millis{1000}); };
  place.write("server.crt", first.certificate_pem());
  place.write("server.key", first.key_pem());
  REQUIRE(place.open().empty());
  const auto before = place.access->tls();
  REQUIRE(before);
  pass();
  CHECK(place.access->tls() == before);  // Nothing changed.

  place.write("server.crt", second.certificate_pem());
  pass();
  CHECK(place.access->tls() == before);  // The key is still the first one.
  place.write("server.key", second.key_pem());
  pass();
  const auto after = place.access->tls();
  CHECK(after != before);
  place.write("server.key", "");
  pass();
  CHECK(place.access->tls() == after);
}

TEST_CASE(
    "web_access: what came through a pipe stays, while the certificates it names are looked at") {
  Place place("");
  const Certificate first({});
  const Certificate second({});
  const std::string folder = place.folder.path() + "/";
  place.write("server.crt", first.certificate_pem());
  place.write("server.key", first.key_pem());
  const std::string text = "tls_server_config:\n  cert_file: " + folder +
                           "server.crt\n  key_file: " + folder + "server.key\n";
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  std::filesystem::remove(folder + "web.yml");
  std::filesystem::create_symlink("/dev/fd/" + std::to_string(ends[0]), folder + "web.yml");
  REQUIRE(place.open().empty());
  const auto before = place.access->tls();
  REQUIRE(before);
  place.time.advance(Millis{1000});
  CHECK(place.access->tls() == before);
  CHECK(!place.access->problem());
  place.write("server.crt", second.certificate_pem());
  place.write("server.key", second.key_pem());
  place.time.advance(Millis{1000});
  const auto after = place.access->tls();
  CHECK(after != before);
  CHECK(after != nullptr);
  CHECK(!place.access->problem());
  ::close(ends[0]);
}

TEST_CASE("web_access: what can't be opened is told with the key that is to be changed") {
  const Certificate authority({.is_authority = true});
  const Certificate good({}, &authority);
  const Certificate other({});
  const std::string sealed =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBA=\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";
  std::string damaged = good.certificate_pem();
  damaged[damaged.size() / 2] = '!';
  struct Row {
    const char* name;
    std::string certificate, key, client_ca;
    const char* words;
  };
  const Row rows[] = {
      {"no certificate file", "", good.key_pem(), "", "cert_file: "},
      {"no key file", good.certificate_pem(), "", "", "key_file: "},
      {"certificate is something else", "hello\n", good.key_pem(), "", "no certificate in PEM"},
      {"certificate damaged", damaged, good.key_pem(), "", "damaged PEM"},
      {"chain damaged", good.certificate_pem() + damaged, good.key_pem(), "", "damaged PEM"},
      {"key is something else", good.certificate_pem(), "hello\n", "", "no private key"},
      {"key has a pass phrase", good.certificate_pem(), sealed, "", "no private key"},
      {"another certificate's key", good.certificate_pem(), other.key_pem(), "", "is not the key"},
      {"client authority is something else", good.certificate_pem(), good.key_pem(), "hello\n",
       "client_ca_file"},
      {"client authority damaged", good.certificate_pem(), good.key_pem(), damaged,
       "client_ca_file"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Place place(kTls + (row.client_ca.empty()
                            ? ""
                            : "  client_ca_file: ca.crt\n"
                              "  client_auth_type: RequireAndVerifyClientCert\n"));
    if (!row.certificate.empty()) place.write("server.crt", row.certificate);
    if (!row.key.empty()) place.write("server.key", row.key);
    if (!row.client_ca.empty()) place.write("ca.crt", row.client_ca);
    const auto problems = place.open();
    REQUIRE(problems.size() == 1);
    CAPTURE(problems[0].message);
    CHECK(problems[0].message.find(row.words) != std::string::npos);
  }
}

TEST_CASE("web_access: a missing file, a folder and a huge file are refused") {
  Place place("");
  std::filesystem::remove(place.folder.file("web.yml"));
  CHECK(place.open().at(0).message == "No such file or directory");
  std::filesystem::create_directory(place.folder.file("web.yml"));
  CHECK(place.open().at(0).message == "not a regular file or a pipe");
  std::filesystem::remove(place.folder.file("web.yml"));
  place.write("web.yml", std::string(2U << 20U, '#'));
  CHECK(place.open().at(0).message.starts_with("larger than"));
}
