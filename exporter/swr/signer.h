#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/base/clock.h"
#include "exporter/base/secret.h"
#include "exporter/net/http_transport.h"

/// Huawei Cloud request signatures. Pure.
namespace registry_exporter::swr {

/// What authenticates us: a key pair, or a token of IAM. Source: exporter/swr/credentials.h.
struct SwrKeys {
  std::string access_key;
  Secret secret_key;
  Secret security_token;                 ///< Of temporary keys; empty otherwise.
  Secret iam_token;                      ///< Set: sent as X-Auth-Token, nothing is signed.
  std::optional<UnixMillis> expires_at;  ///< nullopt: never, or not told.
  std::uint64_t generation = 0;          ///< Grows whenever the keys become other ones.
  bool operator==(const SwrKeys&) const = default;
};

/// "host[:port]" as it goes on the wire: the scheme's own port is left out.
std::string host_of(std::string_view origin);

/// The canonical request of SDK-HMAC-SHA256 over all of `request.headers`.
/// The path of `target` is decoded and encoded again segment by segment, with a slash at its end.
std::string canonical_request(const HttpRequest& request);

/// The value of `authorization` for a request that has all the headers to sign; `date` as in its
/// `x-sdk-date`.
std::string authorization(const HttpRequest& request, const SwrKeys& keys, std::string_view date);

/// Signs by SDK-HMAC-SHA256: adds host, date, project, the token where there is one, and
/// `authorization`. Every header is signed. With an IAM token: adds it, signs nothing.
HttpRequest sign(HttpRequest request, const SwrKeys& keys, const std::string& project_id,
                 UnixMillis now);

}  // namespace registry_exporter::swr
