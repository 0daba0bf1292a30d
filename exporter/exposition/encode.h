#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/exposition/exposition.h"
#include "exporter/exposition/family.h"

/// What the formats have in common, and the text formats: Prometheus 0.0.4 and OpenMetrics 1.0.
/// Pure.
namespace registry_exporter::exposition {

/// Makes valid UTF-8 of any bytes. Invalid bytes become U+FFFD; then a hash of the original is
/// appended, so that different names stay different.
std::string valid_utf8(std::string_view text);

/// Names and values of labels, in the order of the exposition.
using Labels = std::vector<std::pair<std::string_view, std::string>>;
/// Appends a label to the labels of a series.
void append_written(std::string& out, std::string_view name, std::string_view value,
                    ExpositionFormat format);
/// Appends the labels that tell a repository, a namespace or a policy within its registry.
void append_owner(std::string& out, const RepositoryRef& owner, ExpositionFormat format);
/// Labels as the format writes them, the values made valid: in the texts `a="x",b="y"`, escaped.
std::string written(const Labels& labels, ExpositionFormat format);

/// Enough room for any number.
inline constexpr std::size_t kNumberBytes = 32;
/// Write a number to a place with room for kNumberBytes, and return its end. Doubles: the
/// shortest text that is parsed as the same number; whole numbers without a point. Thousandths
/// (milliseconds as seconds): exact.
inline char* write_number(char* to, std::uint64_t value) {
  return std::to_chars(to, to + kNumberBytes, value).ptr;
}
char* write_number(char* to, double value);
struct Thousandths {
  std::int64_t value = 0;
};
char* write_number(char* to, Thousandths value);

// Numbers as protobuf has them: the doubles that the texts are parsed as.
inline double as_double(std::uint64_t value) { return static_cast<double>(value); }
inline double as_double(double value) { return value; }
inline double as_double(Thousandths value) { return static_cast<double>(value.value) / 1000; }

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

/// Of the text formats: HELP and TYPE lines, in OpenMetrics also UNIT.
std::string head(const Family& family, ExpositionFormat format);

inline constexpr std::string_view kExemplarLabel = "build_record_id";
/// The value of that label; nullopt: too long for OpenMetrics (128 characters with the label's
/// name).
std::optional<std::string> exemplar_id(const Exemplar& exemplar);
/// ` # {build_record_id="…"} value timestamp`, or nothing without an id.
std::string exemplar_text(const Exemplar& exemplar);

}  // namespace registry_exporter::exposition
