#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/secret.h"
#include "exporter/config/config.h"

/// `--web.config.file`: TLS, passwords and headers, in the format of the Prometheus
/// exporter-toolkit (its docs/web-configuration.md).
namespace registry_exporter::web {

/// `client_auth_type`: whether clients need a certificate. The names in the file are Go's.
enum class ClientAuth { none, request, require_any, verify_if_given, require_and_verify };

/// A PEM text, or the file that contains it. Both empty: not configured.
struct PemSource {
  std::string key;   ///< Its key in the configuration: "cert_file".
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
  // OpenSSL's names, joined by ':'; empty: our defaults.
  std::string tls12_ciphers;
  std::string tls13_ciphers;
  std::string curves;
};

/// `rate_limit`: a token bucket for all requests.
struct RequestRate {
  Millis interval{0};  ///< Time per request; more than 0.
  int burst = 1;
};

using WebUsers = std::map<std::string, std::string>;  ///< Name → bcrypt hash.

struct WebConfig {
  std::optional<ServerTls> tls;                              ///< nullopt: plain HTTP.
  std::vector<std::pair<std::string, std::string>> headers;  ///< For every response.
  WebUsers users;                                            ///< Empty: no passwords.
  std::optional<RequestRate> rate_limit;
};

/// Parses a web configuration; file names in it are relative to `folder`. Pure.
/// Errors: all problems, ordered by line; their messages contain no hash and no key.
tl::expected<WebConfig, std::vector<config::ConfigProblem>> parse_web_config(
    const std::string& text, const std::string& folder);

/// The cost of a bcrypt hash ("$2y$10$…": 10); nullopt: not a bcrypt hash. Pure.
std::optional<int> bcrypt_cost(const std::string& hash);

}  // namespace registry_exporter::web
