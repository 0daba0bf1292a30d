#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "exporter/base/error.h"

namespace registry_exporter {

template <class T>
using Result = tl::expected<T, Error>;

/// Success that carries nothing.
struct Done {};

inline tl::unexpected<Error> fail(ErrorKind kind, std::string detail, std::string code = {}) {
  return tl::unexpected<Error>(Error{kind, std::move(detail), std::move(code), {}});
}

inline tl::unexpected<Error> fail(ErrorKind kind, ErrorCause cause, std::string detail) {
  return tl::unexpected<Error>(Error{kind, std::move(detail), {}, {}, cause});
}

/// The same error, told with where it happened: "page 3: connection reset".
inline tl::unexpected<Error> within(std::string_view where, Error error) {
  error.detail = std::string(where) + ": " + error.detail;
  return tl::unexpected<Error>(std::move(error));
}

/// The same error, told with the call that failed.
inline tl::unexpected<Error> failed_call(std::string_view operation, Error error) {
  error.operation = operation;
  return within(operation, std::move(error));
}

/// The same result; an error names the call that failed.
template <class T>
Result<T> attributed(std::string_view operation, Result<T> result) {
  if (!result) result.error().operation = operation;
  return result;
}

}  // namespace registry_exporter
