#include "exporter/web/web_config.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "exporter/base/text.h"
#include "exporter/config/spelling.h"
#include "exporter/config/yaml_section.h"

namespace registry_exporter::web {
namespace {

/// Higher costs would block the hashing thread for minutes.
constexpr int kBcryptCostMin = 4;
constexpr int kBcryptCostMax = 20;
constexpr int kBurstMax = 1'000'000;

struct NamePair {
  std::string_view ours;  ///< In the configuration file: Go's.
  std::string_view openssl;
};

constexpr NamePair kTls12Ciphers[] = {
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
    {"TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"},
    {"TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"},
    {"TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"},
    {"TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"},
};
constexpr NamePair kTls13Ciphers[] = {
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"},
    {"TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"},
    {"TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"},
};
constexpr NamePair kCurves[] = {
    {"X25519", "X25519"},
    {"CurveP256", "P-256"},
    {"CurveP384", "P-384"},
    {"CurveP521", "P-521"},
};

struct ClientAuthName {
  std::string_view name;
  ClientAuth value;
};
constexpr ClientAuthName kClientAuthNames[] = {
    {"", ClientAuth::none},
    {"NoClientCert", ClientAuth::none},
    {"RequestClientCert", ClientAuth::request},
    {"RequireAnyClientCert", ClientAuth::require_any},
    {"RequireClientCert", ClientAuth::require_any},
    {"VerifyClientCertIfGiven", ClientAuth::verify_if_given},
    {"RequireAndVerifyClientCert", ClientAuth::require_and_verify},
};

constexpr const char* kHeaders[] = {"Content-Security-Policy", "X-Frame-Options",
                                    "X-Content-Type-Options", "X-XSS-Protection",
                                    "Strict-Transport-Security"};

/// Appends the OpenSSL name of `name` to a list joined by ':'. Returns false if it is unknown.
template <std::size_t Size>
bool add_name(const NamePair (&table)[Size], const std::string& name, std::string& list) {
  for (const NamePair& pair : table) {
    if (pair.ours != name) continue;
    list += (list.empty() ? "" : ":") + std::string(pair.openssl);
    return true;
  }
  return false;
}

template <std::size_t Size>
std::vector<std::string> names_in(const NamePair (&table)[Size]) {
  std::vector<std::string> names;
  for (const NamePair& pair : table) names.emplace_back(pair.ours);
  return names;
}

PemSource read_pem(config::Section& section, const std::string& key, const std::string& folder) {
  PemSource source;
  source.key = key + "_file";
  source.file = section.text(key + "_file").value_or("");
  source.text = Secret(section.text(key).value_or(""));
  if (!source.file.empty() && !source.text.empty()) {
    section.problem(key + "_file", " and " + key + " are both given; keep one");
  }
  if (source.file.empty()) source.key = key;
  const bool relative = !source.file.empty() && !source.file.starts_with('/');
  if (relative && !folder.empty()) source.file = folder + "/" + source.file;
  return source;
}

/// 2 or 3 of TLS 1.x; nullopt after reporting a problem.
std::optional<int> read_version(config::Section& section, const std::string& key, int otherwise) {
  const auto value = section.text(key);
  if (!value || value->empty()) return otherwise;
  if (*value == "TLS12") return 2;
  if (*value == "TLS13") return 3;
  const bool older = *value == "TLS10" || *value == "TLS11";
  section.problem(key, older ? ": " + *value + " is not safe and not offered; use TLS12 or TLS13"
                             : " must be TLS12 or TLS13");
  return std::nullopt;
}

void read_versions(config::Section& section, ServerTls& tls) {
  const auto least = read_version(section, "min_version", 2);
  const auto most = read_version(section, "max_version", 3);
  if (!least || !most) return;
  if (*least > *most) section.problem("max_version", " is older than min_version");
  tls.tls12 = *least <= 2;
  tls.tls13 = *most >= 3;
}

void read_ciphers(config::Section& section, ServerTls& tls) {
  const auto items = section.list("cipher_suites");
  if (!items || items->empty()) return;
  std::vector<std::string> known = names_in(kTls12Ciphers);
  for (const std::string& name : names_in(kTls13Ciphers)) known.push_back(name);
  bool all_known = true;
  for (const config::ListItem& item : *items) {
    if (add_name(kTls12Ciphers, item.value, tls.tls12_ciphers)) continue;
    if (add_name(kTls13Ciphers, item.value, tls.tls13_ciphers)) continue;
    all_known = false;
    section.context().problems.add(
        item.node, section.name_of("cipher_suites") + ": unknown cipher " +
                       config::in_quotes(item.value) + config::did_you_mean(item.value, known));
  }
  if (!all_known || !tls.tls12_ciphers.empty()) return;
  if (!tls.tls13)
    section.problem("cipher_suites", " has none for TLS 1.2, and max_version is TLS12");
  tls.tls12 = false;
}

void read_curves(config::Section& section, ServerTls& tls) {
  const auto items = section.list("curve_preferences");
  if (!items) return;
  for (const config::ListItem& item : *items) {
    if (add_name(kCurves, item.value, tls.curves)) continue;
    section.context().problems.add(item.node,
                                   section.name_of("curve_preferences") + ": unknown curve " +
                                       config::in_quotes(item.value) +
                                       config::did_you_mean(item.value, names_in(kCurves)));
  }
}

void read_client_auth(config::Section& section, const std::string& folder, ServerTls& tls) {
  const std::string type = section.text("client_auth_type").value_or("");
  const auto* const found =
      std::find_if(std::begin(kClientAuthNames), std::end(kClientAuthNames),
                   [&](const ClientAuthName& each) { return each.name == type; });
  const bool known = found != std::end(kClientAuthNames);
  if (known) tls.client_auth = found->value;
  if (!known) {
    section.problem("client_auth_type",
                    ": " + config::in_quotes(type) +
                        " is none of NoClientCert, RequestClientCert, RequireAnyClientCert, "
                        "VerifyClientCertIfGiven, RequireAndVerifyClientCert");
  }
  tls.client_ca = read_pem(section, "client_ca", folder);
  const bool ca_given = !tls.client_ca.empty();
  if (known && ca_given && tls.client_auth == ClientAuth::none) {
    section.problem(tls.client_ca.key,
                    " has no effect without client_auth_type: "
                    "RequireAndVerifyClientCert");
  }
  if (!ca_given && tls.client_auth == ClientAuth::require_and_verify) {
    section.problem("client_auth_type", ": RequireAndVerifyClientCert needs client_ca_file");
  }
  for (const config::ListItem& item :
       section.list("client_allowed_sans").value_or(std::vector<config::ListItem>{}))
    tls.client_allowed_sans.push_back(item.value);
  const bool required = tls.client_auth == ClientAuth::require_any ||
                        tls.client_auth == ClientAuth::require_and_verify;
  if (known && !tls.client_allowed_sans.empty() && !required) {
    section.problem("client_allowed_sans",
                    " needs client_auth_type RequireAndVerifyClientCert (or RequireAnyClientCert)");
  }
}

std::optional<ServerTls> read_tls(config::Section section, const std::string& folder) {
  if (section.is_mapping() && section.keys().empty()) return std::nullopt;
  ServerTls tls;
  tls.certificate = read_pem(section, "cert", folder);
  tls.private_key = read_pem(section, "key", folder);
  if (tls.certificate.empty()) section.missing("cert_file");
  if (tls.private_key.empty()) section.missing("key_file");
  read_client_auth(section, folder, tls);
  read_versions(section, tls);
  read_ciphers(section, tls);
  read_curves(section, tls);
  tls.prefer_server_ciphers = section.boolean("prefer_server_cipher_suites").value_or(true);
  section.refuse_the_rest();
  return tls;
}

bool header_value_is_good(const std::string& name, const std::string& value) {
  const std::string word = lower(value);
  if (name == "X-Frame-Options") return word == "deny" || word == "sameorigin";
  if (name == "X-Content-Type-Options") return word == "nosniff";
  return true;
}

void read_http(config::Section section, WebConfig& config) {
  // Accepted for compatibility and ignored: only HTTP/1.1 is supported.
  static_cast<void>(section.boolean("http2"));
  if (auto headers = section.section("headers")) {
    for (const char* const name : kHeaders) {
      const auto value = headers->text(name);
      if (!value || value->empty()) continue;
      if (!config::is_one_line(*value)) headers->problem(name, " must be one line");
      if (!header_value_is_good(name, *value)) {
        headers->problem(name, ": " + config::in_quotes(*value) + " is not a value of it");
      }
      config.headers.emplace_back(name, *value);
    }
    headers->refuse_the_rest();
  }
  section.refuse_the_rest();
}

void read_users(config::Section section, WebUsers& users) {
  for (const std::string& name : section.keys()) {
    const auto hash = section.text(name);
    if (!hash) continue;
    if (name.find(':') != std::string::npos) section.problem(name, ": a name can't hold a colon");
    if (!bcrypt_cost(*hash)) {
      section.problem(name, " has no bcrypt hash ($2y$10$..., of a cost up to " +
                                std::to_string(kBcryptCostMax) +
                                "); make one with: htpasswd -nBC 10 \"\"");
    }
    users[name] = *hash;
  }
}

void read_rate_limit(config::Section section, WebConfig& config) {
  const auto interval = section.duration("interval", true);
  const auto burst = section.integer("burst", 0, kBurstMax);
  if (interval && *interval > Millis{0}) {
    config.rate_limit = RequestRate{*interval, std::max(1, burst.value_or(1))};
  }
  section.refuse_the_rest();
}

WebConfig read_web_config(config::Section& root, const std::string& folder) {
  WebConfig config;
  if (auto section = root.section("tls_server_config")) config.tls = read_tls(*section, folder);
  if (auto section = root.section("http_server_config")) read_http(*section, config);
  if (auto section = root.section("basic_auth_users")) read_users(*section, config.users);
  if (auto section = root.section("rate_limit")) read_rate_limit(*section, config);
  root.refuse_the_rest();
  return config;
}

/// The format has no variables: leave what looks like one unchanged.
std::optional<std::string> itself(const std::string& name) { return "${" + name + "}"; }

}  // namespace

std::optional<int> bcrypt_cost(const std::string& hash) {
  constexpr std::size_t kLength = 60;
  const bool framed = hash.size() == kLength && hash.starts_with("$2") && hash[3] == '$' &&
                      std::string_view("aby").find(hash[2]) != std::string_view::npos &&
                      hash[6] == '$';
  if (!framed) return std::nullopt;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!digit(hash[4]) || !digit(hash[5])) return std::nullopt;
  const bool spelled = std::all_of(hash.begin() + 7, hash.end(), [&](char c) {
    return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '/';
  });
  const int cost = (hash[4] - '0') * 10 + (hash[5] - '0');
  const bool affordable = cost >= kBcryptCostMin && cost <= kBcryptCostMax;
  return spelled && affordable ? std::optional(cost) : std::nullopt;
}

tl::expected<WebConfig, std::vector<config::ConfigProblem>> parse_web_config(
    const std::string& text, const std::string& folder) {
  config::Problems problems;
  try {
    const YAML::Node document = YAML::Load(text);
    const config::Environment environment = itself;
    config::Section root(document, document, "", config::SectionContext{problems, environment});
    WebConfig config = read_web_config(root, folder);
    if (problems.empty()) return config;
    return tl::unexpected(problems.sorted());
  } catch (const YAML::Exception& exception) {
    return tl::unexpected(std::vector<config::ConfigProblem>{
        {exception.mark.line + 1, "this is no YAML: " + config::in_one_line(exception.msg)}});
  }
}

}  // namespace registry_exporter::web
