#include "exporter/swr/fields.h"

#include <algorithm>
#include <charconv>

#include "exporter/base/time_text.h"

namespace registry_exporter::swr {
namespace {

constexpr UnixMillis kFirst{Millis{946'684'800'000}};     // 2000-01-01
constexpr UnixMillis kBeyond{Millis{4'102'444'800'000}};  // 2100-01-01

}  // namespace

std::optional<UnixMillis> time_at(const net::json::Object& object, const char* key) {
  const auto time = parse_rfc3339(net::json::text_at(object, key));
  return time && *time >= kFirst && *time < kBeyond ? time : std::nullopt;
}

std::optional<std::uint64_t> count_at(const net::json::Object& object, const char* key) {
  const auto number = net::json::integer_at(object, key);
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

tl::expected<std::string, Rejection> id_at(const net::json::Object& row, const char* key) {
  const auto element = net::json::field(row, key);
  if (!element) return tl::unexpected(Rejection::id_missing);
  if (element->is_string() && element->get_string().value_unsafe().empty()) {
    return tl::unexpected(Rejection::id_missing);
  }
  const auto id = net::json::integer_of(*element);
  if (!id || *id < 0) return tl::unexpected(Rejection::id_invalid);
  return std::to_string(*id);
}

Result<std::vector<net::json::Element>> rows_of(const std::optional<net::json::Element>& list,
                                                const char* what) {
  std::vector<net::json::Element> rows;
  if (!list || list->is_null()) return rows;
  simdjson::dom::array array;
  if (list->get(array)) {
    return fail(ErrorKind::malformed, std::string("shape: ") + what + " is no list");
  }
  for (const net::json::Element row : array) rows.push_back(row);
  return rows;
}

std::optional<std::uint64_t> total_of_range(std::string_view content_range) {
  const std::size_t slash = content_range.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::string_view text = content_range.substr(slash + 1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  std::uint64_t total = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), total);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return total;
}

bool same_name(std::string said, std::string expected) {
  std::replace(said.begin(), said.end(), '$', '/');
  std::replace(expected.begin(), expected.end(), '$', '/');
  return said.empty() || said == expected;
}

}  // namespace registry_exporter::swr
