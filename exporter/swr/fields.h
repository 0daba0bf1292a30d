#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/result.h"
#include "exporter/model/record.h"
#include "exporter/net/json.h"

/// How SWR writes what is in a row, in both of its editions. Pure.
namespace registry_exporter::swr {

/// Longer names are not usable.
inline constexpr std::size_t kNameBytesMax = 256;

/// RFC 3339 at `key`. nullopt: missing, empty, null, or outside [2000, 2100), such as year 1.
std::optional<UnixMillis> time_at(const net::json::Object& object, const char* key);

/// A number that is not negative, or a text of one.
std::optional<std::uint64_t> count_at(const net::json::Object& object, const char* key);

/// The id of a row, in decimal digits.
tl::expected<std::string, Rejection> id_at(const net::json::Object& row, const char* key);

/// The rows of a list, which may be null or missing. Errors: malformed, for anything else.
Result<std::vector<net::json::Element>> rows_of(const std::optional<net::json::Element>& list,
                                                const char* what);

/// The total of a Content-Range "offset-count/total", whatever blanks or dashes it has.
std::optional<std::uint64_t> total_of_range(std::string_view content_range);

/// Names come with `/` or with `$` in its place. An empty one tells nothing.
bool same_name(std::string said, std::string expected);

}  // namespace registry_exporter::swr
