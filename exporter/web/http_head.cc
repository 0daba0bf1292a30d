#include "exporter/web/http_head.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "exporter/base/text.h"
#include "exporter/base/time_text.h"

namespace registry_exporter::web {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_visible(char c) { return c > 0x20 && c < 0x7f; }

/// `tchar` of RFC 9110.
bool is_token_char(char c) {
  return is_alpha(c) || is_digit(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

/// Blank, visible, or a byte above ASCII.
bool is_value_char(char c) {
  return is_blank(c) || is_visible(c) || (static_cast<unsigned char>(c) & 0x80U) != 0;
}

bool is_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_value_char);
}

/// Removes the first line from `text` and returns it without its CRLF.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find("\r\n"), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 2, text.size()));
  return line;
}

RefusedHead refuse(int status, std::string reason) {
  return RefusedHead{status, std::move(reason), false};
}

std::optional<RefusedHead> read_request_line(std::string_view line, RequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return refuse(400, "bad request line");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method)) return refuse(400, "bad method");
  if (target.empty() || !std::all_of(target.begin(), target.end(), is_visible)) {
    return refuse(400, "bad request target");
  }
  const bool spelled = version.size() == 8 && version.starts_with("HTTP/") &&
                       is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
  if (!spelled) return refuse(400, "bad HTTP version");
  if (version[5] != '1') return refuse(505, "only HTTP/1.1 and HTTP/1.0 are supported");
  head.http_1_0 = version[7] == '0';
  head.request.method = method;
  head.request.target = target;
  return std::nullopt;
}

std::optional<RefusedHead> read_headers(std::string_view text, RequestHead& head) {
  for (std::string_view line = take_line(text); !line.empty(); line = take_line(text)) {
    if (is_blank(line.front())) return refuse(400, "folded header line");
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return refuse(400, "header line without a colon");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1), " \t");
    if (!is_token(name)) return refuse(400, "bad header name");
    if (!is_value(value)) return refuse(400, "bad header value");
    head.request.headers.emplace_back(lower(name), std::string(value));
  }
  return std::nullopt;
}

std::vector<std::string_view> values_of(const WebRequest& request, std::string_view name) {
  std::vector<std::string_view> values;
  for (const auto& [header_name, value] : request.headers) {
    if (header_name == name) values.push_back(value);
  }
  return values;
}

/// RFC 9112, 3.2: exactly one in HTTP/1.1, at most one in 1.0.
std::optional<RefusedHead> check_host(const RequestHead& head) {
  const auto hosts = values_of(head.request, "host");
  if (hosts.empty() && !head.http_1_0) return refuse(400, "Host header missing");
  if (hosts.size() > 1) return refuse(400, "more than one Host header");
  const auto allowed = [](char c) {
    return is_alpha(c) || is_digit(c) ||
           std::string_view("-._~%!$&'()*+,;=:[]").find(c) != std::string_view::npos;
  };
  if (!hosts.empty() && !std::all_of(hosts[0].begin(), hosts[0].end(), allowed)) {
    return refuse(400, "bad Host header");
  }
  return std::nullopt;
}

/// Bodies are refused with 413; ambiguous ones, which could hide a second request, with 400.
std::optional<RefusedHead> check_body(const RequestHead& head) {
  const auto lengths = values_of(head.request, "content-length");
  const auto codings = values_of(head.request, "transfer-encoding");
  if (lengths.size() > 1) return refuse(400, "more than one Content-Length");
  if (!lengths.empty() && !codings.empty()) {
    return refuse(400, "Content-Length beside Transfer-Encoding");
  }
  if (!codings.empty()) {
    const bool chunked = codings.size() == 1 && lower(codings[0]) == "chunked";
    if (!chunked || head.http_1_0) return refuse(400, "bad Transfer-Encoding");
    return refuse(413, "request bodies are not accepted");
  }
  if (lengths.empty()) return std::nullopt;
  const std::string_view length = lengths[0];
  constexpr std::size_t kDigitsMax = 19;  // More would overflow 64 bits.
  const bool number = !length.empty() && length.size() <= kDigitsMax &&
                      std::all_of(length.begin(), length.end(), is_digit);
  if (!number) return refuse(400, "bad Content-Length");
  const bool zero = length.find_first_not_of('0') == std::string_view::npos;
  if (!zero) return refuse(413, "request bodies are not accepted");
  return std::nullopt;
}

