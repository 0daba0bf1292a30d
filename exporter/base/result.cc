#include "exporter/base/result.h"

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

bool is_lasting(ErrorKind kind) {
  return kind == ErrorKind::forbidden || kind == ErrorKind::not_found ||
         kind == ErrorKind::bad_request;
}

}  // namespace registry_exporter
