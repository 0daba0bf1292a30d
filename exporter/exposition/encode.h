#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include "exporter/exposition/catalog.h"
#include "exporter/exposition/exposition.h"

/// Text 0.0.4 and OpenMetrics 1.0, byte by byte. Pure.
namespace registry_exporter {

/// Any bytes as valid UTF-8: what isn't becomes U+FFFD, and then a hash of the original is added,
/// so that different names stay different.
std::string valid_utf8(std::string_view text);

/// `name="value"` with the value escaped and made valid.
void append_label(std::string& out, std::string_view name, std::string_view value);
std::string label(std::string_view name, std::string_view value);

/// Shortest text that is read back as the same number; integers without a point.
void append_number(std::string& out, double value);
inline void append_number(std::string& out, std::uint64_t value) {
  char buffer[20];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
}
/// The bound of a bucket: always with a point ("60.0"), the same in both formats.
std::string bucket_bound(double seconds);

/// HELP and TYPE lines.
void append_head(std::string& out, std::string_view family, FamilyType type, std::string_view help,
                 ExpositionFormat format);

}  // namespace registry_exporter
