#pragma once

#include <simdjson.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/base/result.h"

/// JSON as the clouds send it: strict documents, lenient scalars. Pure. For the codecs only.
namespace registry_exporter::net::json {

using Object = simdjson::dom::object;
using Element = simdjson::dom::element;

inline constexpr std::size_t kBodyBytesMax = 32 << 20;
inline constexpr std::size_t kDepthMax = 64;

/// Returns a parser to the pool, so that its buffers serve the next document.
struct KeepParser {
  void operator()(simdjson::dom::parser* parser) const;
};
using Parser = std::unique_ptr<simdjson::dom::parser, KeepParser>;

/// A parsed body; `root` lives as long as it does.
struct Document {
  Parser parser;
  Object root;
};

/// Errors: malformed for anything but one whole JSON object in UTF-8 (a byte order mark, trailing
/// bytes, a key twice, a lone surrogate, over 64 levels or 32 MiB). A number too big for any type
/// makes only its own field unreadable: it reads as null.
Result<Document> parse(std::string_view body);

/// The same for a body that need not be an object.
struct AnyDocument {
  Parser parser;
  Element root;
};
Result<AnyDocument> parse_any(std::string_view body);

/// The value of `key`; nullopt when it is missing or null.
std::optional<Element> field(const Object& object, const char* key);
/// The same whatever the case of the key: gateways disagree.
std::optional<Element> field_any_case(const Object& object, const char* key);
/// The object at `key`, or nullopt.
std::optional<Object> object_at(const Object& object, const char* key);

/// A scalar as text ("" for null, "12", "true"); nullopt for an object, an array or a fraction.
std::optional<std::string> text_of(const Element& element);
/// The text at `key`; "" when there is none.
std::string text_at(const Object& object, const char* key);
/// An exact integer, as a number or as a string; nullopt for anything else.
std::optional<std::int64_t> integer_of(const Element& element);
std::optional<std::int64_t> integer_at(const Object& object, const char* key);
/// true, "true", "TRUE", 1 and their opposites; nullopt for anything else.
std::optional<bool> bool_of(const Element& element);

}  // namespace registry_exporter::net::json
