#include "exporter/cloud/ini.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "exporter/base/text.h"

namespace registry_exporter::cloud {
namespace {

bool is_comment(std::string_view text) { return text.starts_with('#') || text.starts_with(';'); }

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

/// What stands between quotes of which nothing is understood, if the value begins with one. It may
/// end lines further down: those are taken from `rest`.
std::optional<std::string> verbatim(std::string_view value, std::string_view& rest) {
  constexpr std::string_view kThree = "\"\"\"";
  std::string_view quote;
  if (value.starts_with(kThree)) quote = kThree;
  if (value.starts_with('`')) quote = "`";
  if (quote.empty()) return std::nullopt;
  value.remove_prefix(quote.size());
  if (const auto end = value.rfind(quote); end != std::string_view::npos) {
    return std::string(value.substr(0, end));
  }
  std::string whole(value);
  for (std::string_view ahead = rest; !ahead.empty();) {
    const std::string_view line = take_line(ahead);
    const auto end = line.rfind(quote);
    whole.append("\n").append(line.substr(0, end));
    if (end == std::string_view::npos) continue;
    rest = ahead;
    return whole;
  }
  return std::nullopt;
}

/// What stands between a pair of quotes with nothing but a comment after them.
std::optional<std::string> quoted(std::string_view value) {
  if (!value.starts_with('"') && !value.starts_with('\'')) return std::nullopt;
  const auto end = value.find(value.front(), 1);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view after = trim(value.substr(end + 1));
  if (!after.empty() && !is_comment(after)) return std::nullopt;
  return std::string(value.substr(1, end - 1));
}

/// A value that ends in a backslash, with the lines after it.
std::string continued(std::string_view value, std::string_view& rest) {
  std::string whole;
  while (value.ends_with('\\')) {
    whole.append(value.substr(0, value.size() - 1));
    value = trim(take_line(rest));
  }
  return whole.append(value);
}

std::string read_value(std::string_view value, std::string_view& rest) {
  value = trim(value);
  if (auto text = verbatim(value, rest)) return *text;
  if (value.ends_with('\\')) return continued(value, rest);
  if (auto text = quoted(value)) return *text;
  return std::string(trim(value.substr(0, value.find_first_of("#;"))));
}

std::string read_key(std::string_view key) {
  key = trim(key);
  return lower(quoted(key).value_or(std::string(key)));
}

}  // namespace

Ini parse_ini(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Ini ini;
  std::map<std::string, std::string> nowhere;
  auto* section = &nowhere;
  while (!text.empty()) {
    const std::string_view line = trim(take_line(text));
    if (line.empty() || is_comment(line)) continue;
    if (line.front() == '[') {
      // Keys of a section whose name can't be read belong to no other.
      const auto end = line.find(']');
      section = end == std::string_view::npos ? &nowhere
                                              : &ini[std::string(trim(line.substr(1, end - 1)))];
      continue;
    }
    const std::size_t delimiter = line.find_first_of("=:");
    if (delimiter == std::string_view::npos) continue;
    std::string key = read_key(line.substr(0, delimiter));
    std::string value = read_value(line.substr(delimiter + 1), text);
    if (!key.empty()) (*section)[std::move(key)] = std::move(value);
  }
  return ini;
}

}  // namespace registry_exporter::cloud
