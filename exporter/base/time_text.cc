#include "exporter/base/time_text.h"

#include <date/date.h>

#include <array>
#include <cstdio>
#include <sstream>

namespace registry_exporter {
namespace {

/// Reads exactly `count` digits at `position` and moves it on.
std::optional<int> digits(std::string_view text, std::size_t& position, std::size_t count) {
  if (position + count > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const char c = text[position + i];
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  position += count;
  return value;
}

bool skip(std::string_view text, std::size_t& position, std::string_view any_of) {
  if (position >= text.size() || any_of.find(text[position]) == std::string_view::npos) {
    return false;
  }
  ++position;
  return true;
}

/// "": UTC, "Z", "+08:00", "-0330". Nothing may follow.
std::optional<std::chrono::minutes> parse_zone(std::string_view zone) {
  if (zone.empty() || zone == "Z" || zone == "z") return std::chrono::minutes{0};
  std::size_t position = 1;
  const bool east = zone[0] == '+';
  if (!east && zone[0] != '-') return std::nullopt;
  const auto hours = digits(zone, position, 2);
  skip(zone, position, ":");
  const auto minutes = digits(zone, position, 2);
  if (!hours || !minutes || position != zone.size() || *hours > 23 || *minutes > 59) {
    return std::nullopt;
  }
  const std::chrono::minutes offset{*hours * 60 + *minutes};
  return east ? offset : -offset;
}

/// "03:04:05" around the first colon. Where a number is missing there the date library computes
/// with a value that it never set.
bool has_time_of_day(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon < 2) return false;
  std::size_t at = colon - 2;
  return digits(text, at, 2) && skip(text, at, ":") && digits(text, at, 2) && skip(text, at, ":") &&
         digits(text, at, 2);
}

/// `format`: printf's, for year, month, day, hour, minute, second and millisecond. (The library's
/// own formatting goes through streams and locales, and each call to a cloud is stamped.)
template <std::size_t N>
std::string format_with(const char (&format)[N], UnixMillis time) {
  const auto day = date::floor<date::days>(time);
  const date::year_month_day date{day};
  const date::hh_mm_ss clock{time - day};
  std::array<char, 64> text{};
  const int size = std::snprintf(
      text.data(), text.size(), format, static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace

std::optional<UnixMillis> parse_rfc3339(std::string_view text) {
  std::size_t at = 0;
  const auto year = digits(text, at, 4);
  if (!year || !skip(text, at, "-")) return std::nullopt;
  const auto month = digits(text, at, 2);
  if (!month || !skip(text, at, "-")) return std::nullopt;
  const auto day = digits(text, at, 2);
  if (!day || !skip(text, at, "Tt ")) return std::nullopt;
  const auto hour = digits(text, at, 2);
  if (!hour || !skip(text, at, ":")) return std::nullopt;
  const auto minute = digits(text, at, 2);
  if (!minute || !skip(text, at, ":")) return std::nullopt;
  const auto second = digits(text, at, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;

  int millis = 0;
  if (skip(text, at, ".")) {
    std::size_t fraction_digits = 0;
    for (int weight = 100; at < text.size() && text[at] >= '0' && text[at] <= '9';
         ++at, weight /= 10, ++fraction_digits) {
      millis += weight * (text[at] - '0');
    }
    if (fraction_digits == 0 || fraction_digits > 9) return std::nullopt;
  }
  const auto zone = parse_zone(text.substr(at));
  const date::year_month_day date{date::year{*year}, date::month{static_cast<unsigned>(*month)},
                                  date::day{static_cast<unsigned>(*day)}};
  if (!zone || !date.ok()) return std::nullopt;
  const auto time = date::sys_days{date} + std::chrono::hours{*hour} +
                    std::chrono::minutes{*minute} + std::chrono::seconds{*second} + Millis{millis} -
                    *zone;
  // A zone or a leap second may lead out of the years that four digits can tell.
  const date::year_month_day moment{date::floor<date::days>(time)};
  if (moment.year() < date::year{0} || moment.year() > date::year{9999}) return std::nullopt;
  return UnixMillis{time.time_since_epoch()};
}

std::string format_rfc3339(UnixMillis time) {
  return format_with("%04d-%02u-%02uT%02d:%02d:%02dZ", time);
}

std::string format_rfc3339_millis(UnixMillis time) {
  return format_with("%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", time);
}

std::string format_basic(UnixMillis time) {
  return format_with("%04d%02u%02uT%02d%02d%02dZ", time);
}

std::optional<UnixMillis> parse_http_date(std::string_view text) {
  constexpr std::array<const char*, 3> kForms{"%a, %d %b %Y %H:%M:%S GMT",
                                              "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"};
  if (!has_time_of_day(text)) return std::nullopt;
  for (const char* form : kForms) {
    std::istringstream stream{std::string(text)};
    date::sys_seconds time;
    stream >> date::parse(form, time);
    if (!stream.fail() && stream.peek() == std::istringstream::traits_type::eof()) return time;
  }
  return std::nullopt;
}

std::string format_http_date(UnixMillis time) {
  return date::format("%a, %d %b %Y %H:%M:%S GMT", date::floor<std::chrono::seconds>(time));
}

}  // namespace registry_exporter
