#include "exporter/base/error.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using enum ErrorKind;

namespace {

constexpr ErrorKind kKinds[] = {throttled,     unauthorized,   forbidden,    not_found,
                                bad_request,   server_error,   timeout,      transport,
                                malformed,     invalid_config, state_locked, state_newer,
                                state_damaged, state_io,       canceled};

bool is_of_cloud(ErrorKind kind) { return kind < invalid_config; }

}  // namespace

TEST_CASE("error: what a kind means for retries, keys and the registry agrees with itself") {
  for (const ErrorKind kind : kKinds) {
    const std::string_view word = name(kind);
    CAPTURE(word);
    CHECK(word != "unknown");
    const ErrorTraits is = traits(kind);
    CHECK_FALSE((is.retryable && is.lasting));
    CHECK(is.lasting == is.keys_accepted);
    CHECK(is.fails_every_call ==
          (kind == unauthorized || kind == invalid_config || kind == canceled));
    if (is.unreachable) CHECK((is.retryable && is.takes_registry_down));
    CHECK_FALSE((is.concerns_registry && is.concerns_page));
    if (is.concerns_row) CHECK(is.concerns_page);
    if (is.may_name_wait) CHECK(is.retryable);
    // Whatever a cloud answers can be tried again, or lasts, or is about the keys.
    if (is_of_cloud(kind)) CHECK((is.retryable || is.lasting || kind == unauthorized));
    if (is_of_cloud(kind)) CHECK(is.concerns_registry != is.concerns_page);
  }
}

TEST_CASE("error: an error keeps its cause, and names the call that failed") {
  const Error error{transport, "no name", {}, {}, ErrorCause::dns};
  CHECK(error.operation.empty());
  CHECK(describe(ErrorCause::clock_skew) == "the clock is off");
  CHECK(describe(ErrorCause::dns).empty());
}
