#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/base/clock.h"

namespace registry_exporter::web {

/// One parsed request. Requests with a body are refused earlier.
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

struct WebResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  ///< Besides Content-Length, Date.
  std::vector<std::shared_ptr<const std::string>> body;      ///< Shared chunks, sent in order.
  bool head_only = false;  ///< HEAD: Content-Length of the body, but no body.
  /// Time from receiving the request to sending the last byte of the response; nullopt: the
  /// server's `response_timeout` applies.
  std::optional<Millis> send_within;
  /// Called once, from the server's thread: true when the whole response was handed to the socket.
  std::function<void(bool sent)> when_done;
};

/// Handles a request. Calls `reply` once, from any thread, before or after it returns.
using WebHandler = std::function<void(WebRequest request, std::function<void(WebResponse)> reply)>;

}  // namespace registry_exporter::web
