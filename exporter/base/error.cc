#include "exporter/base/error.h"

namespace registry_exporter {

std::string_view name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::throttled:
      return "throttled";
    case ErrorKind::unauthorized:
      return "unauthorized";
    case ErrorKind::forbidden:
      return "forbidden";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::bad_request:
      return "bad_request";
    case ErrorKind::server_error:
      return "server_error";
    case ErrorKind::timeout:
      return "timeout";
    case ErrorKind::transport:
      return "transport";
    case ErrorKind::malformed:
      return "malformed";
    case ErrorKind::invalid_config:
      return "invalid_config";
    case ErrorKind::state_locked:
      return "state_locked";
    case ErrorKind::state_newer:
      return "state_newer";
    case ErrorKind::state_damaged:
      return "state_damaged";
    case ErrorKind::state_io:
      return "state_io";
    case ErrorKind::canceled:
      return "canceled";
  }
  return "unknown";
}

ErrorTraits traits(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::throttled:
      return {.retryable = true, .concerns_registry = true, .may_name_wait = true};
    case ErrorKind::unauthorized:
      return {.takes_registry_down = true, .concerns_registry = true, .fails_every_call = true};
    case ErrorKind::forbidden:
    case ErrorKind::bad_request:
      return {.lasting = true, .keys_accepted = true, .concerns_page = true, .concerns_row = true};
    case ErrorKind::not_found:
      return {.lasting = true, .keys_accepted = true, .concerns_page = true};
    case ErrorKind::server_error:
      return {
          .retryable = true, .concerns_page = true, .concerns_row = true, .may_name_wait = true};
    case ErrorKind::timeout:
      return {.retryable = true,
              .unreachable = true,
              .takes_registry_down = true,
              .concerns_page = true,
              .concerns_row = true};
    case ErrorKind::transport:
      return {.retryable = true,
              .unreachable = true,
              .takes_registry_down = true,
              .concerns_page = true};
    case ErrorKind::malformed:
      return {.retryable = true, .concerns_page = true, .concerns_row = true};
    case ErrorKind::invalid_config:
      return {.fails_every_call = true};
    case ErrorKind::state_locked:
    case ErrorKind::state_newer:
    case ErrorKind::state_damaged:
    case ErrorKind::state_io:
      return {};
    case ErrorKind::canceled:
      return {.concerns_registry = true, .fails_every_call = true};
  }
  return {};
}

std::string_view describe(ErrorCause cause) {
  switch (cause) {
    case ErrorCause::proxy:
      return "the proxy refuses";
    case ErrorCause::clock_skew:
      return "the clock is off";
    case ErrorCause::wrong_secret:
      return "the secret key is wrong";
    case ErrorCause::unknown_key:
      return "the access key is not known";
    case ErrorCause::key_locked:
      return "locked for some minutes, after too many bad tries";
    case ErrorCause::token_expired:
      return "the token has expired";
    case ErrorCause::wrong_password:
      return "the user name or password is wrong";
    case ErrorCause::unknown_project:
      return "the project is not known";
    default:
      return "";
  }
}

}  // namespace registry_exporter
