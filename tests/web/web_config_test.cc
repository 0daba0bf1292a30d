#include "exporter/web/web_config.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace registry_exporter;
using namespace registry_exporter::web;

namespace {

const std::string kHash = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";

/// A TLS section that is complete, with more lines.
std::string tls(const std::string& more = "") {
  return "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n" + more;
}

WebConfig good(const std::string& text) {
  auto config = parse_web_config(text, "/etc/exporter");
  if (config) return *config;
  FAIL(config.error().front().message);
  return {};
}

}  // namespace

TEST_CASE("web config: nothing at all means plain HTTP for everyone") {
  for (const char* text : {"", "# only a comment\n", "{}\n", "tls_server_config:\n",
                           "tls_server_config: {}\nbasic_auth_users: {}\n",
                           "rate_limit: {interval: 0s, burst: 0}\n"}) {
    CAPTURE(text);
    const WebConfig config = good(text);
    CHECK_FALSE(config.tls);
    CHECK(config.users.empty());
    CHECK(config.headers.empty());
    CHECK_FALSE(config.rate_limit);
  }
}

TEST_CASE("web config: TLS 1.2 and 1.3 with our own ciphers unless something else is asked for") {
  const ServerTls ours = *good(tls()).tls;
  CHECK(ours.tls12);
  CHECK(ours.tls13);
  CHECK(ours.prefer_server_ciphers);
  CHECK(ours.tls12_ciphers.empty());
  CHECK(ours.client_auth == ClientAuth::none);

  const ServerTls theirs = *good(tls("  min_version: TLS12\n  max_version: TLS12\n"
                                     "  prefer_server_cipher_suites: false\n"
                                     "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,"
                                     " TLS_RSA_WITH_AES_256_CBC_SHA, TLS_AES_128_GCM_SHA256]\n"
                                     "  curve_preferences: [CurveP521, X25519]\n"))
                                .tls;
  CHECK_FALSE(theirs.tls13);
  CHECK_FALSE(theirs.prefer_server_ciphers);
  CHECK(theirs.tls12_ciphers == "ECDHE-RSA-AES128-GCM-SHA256:AES256-SHA");
  CHECK(theirs.tls13_ciphers == "TLS_AES_128_GCM_SHA256");
  CHECK(theirs.curves == "P-521:X25519");
}

TEST_CASE("web config: a list of TLS 1.3 ciphers alone leaves no TLS 1.2") {
  const ServerTls config = *good(tls("  cipher_suites: [TLS_AES_256_GCM_SHA384]\n")).tls;
  CHECK_FALSE(config.tls12);
  CHECK(config.tls13);
}

TEST_CASE("web config: file names are relative to the file, unless they are absolute") {
  const ServerTls config = *good(
                                "tls_server_config:\n  cert_file: certs/a.pem\n"
                                "  key_file: /run/key.pem\n")
                                .tls;
  CHECK(config.certificate.file == "/etc/exporter/certs/a.pem");
  CHECK(config.private_key.file == "/run/key.pem");
  CHECK(parse_web_config(tls(), "")->tls->certificate.file == "server.crt");
}

TEST_CASE("web config: certificate and key may stand in place") {
  const ServerTls config = *good(
                                "tls_server_config:\n  cert: |\n    A\n    B\n  key: K\n"
                                "  client_ca: C\n  client_auth_type: RequireAndVerifyClientCert\n")
                                .tls;
  CHECK(config.certificate.text == Secret("A\nB\n"));
  CHECK(config.private_key.text == Secret("K"));
  CHECK(config.client_ca.text == Secret("C"));
}

TEST_CASE("web config: every kind of client authentication has its name") {
  struct Row {
    const char* name;
    ClientAuth expected;
  };
  const Row rows[] = {
      {"\"\"", ClientAuth::none},
      {"NoClientCert", ClientAuth::none},
      {"RequestClientCert", ClientAuth::request},
      {"RequireAnyClientCert", ClientAuth::require_any},
      {"RequireClientCert", ClientAuth::require_any},
      {"VerifyClientCertIfGiven", ClientAuth::verify_if_given},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto config = good(tls("  client_auth_type: " + std::string(row.name) + "\n"));
    CHECK(config.tls->client_auth == row.expected);
  }
  const auto strict =
      good(tls("  client_auth_type: RequireAndVerifyClientCert\n"
               "  client_ca_file: ca.pem\n  client_allowed_sans: [a, b]\n"));
  CHECK(strict.tls->client_auth == ClientAuth::require_and_verify);
  CHECK(strict.tls->client_ca.file == "/etc/exporter/ca.pem");
  CHECK(strict.tls->client_allowed_sans == std::vector<std::string>{"a", "b"});
}

