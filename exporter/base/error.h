#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace registry_exporter {

/// What went wrong, in terms of what the caller does about it. The first group are the answers of a
/// cloud: their names are the values of the labels `outcome` and `reason`, so they are bounded.
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

/// How to react to an error of one kind. Every decision that depends on the kind alone is here.
struct ErrorTraits {
  /// The same call, repeated within seconds, may succeed.
  bool retryable = false;
  /// The same call fails again until somebody changes something.
  bool lasting = false;
  /// The server refused the request but had accepted the credentials.
  bool keys_accepted = false;
  /// No complete answer came.
  bool unreachable = false;
  /// The registry can't be used as it is: it counts as down.
  bool takes_registry_down = false;
  /// Concerns every call to the registry, not only this one.
  bool concerns_registry = false;
  /// One unreadable page of a list may cause it; the other pages may be fine.
  bool concerns_page = false;
  /// One row of a page may cause it; a page without that row may be fine.
  bool concerns_row = false;
  /// Every other call to the registry fails alike.
  bool fails_every_call = false;
  /// The server may say for how long to wait (`Retry-After`).
  bool may_name_wait = false;
};
ErrorTraits traits(ErrorKind kind);

/// Where an error comes from, if that is known for sure. Each cause has a remedy of its own.
enum class ErrorCause {
  unknown,
  // On the way to the server:
  dns,                     ///< The host name does not resolve.
  connect,                 ///< No TCP connection.
  truncated,               ///< The connection was closed in the middle of the answer.
  proxy,                   ///< The proxy could not be reached, or it refuses.
  proxy_url,               ///< The URL of the proxy can't be read.
  tls_expired,             ///< The server's certificate has expired.
  tls_not_yet_valid,       ///< It becomes valid in the future.
  tls_wrong_name,          ///< It is for another name.
  tls_client_certificate,  ///< The server asks for a certificate of ours.
  tls,                     ///< Any other failure of TLS, such as an unknown authority.
  // Refused credentials:
  clock_skew,      ///< Our clock is too far off for a signature to hold.
  wrong_secret,    ///< The secret doesn't belong to the access key.
  unknown_key,     ///< There is no such access key, or it is disabled.
  key_locked,      ///< The key or the user, for some minutes, after too many bad tries.
  token_expired,   ///< Or it belongs to other keys: a new one helps.
  wrong_password,  ///< Of a user, or the user's name.
  // Refused or wrong answers:
  unknown_project,   ///< The keys are good, but in another project or region.
  unknown_instance,  ///< The cloud knows no such registry.
  wrong_repository,  ///< The answer is about another repository than the one asked for.
  // Credentials on this machine:
  not_set_up,       ///< Nobody configured this source of credentials.
  no_credentials,   ///< No source of credentials gave any.
  file_missing,     ///< There is no file of that name.
  file_denied,      ///< The file exists, but this process may not read it.
  program_missing,  ///< There is no program of that name.
  program_denied,   ///< The program exists, but this process may not run it.
};

/// In a few words for a log, e.g. "the clock is off". Empty where `detail` always says it already.
std::string_view describe(ErrorCause cause);

struct Error {
  ErrorKind kind = ErrorKind::transport;
  std::string detail;  ///< One line for the log. Never a credential, never a response body.
  std::string code;    ///< The cloud's own error code ("Throttling.User", "APIGW.0301"), or empty.
  std::optional<std::chrono::milliseconds> retry_after;  ///< A wait that the server named.
  ErrorCause cause = ErrorCause::unknown;
  /// The call that failed, by the cloud's own name ("AssumeRole"); empty if no call was made.
  std::string operation = {};
  /// "host:port (where it is configured)" of the proxy that `cause` is about, otherwise empty.
  std::string proxy = {};
};

}  // namespace registry_exporter
