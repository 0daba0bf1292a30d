#pragma once

#include <optional>
#include <string_view>

#include "exporter/base/result.h"

/// The error codes of the `cr` API and of the gateway before it. Pure.
namespace registry_exporter::acr {

struct CodeMeaning {
  ErrorKind kind = ErrorKind::bad_request;
  bool sign_again = false;           ///< Refused for its time or its nonce alone.
  bool credentials_expired = false;  ///< Temporary keys that have had their time.
  ErrorCause cause = ErrorCause::unknown;
};

/// What a code means whatever status it came with: the same code has different statuses on
/// different pages. Indifferent to case and to '.', '_' and '-'. nullopt: not a code we know.
std::optional<CodeMeaning> meaning_of(std::string_view code);

/// For codes that say nothing of the credentials: a service that passes on what another refused
/// names the other's code in its message alone: `The specified parameter "SecurityToken.Expired" is
/// not valid.`
std::optional<CodeMeaning> meaning_within(std::string_view message);

/// "success" in any spelling.
bool is_success_code(std::string_view code);

}  // namespace registry_exporter::acr
