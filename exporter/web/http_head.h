#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "exporter/base/clock.h"
#include "exporter/web/message.h"

/// The heads of HTTP/1.1 and 1.0 messages (RFC 9112), read strictly: what two parsers could
/// understand differently is refused. Pure.
namespace registry_exporter {

/// What is known of bytes that should become a request head.
enum class HeadScan {
  incomplete,  ///< More is needed.
  complete,    ///< The head ends at `HeadEnd::bytes`.
  malformed,   ///< It can't become one: a bare CR or LF, or a control character.
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

/// Why a head is not answered by the handler, and with what.
struct RefusedHead {
  int status = 400;
  std::string reason;  ///< A few words for the client; nothing that it sent.
  bool head_only = false;
};

/// Reads a complete head. Refuses: 400 malformed or ambiguous, 413 one that announces a body,
/// 417 one that expects anything but 100-continue, 505 another major version.
std::variant<RequestHead, RefusedHead> parse_request_head(std::string_view head);

enum class ConnectionWord { none, close, keep_alive };

/// Status line and headers with Date, Content-Length and Connection. Headers of the answer that
/// could break out of their line are left out.
std::string format_answer_head(const WebAnswer& answer, UnixMillis now, ConnectionWord connection);

/// "Not Found" for 404; "" for what we never send.
std::string_view reason_phrase(int status);

/// A short answer in plain text, never to be cached.
WebAnswer text_answer(int status, std::string text);

}  // namespace registry_exporter
