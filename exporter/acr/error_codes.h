#pragma once

#include <optional>
#include <string_view>

#include "exporter/base/result.h"

/// The error codes of the `cr` API and of the gateway before it. Pure.
namespace registry_exporter::acr {

struct CodeMeaning {
  ErrorKind kind = ErrorKind::bad_request;
  bool sign_again = false;           ///< Refused for its time or its nonce alone.
  bool credentials_expired = false;  ///< Temporary keys, no longer valid.
  ErrorCause cause = ErrorCause::unknown;
};

/// What a code means, whatever its HTTP status: the cloud's pages disagree on the statuses. Ignores
/// case and '.', '_' and '-'. nullopt: an unknown code.
std::optional<CodeMeaning> meaning_of(std::string_view code);

/// For codes that say nothing about the credentials: a service that passes on the refusal of
/// another names that one's code only in its message: `The specified parameter
/// "SecurityToken.Expired" is not valid.`
std::optional<CodeMeaning> meaning_within(std::string_view message);

/// "success" in any spelling.
bool is_success_code(std::string_view code);

}  // namespace registry_exporter::acr
