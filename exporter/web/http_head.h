#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "exporter/base/clock.h"
#include "exporter/web/http_message.h"

/// Heads of HTTP/1.1 and 1.0 messages (RFC 9112), parsed strictly: anything that two parsers could
/// interpret differently is refused. Pure.
namespace registry_exporter::web {

/// The state of a request head that is being received.
enum class HeadScan {
  incomplete,  ///< More bytes are needed.
  complete,    ///< The head ends at `HeadEnd::bytes`.
  malformed,   ///< A bare CR or LF, or a control character.
};
struct HeadEnd {
  HeadScan scan = HeadScan::incomplete;
  std::size_t bytes = 0;  ///< complete: length with the empty line. incomplete: scanned so far.
};

/// Looks for the end of a head in `bytes`; `from` is the `bytes` of the previous, incomplete scan.
HeadEnd find_head_end(std::string_view bytes, std::size_t from);

struct RequestHead {
  WebRequest request;  ///< Without the client's address.
  bool keep_alive = true;
  bool http_1_0 = false;
};

/// A request head that is refused, and the response it gets.
struct RefusedHead {
  int status = 400;
  std::string reason;  ///< For the client; contains nothing that it sent.
  bool head_only = false;
};

/// Parses a complete head. Refusals: 400 malformed or ambiguous, 413 with a body, 417 an
/// expectation other than 100-continue, 505 another major version.
std::variant<RequestHead, RefusedHead> parse_request_head(std::string_view head);

enum class ConnectionHeader { none, close, keep_alive };

/// Status line and headers, with Date, Content-Length and Connection. Invalid headers (for example
/// with a line break) are left out.
std::string format_response_head(const WebResponse& response, UnixMillis now,
                                 ConnectionHeader connection);

/// "Not Found" for 404; "" for a status that is never sent.
std::string_view reason_phrase(int status);

/// A short plain-text response that must not be cached.
WebResponse text_response(int status, std::string text);

}  // namespace registry_exporter::web