/// The elements of a list header, over all its lines, in lower case; without empty ones.
std::vector<std::string> words_of(const WebRequest& request, std::string_view name) {
  std::vector<std::string> words;
  for (std::string_view rest : values_of(request, name)) {
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (std::string word = lower(trim(rest.substr(0, comma), " \t")); !word.empty()) {
        words.push_back(std::move(word));
      }
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return words;
}

bool wants_keep_alive(const RequestHead& head) {
  const auto words = words_of(head.request, "connection");
  const auto has = [&words](std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  return !has("close") && (!head.http_1_0 || has("keep-alive"));
}

/// RFC 9110, 10.1.1. A request with a body was refused before, and without one there is nothing to
/// wait for: 100-continue needs no interim response.
std::optional<RefusedHead> check_expectations(const RequestHead& head) {
  const auto words = words_of(head.request, "expect");
  const auto is_other = [](const std::string& word) { return word != "100-continue"; };
  if (std::none_of(words.begin(), words.end(), is_other)) return std::nullopt;
  return refuse(417, "only Expect: 100-continue is supported");
}

std::optional<RefusedHead> read_whole(std::string_view text, RequestHead& head) {
  if (auto refusal = read_request_line(take_line(text), head)) return refusal;
  if (auto refusal = read_headers(text, head)) return refusal;
  if (auto refusal = check_host(head)) return refusal;
  if (auto refusal = check_body(head)) return refusal;
  return check_expectations(head);
}

struct Phrase {
  int status;
  std::string_view text;
};
constexpr std::array<Phrase, 15> kPhrases{{{200, "OK"},
                                           {304, "Not Modified"},
                                           {400, "Bad Request"},
                                           {401, "Unauthorized"},
                                           {403, "Forbidden"},
                                           {404, "Not Found"},
                                           {405, "Method Not Allowed"},
                                           {408, "Request Timeout"},
                                           {413, "Content Too Large"},
                                           {417, "Expectation Failed"},
                                           {429, "Too Many Requests"},
                                           {431, "Request Header Fields Too Large"},
                                           {500, "Internal Server Error"},
                                           {503, "Service Unavailable"},
                                           {505, "HTTP Version Not Supported"}}};

}  // namespace

HeadEnd find_head_end(std::string_view bytes, std::size_t from) {
  for (std::size_t i = from; i < bytes.size(); ++i) {
    const char c = bytes[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      if (i + 1 == bytes.size()) return {HeadScan::incomplete, i};
      if (bytes[i + 1] != '\n') return {HeadScan::malformed, i};
      const bool empty_line = i >= 2 && bytes[i - 1] == '\n';
      if (empty_line) return {HeadScan::complete, i + 2};
      ++i;
    } else if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
      return {HeadScan::malformed, i};
    }
  }
  return {HeadScan::incomplete, bytes.size()};
}

std::variant<RequestHead, RefusedHead> parse_request_head(std::string_view head) {
  RequestHead parsed;
  if (auto refusal = read_whole(head, parsed)) {
    refusal->head_only = parsed.request.method == "HEAD";
    return std::move(*refusal);
  }
  parsed.keep_alive = wants_keep_alive(parsed);
  return parsed;
}

std::string_view reason_phrase(int status) {
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return {};
}

std::string format_response_head(const WebResponse& response, UnixMillis now,
                                 ConnectionHeader connection) {
  std::size_t length = 0;
  for (const auto& piece : response.body) length += piece->size();
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head += reason_phrase(response.status);
  head += "\r\nDate: " + format_http_date(now);
  head += "\r\nContent-Length: " + std::to_string(length);
  for (const auto& [name, value] : response.headers) {
    if (is_token(name) && is_value(value)) head += "\r\n" + name + ": " + value;
  }
  if (connection == ConnectionHeader::close) head += "\r\nConnection: close";
  if (connection == ConnectionHeader::keep_alive) head += "\r\nConnection: keep-alive";
  return head + "\r\n\r\n";
}

WebResponse text_response(int status, std::string text) {
  WebResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Cache-Control", "no-store"}};
  response.body.push_back(std::make_shared<const std::string>(std::move(text)));
  return response;
}

}  // namespace registry_exporter::web
