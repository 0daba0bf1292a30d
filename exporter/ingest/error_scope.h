#pragma once

#include "exporter/base/result.h"

namespace registry_exporter {

/// An error that every other call to the registry would meet, too.
inline bool concerns_registry(ErrorKind kind) {
  return kind == ErrorKind::unauthorized || kind == ErrorKind::throttled ||
         kind == ErrorKind::canceled;
}

/// Nothing answered.
inline bool is_unreachable(ErrorKind kind) {
  return kind == ErrorKind::timeout || kind == ErrorKind::transport;
}

/// One row of a list could be the reason.
inline bool may_concern_one_row(ErrorKind kind) {
  return !concerns_registry(kind) && kind != ErrorKind::not_found && kind != ErrorKind::transport;
}

}  // namespace registry_exporter
