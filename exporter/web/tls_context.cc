#include "exporter/web/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

namespace registry_exporter::web {
namespace {

// The defaults: forward secrecy and authenticated encryption.
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kTls13Ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kCurves = "X25519:P-256:P-384";
constexpr unsigned char kProtocols[] = "\x08http/1.1";

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using X509Pointer = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPointer = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio reader(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

/// The reason of OpenSSL's latest error; clears its error queue.
std::string cause() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const words = ERR_reason_error_string(code);
  return words == nullptr ? "unknown error" : words;
}

tl::unexpected<Error> refuse(const PemSource& source, const std::string& why) {
  return fail(ErrorKind::invalid_config,
              source.key + (source.file.empty() ? "" : " " + source.file) + ": " + why);
}

/// Without this callback OpenSSL asks for a pass phrase at the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

std::vector<X509Pointer> read_certificates(const std::string& pem) {
  std::vector<X509Pointer> all;
  const Bio bio = reader(pem);
  for (;;) {
    X509Pointer next(PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr), X509_free);
    if (!next) break;
    all.push_back(std::move(next));
  }
  return all;
}

/// Whether read_certificates() stopped at the end of the text rather than at damaged PEM.
bool read_to_the_end() {
  const unsigned long code = ERR_peek_last_error();
  const bool end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  if (end) ERR_clear_error();
  return end;
}

Result<Done> use_certificate(SSL_CTX* context, const ServerTls& config,
                             const TlsMaterial& material) {
  ERR_clear_error();
  auto certificates = read_certificates(material.certificate.reveal());
  if (!read_to_the_end()) return refuse(config.certificate, "damaged PEM (" + cause() + ")");
  if (certificates.empty()) return refuse(config.certificate, "holds no certificate in PEM form");
  if (SSL_CTX_use_certificate(context, certificates[0].get()) != 1) {
    return refuse(config.certificate, cause());
  }
  for (std::size_t i = 1; i < certificates.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, certificates[i].get()) != 1) {
      return refuse(config.certificate, cause());
    }
  }
  const Bio bio = reader(material.private_key.reveal());
  const KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr),
                       EVP_PKEY_free);
  if (!key) {
    ERR_clear_error();
    return refuse(config.private_key, "holds no private key in PEM form without a pass phrase");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return refuse(
        config.private_key,
        "is not the key of the certificate in " +
            (config.certificate.file.empty() ? config.certificate.key : config.certificate.file));
  }
  return Done{};
}

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string address_text(const std::string& bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  const bool sized = bytes.size() == 4 || bytes.size() == 16;
  return sized && inet_ntop(family, bytes.data(), text, sizeof text) != nullptr ? text : "";
}

std::string text_of(const GENERAL_NAME& name) {
  switch (name.type) {
    case GEN_DNS:
    case GEN_EMAIL:
    case GEN_URI:
      return text_of(name.d.ia5);
    case GEN_IPADD:
      return address_text(text_of(name.d.iPAddress));
    default:
      return {};
  }
}

bool has_allowed_name(const X509* certificate, const std::vector<std::string>& allowed) {
  auto* const names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  bool found = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const std::string name = text_of(*sk_GENERAL_NAME_value(names, i));
    found |= !name.empty() && std::find(allowed.begin(), allowed.end(), name) != allowed.end();
  }
  GENERAL_NAMES_free(names);
  return found;
}

int verify_client(X509_STORE_CTX* store, void* argument) {
  const auto& rules = *static_cast<const TlsContext::ClientRules*>(argument);
  if (rules.verify_chain && X509_verify_cert(store) != 1) return 0;
  const X509* const certificate = X509_STORE_CTX_get0_cert(store);
  if (rules.allowed_sans.empty() || has_allowed_name(certificate, rules.allowed_sans)) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return 0;
}

Result<Done> trust_client_authorities(SSL_CTX* context, const ServerTls& config,
                                      const TlsMaterial& material) {
  if (config.client_ca.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    return Done{};
  }
  ERR_clear_error();
  const auto authorities = read_certificates(material.client_ca.reveal());
  if (!read_to_the_end()) return refuse(config.client_ca, "damaged PEM (" + cause() + ")");
  if (authorities.empty()) return refuse(config.client_ca, "holds no certificate in PEM form");
  for (const X509Pointer& authority : authorities) {
    const bool trusted =
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) == 1 &&
        SSL_CTX_add_client_CA(context, authority.get()) == 1;
    if (!trusted) return refuse(config.client_ca, cause());
  }
  return Done{};
}

int verify_mode(ClientAuth auth) {
  switch (auth) {
    case ClientAuth::none:
      return SSL_VERIFY_NONE;
    case ClientAuth::request:
    case ClientAuth::verify_if_given:
      return SSL_VERIFY_PEER;
    case ClientAuth::require_any:
    case ClientAuth::require_and_verify:
      break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

/// ALPN: a client that lists protocols must list HTTP/1.1.
int select_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_length,
                    const unsigned char* offered, unsigned int offered_length, void*) {
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(&found, chosen_length, kProtocols,
                                            sizeof kProtocols - 1, offered, offered_length);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<Done> set_algorithms(SSL_CTX* context, const ServerTls& config) {
  const auto or_else = [](const std::string& configured, const char* ours) {
    return configured.empty() ? ours : configured.c_str();
  };
  SSL_CTX_set_min_proto_version(context, config.tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(context, config.tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  const bool set =
      SSL_CTX_set_cipher_list(context, or_else(config.tls12_ciphers, kTls12Ciphers)) == 1 &&
      SSL_CTX_set_ciphersuites(context, or_else(config.tls13_ciphers, kTls13Ciphers)) == 1 &&
      SSL_CTX_set1_groups_list(context, or_else(config.curves, kCurves)) == 1;
  if (!set) {
    return fail(ErrorKind::invalid_config, "cipher_suites or curve_preferences: " + cause());
  }
  return Done{};
}

/// No session resumption: connections live for minutes, so it isn't worth its keys and memory, and
/// a resumed session would skip the check of the client's certificate.
void set_options(SSL_CTX* context, bool prefer_server_ciphers) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  if (prefer_server_ciphers) SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::make(const ServerTls& config,
                                                           const TlsMaterial& material) {
  const std::shared_ptr<TlsContext> made(new TlsContext);
  made->context_ = SSL_CTX_new(TLS_server_method());
  if (made->context_ == nullptr) return fail(ErrorKind::invalid_config, "TLS: " + cause());
  set_options(made->context_, config.prefer_server_ciphers);
  if (const auto set = set_algorithms(made->context_, config); !set) {
    return tl::unexpected(set.error());
  }
  if (const auto used = use_certificate(made->context_, config, material); !used) {
    return tl::unexpected(used.error());
  }
  made->rules_ = {.verify_chain = config.client_auth == ClientAuth::verify_if_given ||
                                  config.client_auth == ClientAuth::require_and_verify,
                  .allowed_sans = config.client_allowed_sans};
  SSL_CTX_set_verify(made->context_, verify_mode(config.client_auth), nullptr);
  SSL_CTX_set_cert_verify_callback(made->context_, verify_client, &made->rules_);
  if (made->rules_.verify_chain) {
    if (const auto trusts = trust_client_authorities(made->context_, config, material); !trusts) {
      return tl::unexpected(trusts.error());
    }
  }
  return std::shared_ptr<const TlsContext>(made);
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

}  // namespace registry_exporter::web
