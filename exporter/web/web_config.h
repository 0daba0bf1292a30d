#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/secret.h"
#include "exporter/config/config.h"

/// `--web.config.file`: TLS, passwords and headers, in the format that the Prometheus
/// exporter-toolkit made common (its docs/web-configuration.md).
namespace registry_exporter {

/// How much is asked of a client's certificate: `client_auth_type`, which has Go's names.
enum class ClientAuth { none, request, require_any, verify_if_given, require_and_verify };

/// A PEM text in place, or the file that holds it. Both empty: not given.
struct PemSource {
  std::string key;   ///< How the configuration calls it: "cert_file".
  std::string file;  ///< Absolute, or relative to the working directory.
  Secret text;
  bool empty() const { return file.empty() && text.empty(); }
};

struct ServerTls {
  PemSource certificate;  ///< The server's, with its chain.
  PemSource private_key;
  PemSource client_ca;
  ClientAuth client_auth = ClientAuth::none;
  /// The client's certificate must hold one of these names (DNS, IP, e-mail, URI); empty: any.
  std::vector<std::string> client_allowed_sans;
  bool tls12 = true;
  bool tls13 = true;
  bool prefer_server_ciphers = true;
  // OpenSSL's names, joined by ':'; empty: ours.
  std::string tls12_ciphers;
  std::string tls13_ciphers;
  std::string curves;
};

/// `rate_limit`: a token bucket in front of everything.
struct RequestRate {
  Millis interval{0};  ///< One more request each; more than 0.
  int burst = 1;
};

using WebUsers = std::map<std::string, std::string>;  ///< Name → bcrypt hash.

struct WebConfig {
  std::optional<ServerTls> tls;                              ///< nullopt: plain HTTP.
  std::vector<std::pair<std::string, std::string>> headers;  ///< For every answer.
  WebUsers users;                                            ///< Empty: no password is asked.
  std::optional<RequestRate> rate_limit;
};

/// Reads a whole web configuration; file names in it are relative to `folder`. Pure.
/// Errors: every problem found, in the order of their lines; no hash and no key in their words.
tl::expected<WebConfig, std::vector<ConfigProblem>> parse_web_config(const std::string& text,
                                                                     const std::string& folder);

/// The cost of a bcrypt hash ("$2y$10$…": 10); nullopt: it is none. Pure.
std::optional<int> bcrypt_cost(const std::string& hash);

}  // namespace registry_exporter
