#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/base/secret.h"
#include "exporter/web/web_config.h"

struct ssl_ctx_st;

namespace registry_exporter::web {

/// The contents of the configured files, as PEM.
struct TlsMaterial {
  Secret certificate;
  Secret private_key;
  Secret client_ca;  ///< Empty: the system's authorities, where client certificates are verified.
};

/// TLS settings for new connections: certificate, key, versions, client certificates. Immutable;
/// connections keep the one they started with.
class TlsContext {
 public:
  /// Errors: invalid_config; the message starts with the configuration key to change.
  static Result<std::shared_ptr<const TlsContext>> make(const ServerTls& config,
                                                        const TlsMaterial& material);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* native() const { return context_; }

  /// How client certificates are checked.
  struct ClientRules {
    bool verify_chain = false;
    std::vector<std::string> allowed_sans;
  };

 private:
  TlsContext() = default;
  ssl_ctx_st* context_ = nullptr;
  ClientRules rules_;  ///< `context_` has a pointer to it.
};

}  // namespace registry_exporter::web
