#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulator/wire.h"

/// The servers' side of the clouds' signatures: what a request must have been signed with, worked
/// out from what is on the wire. Pure, and written without a look at the exporter's signers, so
/// that each checks the other.
namespace registry_exporter::simulator {

/// `Authorization` of ACS3-HMAC-SHA256 and SDK-HMAC-SHA256 taken apart.
struct Authorization {
  std::string scheme;
  std::string access_key;                   ///< Credential= or Access=
  std::vector<std::string> signed_headers;  ///< As written, lower case.
  std::string signature;
};
/// nullopt: not of this form, or a part is missing.
std::optional<Authorization> parse_authorization(std::string_view header);

/// One signature worked out; `to_sign` is what the classic gateway shows in its refusal.
struct ExpectedSignature {
  std::string canonical;  ///< The request, which the newer gateway shows; of sign_sdk alone.
  std::string to_sign;
  std::string signature;
};

/// ACS3-HMAC-SHA256 (V3): lower-case hex. nullopt: a signed header is not in the request, or the
/// query cannot be decoded.
std::optional<ExpectedSignature> sign_acs3(const WireRequest& request,
                                           const Authorization& authorization,
                                           std::string_view secret);

/// The RPC signature (V1): base64 HMAC-SHA1 over `parameters`, those of the query and of a form
/// body together; `Signature` itself is left out.
ExpectedSignature sign_rpc(std::string_view method, const QueryPairs& parameters,
                           std::string_view secret);

/// SDK-HMAC-SHA256: lower-case hex. nullopt as above.
std::optional<ExpectedSignature> sign_sdk(const WireRequest& request,
                                          const Authorization& authorization,
                                          std::string_view secret);

}  // namespace registry_exporter::simulator