TEST_CASE("web config: headers, users and rate limit are taken as written") {
  const WebConfig config = good(
      "http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: SAMEORIGIN\n"
      "    Strict-Transport-Security: max-age=31536000\n    X-XSS-Protection: \"\"\n"
      "    Content-Security-Policy: \"default-src 'none' ${NOT_A_VARIABLE}\"\n"
      "basic_auth_users:\n  alice: " +
      kHash + "\n  'bob and co': " + kHash + "\nrate_limit:\n  interval: 1s\n  burst: 20\n");
  CHECK(config.headers.size() == 3);
  CHECK(std::count(config.headers.begin(), config.headers.end(),
                   std::pair<std::string, std::string>(
                       "Content-Security-Policy", "default-src 'none' ${NOT_A_VARIABLE}")) == 1);
  CHECK(config.users == WebUsers{{"alice", kHash}, {"bob and co", kHash}});
  CHECK(config.rate_limit->interval == Millis{1000});
  CHECK(config.rate_limit->burst == 20);
}

TEST_CASE("web config: every mistake is told with its line, and no secret") {
  struct Row {
    const char* name;
    std::string text;
    int line;
    const char* words;
  };
  const std::string canary = "canary-4711";
  const Row rows[] = {
      {"no mapping", "just a text\n", 1, "must be a mapping"},
      {"a list", "- a\n", 1, "must be a mapping"},
      {"no YAML", "a: [\n", 2, "no YAML"},
      {"a tab", "a:\n\t- b\n", 2, "no YAML"},
      {"unknown key", "tls_server_confg: {}\n", 1, "did you mean tls_server_config"},
      {"unknown key below", tls("  cert_fil: x\n"), 4, "did you mean cert_file"},
      {"a key twice", tls("  key_file: other\n"), 4, "given twice"},
      {"a section twice", tls() + tls(), 4, "given twice"},
      {"no certificate", "tls_server_config:\n  key_file: k\n", 1, "cert_file is missing"},
      {"certificate empty", "tls_server_config:\n  cert_file: \"\"\n  key_file: k\n", 1,
       "cert_file is missing"},
      {"certificate in place empty", "tls_server_config:\n  cert: \"\"\n  key: k\n", 1,
       "cert_file is missing"},
      {"no key", "tls_server_config:\n  cert_file: c\n", 1, "key_file is missing"},
      {"key empty", "tls_server_config:\n  cert_file: c\n  key_file: \"\"\n", 1,
       "key_file is missing"},
      {"key in place empty", "tls_server_config:\n  cert_file: c\n  key: \"\"\n", 1,
       "key_file is missing"},
      {"both empty", "tls_server_config:\n  cert_file: \"\"\n  key_file: \"\"\n", 1,
       "cert_file is missing"},
      {"client authority alone", "tls_server_config:\n  client_ca_file: c\n", 1,
       "cert_file is missing"},
      {"versions alone", "tls_server_config:\n  min_version: TLS13\n", 1, "cert_file is missing"},
      {"certificate twice", tls("  cert: " + canary + "\n"), 2, "both given"},
      {"key twice", tls("  key: " + canary + "\n"), 3, "both given"},
      {"certificate is a list", "tls_server_config:\n  cert_file: [a]\n  key_file: k\n", 2,
       "single value"},
      {"unknown client authentication", tls("  client_auth_type: Sometimes\n"), 4, "is none of"},
      {"client authority without a policy", tls("  client_ca_file: ca.pem\n"), 4, "no effect"},
      {"client authority in place without a policy", tls("  client_ca: ca\n"), 4, "no effect"},
      {"client authority with the policy none",
       tls("  client_auth_type: NoClientCert\n  client_ca_file: ca.pem\n"), 5, "no effect"},
      {"verification without an authority", tls("  client_auth_type: RequireAndVerifyClientCert\n"),
       4, "needs client_ca_file"},
      {"allowed names without a policy", tls("  client_allowed_sans: [a]\n"), 4,
       "needs client_auth_type"},
      {"allowed names of optional certificates",
       tls("  client_auth_type: VerifyClientCertIfGiven\n  client_allowed_sans: [a]\n"), 5,
       "needs client_auth_type"},
      {"allowed names are no list",
       tls("  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: a\n"), 5,
       "must be a list"},
      {"TLS 1.0", tls("  min_version: TLS10\n"), 4, "not safe"},
      {"TLS 1.1", tls("  min_version: TLS11\n"), 4, "not safe"},
      {"TLS 1.1 at most", tls("  max_version: TLS11\n"), 4, "not safe"},
      {"SSL 3", tls("  min_version: SSL30\n"), 4, "TLS12 or TLS13"},
      {"TLS 1.4", tls("  max_version: TLS14\n"), 4, "TLS12 or TLS13"},
      {"a number as version", tls("  min_version: 1.2\n"), 4, "TLS12 or TLS13"},
      {"versions crossed", tls("  min_version: TLS13\n  max_version: TLS12\n"), 5, "older than"},
      {"invented cipher", tls("  cipher_suites:\n    - TLS_RSA_WITH_ROT13\n"), 5, "unknown cipher"},
      {"weak cipher", tls("  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n"), 4, "unknown cipher"},
      {"3DES", tls("  cipher_suites: [TLS_RSA_WITH_3DES_EDE_CBC_SHA]\n"), 4, "unknown cipher"},
      {"OpenSSL's name of a cipher", tls("  cipher_suites: [AES128-SHA]\n"), 4, "unknown cipher"},
      {"ciphers are no list", tls("  cipher_suites: TLS_AES_128_GCM_SHA256\n"), 4,
       "must be a list"},
      {"no cipher for the only version",
       tls("  max_version: TLS12\n  cipher_suites: [TLS_AES_128_GCM_SHA256]\n"), 5,
       "none for TLS 1.2"},
      {"invented curve", tls("  curve_preferences: [CurveP257]\n"), 4, "did you mean CurveP256"},
      {"order is no yes or no", tls("  prefer_server_cipher_suites: often\n"), 4, "true or false"},
      {"http2 is no yes or no", "http_server_config:\n  http2: h2c\n", 2, "true or false"},
      {"another header", "http_server_config:\n  headers:\n    Server: x\n", 3, "unknown key"},
      {"header in lower case", "http_server_config:\n  headers:\n    x-frame-options: deny\n", 3,
       "did you mean X-Frame-Options"},
      {"frame options", "http_server_config:\n  headers:\n    X-Frame-Options: maybe\n", 3,
       "not a value"},
      {"content type options",
       "http_server_config:\n  headers:\n    X-Content-Type-Options: sniff\n", 3, "not a value"},
      {"a header of two lines",
       "http_server_config:\n  headers:\n    X-XSS-Protection: \"1\\r\\nSet-Cookie: a\"\n", 3,
       "one line"},
      {"unknown key beside headers", "http_server_config:\n  tls: true\n", 2, "unknown key"},
      {"a password that is no hash", "basic_auth_users:\n  alice: " + canary + "\n", 2,
       "no bcrypt hash"},
      {"no password", "basic_auth_users:\n  alice:\n", 2, "no value"},
      {"an empty password", "basic_auth_users:\n  alice: \"\"\n", 2, "no bcrypt hash"},
      {"a hash of another kind", "basic_auth_users:\n  a: $1$" + canary + "\n", 2,
       "no bcrypt hash"},
      {"a cut hash", "basic_auth_users:\n  a: " + kHash.substr(0, 59) + "\n", 2, "no bcrypt hash"},
      {"a hash with more", "basic_auth_users:\n  a: " + kHash + "x\n", 2, "no bcrypt hash"},
      {"a cost too low", "basic_auth_users:\n  a: $2y$03" + kHash.substr(6) + "\n", 2,
       "no bcrypt hash"},
      {"a cost too high", "basic_auth_users:\n  a: $2y$21" + kHash.substr(6) + "\n", 2,
       "no bcrypt hash"},
      {"a name with a colon", "basic_auth_users:\n  'a:b': " + kHash + "\n", 2, "colon"},
      {"a user twice", "basic_auth_users:\n  a: " + kHash + "\n  a: " + kHash + "\n", 3,
       "given twice"},
      {"users are a list", "basic_auth_users: [a]\n", 1, "must be a mapping"},
      {"interval", "rate_limit:\n  interval: fast\n", 2, "not a duration"},
      {"burst", "rate_limit:\n  interval: 1s\n  burst: -1\n", 3, "whole number"},
      {"unknown key of the rate", "rate_limit:\n  rate: 1\n", 2, "unknown key"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto config = parse_web_config(row.text, "/etc");
    REQUIRE_FALSE(config);
    const auto& problems = config.error();
    const auto fits = [&](const config::ConfigProblem& problem) {
      return problem.line == row.line && problem.message.find(row.words) != std::string::npos;
    };
    CAPTURE(problems.front().line);
    CAPTURE(problems.front().message);
    CHECK(std::any_of(problems.begin(), problems.end(), fits));
    for (const config::ConfigProblem& problem : problems) {
      CHECK(problem.message.find(canary) == std::string::npos);
      CHECK(problem.message.find(kHash.substr(10, 20)) == std::string::npos);
    }
  }
}

TEST_CASE("web config: all mistakes are told at once, in the order of their lines") {
  const auto config = parse_web_config(
      "http_server_config:\n  http3: true\nx: 1\n" + tls("  min_version: TLS10\n"), "");
  REQUIRE_FALSE(config);
  REQUIRE(config.error().size() == 3);
  CHECK(config.error()[0].line == 2);
  CHECK(config.error()[1].line == 3);
  CHECK(config.error()[2].line == 7);
}

TEST_CASE("bcrypt_cost: a hash tells its cost, anything else none") {
  CHECK(bcrypt_cost(kHash) == 10);
  CHECK(bcrypt_cost("$2b$04" + kHash.substr(6)) == 4);
  CHECK(bcrypt_cost("$2a$20" + kHash.substr(6)) == 20);
  CHECK_FALSE(bcrypt_cost("$2x$10" + kHash.substr(6)));
  CHECK_FALSE(bcrypt_cost("$2y$1a" + kHash.substr(6)));
  CHECK_FALSE(bcrypt_cost(kHash.substr(0, 59) + "!"));
  CHECK_FALSE(bcrypt_cost(""));
}
