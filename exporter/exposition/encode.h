#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/exposition/exposition.h"
#include "exporter/exposition/family.h"

/// Text 0.0.4 and OpenMetrics 1.0, byte by byte. Pure.
namespace registry_exporter {

/// Any bytes as valid UTF-8: what isn't becomes U+FFFD, and then a hash of the original is added,
/// so that different names stay different.
std::string valid_utf8(std::string_view text);

/// `name="value"` with the value escaped and made valid.
void append_label(std::string& out, std::string_view name, std::string_view value);
std::string label(std::string_view name, std::string_view value);

/// Room that any number takes.
inline constexpr std::size_t kNumberBytes = 32;
/// Write a number to where there is room for kNumberBytes, and return its end. Doubles: the
/// shortest text that is read back as the same number; whole ones without a point. Thousandths
/// (milliseconds as seconds): exact.
inline char* write_number(char* to, std::uint64_t value) {
  return std::to_chars(to, to + kNumberBytes, value).ptr;
}
char* write_number(char* to, double value);
struct Thousandths {
  std::int64_t value = 0;
};
char* write_number(char* to, Thousandths value);
/// Unix milliseconds as seconds.
inline Thousandths seconds(UnixMillis time) { return {time.time_since_epoch().count()}; }
inline std::optional<Thousandths> seconds(const std::optional<UnixMillis>& time) {
  return time ? std::optional(seconds(*time)) : std::nullopt;
}

template <class Number>
void append_number(std::string& out, Number value) {
  char buffer[kNumberBytes];
  out.append(buffer, write_number(buffer, value));
}

/// The bound of a bucket: always with a point ("60.0"), the same in both formats.
std::string bucket_bound(double seconds);

/// The name of a counter without "_total"; others as they are.
std::string_view without_total(std::string_view family, FamilyType type);

/// HELP and TYPE lines, in OpenMetrics UNIT too.
std::string head(const Family& family, ExpositionFormat format);

/// ` # {build_record_id="…"} value timestamp`, or nothing for an id that is too long for
/// OpenMetrics (128 characters with the label's name).
std::string exemplar_text(const Exemplar& exemplar);

}  // namespace registry_exporter
