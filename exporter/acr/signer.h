#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/base/clock.h"
#include "exporter/base/percent_encoding.h"
#include "exporter/base/secret.h"
#include "exporter/net/http_transport.h"

/// Alibaba Cloud request signatures. Pure.
namespace registry_exporter::acr {

/// What signs for us. Source: exporter/acr/credentials.h.
struct AcrKeys {
  std::string access_key_id;
  Secret access_key_secret;
  Secret security_token;                 ///< Empty: a long-lived key.
  std::optional<UnixMillis> expires_at;  ///< nullopt: never, or not told.
  std::uint64_t generation = 0;          ///< Grows whenever the keys become other ones.
  bool operator==(const AcrKeys&) const = default;
};

/// "host[:port]" as it goes on the wire: the scheme's own port is left out.
std::string host_of(std::string_view origin);

/// Signs by ACS3-HMAC-SHA256 (signature V3): adds host, date, nonce, body digest, the token where
/// there is one, and `authorization`. All headers `x-acs-*`, `host` and `content-type` are signed.
/// The query of `target` must be percent-encoded as by percent_encode(), the path is signed as is.
HttpRequest sign_v3(HttpRequest request, const AcrKeys& keys, UnixMillis now,
                    std::string_view nonce);

/// The older RPC signature (V1, HMAC-SHA1), in base64: the value of the parameter `Signature`.
/// `parameters`: those of query and form together, decoded, in any order, blank values included.
std::string signature_v1(std::string_view method, const QueryPairs& parameters,
                         const Secret& access_key_secret);

}  // namespace registry_exporter::acr
