#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace registry_exporter {

/// What went wrong, in the words the caller acts on. The first group are the answers of a cloud:
/// their names are the values of the labels `outcome` and `reason`, so they are bounded.
enum class ErrorKind {
  throttled,     ///< Slow down; `retry_after` when the server named a wait.
  unauthorized,  ///< Keys, token or signature refused: stop hammering.
  forbidden,     ///< The keys are good, this operation or repository is not allowed.
  not_found,     ///< The target is gone.
  bad_request,   ///< Refused as malformed; trying again won't help.
  server_error,  ///< 5xx and its cousins; try again later.
  timeout,       ///< No whole answer before the deadline.
  transport,     ///< DNS, TCP, TLS, proxy, connection cut.
  malformed,     ///< An answer that isn't what the API promises.
  // Not from a cloud:
  invalid_config,  ///< The user has to change a setting; `detail` says which.
  state_locked,    ///< Another process holds the state file.
  state_newer,     ///< The state was written by a newer version.
  state_damaged,   ///< The state can't be trusted.
  state_io,        ///< The disk refused (full, read-only, I/O error).
  canceled,        ///< We are stopping, or the call was not allowed to start.
};

/// Label value and log word, e.g. "throttled".
std::string_view name(ErrorKind kind);

/// A refusal: asking the same again won't help. (unauthorized: it may, with other keys.)
bool is_lasting(ErrorKind kind);

/// What an error comes from, where that is known for sure: each has a remedy of its own.
enum class ErrorCause {
  unknown,
  proxy,            ///< The proxy on the way, not what is behind it.
  clock,            ///< Ours is too far off for a signature to hold.
  wrong_secret,     ///< The secret doesn't belong to the access key.
  unknown_key,      ///< There is no such access key, or it is disabled.
  locked,           ///< The key or the user, for some minutes, after too many bad tries.
  token_expired,    ///< Or belongs to other keys: a new one helps.
  wrong_password,   ///< Of a user, or the user's name.
  unknown_project,  ///< The keys are good, elsewhere.
};

/// In a few words for a log, e.g. "the clock is off"; "" for unknown.
std::string_view describe(ErrorCause cause);

struct Error {
  ErrorKind kind = ErrorKind::transport;
  std::string detail;  ///< One line for the log. Never a credential, never a response body.
  std::string code;    ///< The cloud's own error code ("Throttling.User", "APIGW.0301"), or empty.
  std::optional<std::chrono::milliseconds> retry_after;  ///< A wait that the server named.
  ErrorCause cause = ErrorCause::unknown;
};

template <class T>
using Result = tl::expected<T, Error>;

/// Success that carries nothing.
struct Done {};

inline tl::unexpected<Error> fail(ErrorKind kind, std::string detail, std::string code = {}) {
  return tl::unexpected<Error>(Error{kind, std::move(detail), std::move(code), {}});
}

/// The same error, told with where it happened: "page 3: connection reset".
inline tl::unexpected<Error> within(std::string_view where, Error error) {
  error.detail = std::string(where) + ": " + error.detail;
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace registry_exporter
