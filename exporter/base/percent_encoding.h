#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Percent-encoding as both clouds sign it (RFC 3986, upper-case hex, space is %20). Pure.
namespace registry_exporter {

/// Keeps A-Z a-z 0-9 - _ . ~ and encodes every other byte.
std::string percent_encode(std::string_view text);

/// `plus_is_space`: as in a query or form. nullopt: a '%' without two hex digits.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

using QueryPairs = std::vector<std::pair<std::string, std::string>>;  ///< Decoded.

/// "a=1&b=" → pairs, in order, blank values kept. nullopt: a broken escape.
std::optional<QueryPairs> parse_query(std::string_view query);

}  // namespace registry_exporter
