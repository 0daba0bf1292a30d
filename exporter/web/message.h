#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/base/clock.h"

namespace registry_exporter {

/// One request as the server understood it. Bodies are refused before this.
struct WebRequest {
  std::string method;
  std::string target;                                        ///< Path and query as sent.
  std::vector<std::pair<std::string, std::string>> headers;  ///< Names in lower case, in order.
  std::string client_address;                                ///< Without the port.

  /// First value of a header, or "".
  std::string_view header(std::string_view lower_case_name) const {
    for (const auto& [header_name, value] : headers) {
      if (header_name == lower_case_name) return value;
    }
    return {};
  }
};

struct WebAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  ///< Besides Content-Length, Date.
  std::vector<std::shared_ptr<const std::string>> body;      ///< Shared pieces, sent in order.
  bool head_only = false;  ///< HEAD: Content-Length of the body, but no body.
  /// From the request's arrival to the answer's last byte; unset: the server's `answer_timeout`.
  std::optional<Millis> take_within;
  /// Called once, from the server's thread: true when the whole answer was handed to the socket.
  std::function<void(bool sent)> when_done;
};

/// Answers a request: `reply` is called once, from any thread, now or later.
using WebHandler = std::function<void(WebRequest request, std::function<void(WebAnswer)> reply)>;

}  // namespace registry_exporter
