#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/base/secret.h"
#include "exporter/web/web_config.h"

struct ssl_ctx_st;

namespace registry_exporter {

/// What the configuration's files hold, as PEM.
struct TlsMaterial {
  Secret certificate;
  Secret private_key;
  Secret client_ca;  ///< Empty: the system's authorities, where client certificates are verified.
};

/// Everything that new connections are encrypted with: certificate, key, versions, and what is
/// asked of clients. Immutable; connections keep the one they began with.
class TlsContext {
 public:
  /// Errors: invalid_config, beginning with the key of the configuration that is to be changed.
  static Result<std::shared_ptr<const TlsContext>> make(const ServerTls& config,
                                                        const TlsMaterial& material);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* native() const { return context_; }

  /// What a client's certificate is held against.
  struct ClientRules {
    bool verify_chain = false;
    std::vector<std::string> allowed_sans;
  };

 private:
  TlsContext() = default;
  ssl_ctx_st* context_ = nullptr;
  ClientRules rules_;  ///< `context_` points to it.
};

}  // namespace registry_exporter
