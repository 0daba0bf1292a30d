#include "exporter/net/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "exporter/base/mutex.h"
#include "exporter/base/text.h"

namespace registry_exporter::net::json {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kUsualBytes = 64UL * 1024;
/// Larger ones, and more of them, are not kept.
constexpr std::size_t kKeptBytesMax = 1024UL * 1024;
constexpr std::size_t kKeptParsersMax = 16;
/// Objects of the clouds are small: their keys are compared where they stand.
constexpr std::size_t kFewKeys = 16;

/// Some versions of simdjson let a lone low surrogate through, as three bytes that are no UTF-8.
bool is_sound_text(std::string_view text) {
  return text.find('\xED') == std::string_view::npos || is_utf8(text);
}

/// No key twice, no broken text; `escapes`: there may be some. As deep as the parser allowed:
/// kDepthMax.
bool is_sound(const Element& element, bool escapes) {
  switch (element.type()) {
    case dom::element_type::STRING:
      return !escapes || is_sound_text(element.get_string().value_unsafe());
    case dom::element_type::ARRAY: {
      dom::array array;
      if (element.get(array)) return false;
      for (const Element child : array) {
        if (!is_sound(child, escapes)) return false;
      }
      return true;
    }
    case dom::element_type::OBJECT: {
      Object object;
      if (element.get(object)) return false;
      std::array<std::string_view, kFewKeys> few;
      std::vector<std::string_view> many;
      std::size_t count = 0;
      for (const auto& [key, value] : object) {
        if ((escapes && !is_sound_text(key)) || !is_sound(value, escapes)) return false;
        const auto end = few.begin() + static_cast<std::ptrdiff_t>(std::min(count, kFewKeys));
        if (std::find(few.begin(), end, key) != end) return false;
        if (count < kFewKeys) {
          few[count] = key;
        } else {
          many.push_back(key);
        }
        ++count;
      }
      std::sort(many.begin(), many.end());
      return std::adjacent_find(many.begin(), many.end()) == many.end();
    }
    default:
      return true;
  }
}

template <class Number>
std::errc read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return error;
  return end == text.data() + text.size() ? std::errc{} : std::errc::invalid_argument;
}

/// A well-formed number that no type holds.
bool is_too_big(std::string_view token) {
  const bool integer = token.find_first_of(".eE") == std::string_view::npos;
  double real = 0;
  if (!integer) return read_number(token, real) == std::errc::result_out_of_range;
  const std::string_view digits = token.front() == '-' ? token.substr(1) : token;
  if (digits.empty() || digits.front() == '0') return false;
  std::int64_t as_signed = 0;
  std::uint64_t as_unsigned = 0;
  return token.front() == '-' ? read_number(token, as_signed) == std::errc::result_out_of_range
                              : read_number(token, as_unsigned) == std::errc::result_out_of_range;
}

/// The end of the string that begins at `begin` with its quote.
std::size_t string_end(std::string_view body, std::size_t begin) {
  std::size_t at = begin + 1;
  while (at < body.size() && body[at] != '"') at += body[at] == '\\' ? 2U : 1U;
  return std::min(at + 1, body.size());
}

/// The body with null for each number that no type holds.
std::string without_huge_numbers(std::string_view body) {
  std::string result;
  for (std::size_t at = 0; at < body.size();) {
    std::size_t end = at + 1;
    std::string_view token = body.substr(at, 1);
    if (body[at] == '"') {
      end = string_end(body, at);
      token = body.substr(at, end - at);
    } else if (body[at] == '-' || (body[at] >= '0' && body[at] <= '9')) {
      end = std::min(body.find_first_not_of("0123456789+-.eE", at), body.size());
      token = body.substr(at, end - at);
      if (is_too_big(token)) token = "null";
    }
    result += token;
    at = end;
  }
  return result;
}

/// Parsers at rest. Fresh ones would fault in some hundred KB of pages for each document.
struct RestingParsers {
  Mutex mutex;
  std::vector<std::unique_ptr<dom::parser>> parsers GUARDED_BY(mutex);
};

RestingParsers& resting_parsers() {
  static RestingParsers resting;
  return resting;
}

Parser take_parser() {
  RestingParsers& resting = resting_parsers();
  const MutexLock lock(resting.mutex);
  if (resting.parsers.empty()) return Parser(new dom::parser);
  Parser parser(resting.parsers.back().release());
  resting.parsers.pop_back();
  return parser;
}

simdjson::error_code parse_into(dom::parser& parser, std::string_view body, Element& root) {
  const bool fits = body.size() <= parser.capacity() && parser.max_depth() == kDepthMax;
  const auto refused =
      fits ? simdjson::SUCCESS : parser.allocate(std::max(body.size(), kUsualBytes), kDepthMax);
  return refused ? refused : parser.parse(body.data(), body.size()).get(root);
}

}  // namespace

void KeepParser::operator()(simdjson::dom::parser* parser) const {
  std::unique_ptr<dom::parser> owned(parser);
  if (owned->capacity() > kKeptBytesMax) return;
  RestingParsers& resting = resting_parsers();
  const MutexLock lock(resting.mutex);
  if (resting.parsers.size() < kKeptParsersMax) resting.parsers.push_back(std::move(owned));
}

Result<AnyDocument> parse_any(std::string_view body) {
  if (body.size() > kBodyBytesMax) return fail(ErrorKind::malformed, "limit: body over 32 MiB");
  if (body.starts_with("\xEF\xBB\xBF")) {  // Some versions of simdjson skip it.
    return fail(ErrorKind::malformed, "json: a byte order mark");
  }
  AnyDocument document{take_parser(), {}};
  simdjson::error_code error = parse_into(*document.parser, body, document.root);
  if (error) {  // Versions differ in what they call a huge number.
    const std::string smaller = without_huge_numbers(body);
    if (smaller != body) error = parse_into(*document.parser, smaller, document.root);
  }
  if (error == simdjson::DEPTH_ERROR) return fail(ErrorKind::malformed, "limit: nested too deep");
  if (error) {
    return fail(ErrorKind::malformed, std::string("json: ") + simdjson::error_message(error));
  }
  const bool escapes = body.find("\\u") != std::string_view::npos;
  if (!is_sound(document.root, escapes)) {
    return fail(ErrorKind::malformed, "json: a key twice, or broken text");
  }
  return document;
}

Result<Document> parse(std::string_view body) {
  Result<AnyDocument> any = parse_any(body);
  if (!any) return tl::unexpected(any.error());
  Document document{std::move(any->parser), {}};
  if (any->root.get(document.root)) return fail(ErrorKind::malformed, "json: not an object");
  return document;
}

std::optional<Element> field(const Object& object, const char* key) {
  Element element;
  if (object.at_key(key).get(element) || element.is_null()) return std::nullopt;
  return element;
}

std::optional<Element> field_any_case(const Object& object, const char* key) {
  if (const auto exact = field(object, key)) return exact;
  Element element;
  if (object.at_key_case_insensitive(key).get(element) || element.is_null()) return std::nullopt;
  return element;
}

std::optional<Object> object_at(const Object& object, const char* key) {
  const auto element = field(object, key);
  Object inner;
  if (!element || element->get(inner)) return std::nullopt;
  return inner;
}

std::optional<std::string> text_of(const Element& element) {
  if (element.is_null()) return std::string();
  if (element.is_string()) return std::string(element.get_string().value_unsafe());
  if (element.is_bool()) return element.get_bool().value_unsafe() ? "true" : "false";
  if (element.is_uint64()) return std::to_string(element.get_uint64().value_unsafe());
  if (element.is_int64()) return std::to_string(element.get_int64().value_unsafe());
  return std::nullopt;
}

std::string text_at(const Object& object, const char* key) {
  const auto element = field(object, key);
  return element ? text_of(*element).value_or("") : "";
}

std::optional<std::int64_t> integer_of(const Element& element) {
  if (element.is_int64()) return element.get_int64().value_unsafe();
  if (element.is_double()) {
    constexpr double kExact = 9007199254740992.0;  // 2^53: beyond it, integers have gaps.
    const double real = element.get_double().value_unsafe();
    if (std::trunc(real) != real || std::abs(real) > kExact) return std::nullopt;
    return static_cast<std::int64_t>(real);
  }
  if (!element.is_string()) return std::nullopt;
  const std::string_view text = trim(element.get_string().value_unsafe(), " ");
  std::int64_t number = 0;
  if (read_number(text, number) != std::errc{}) return std::nullopt;
  return number;
}

std::optional<std::int64_t> integer_at(const Object& object, const char* key) {
  const auto element = field(object, key);
  return element ? integer_of(*element) : std::nullopt;
}

std::optional<bool> bool_of(const Element& element) {
  const std::string text = lower(text_of(element).value_or(""));
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

}  // namespace registry_exporter::net::json
