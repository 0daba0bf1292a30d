#include "exporter/base/duration.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace registry_exporter {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t millis;
};

// Largest first: a duration names each unit at most once, in this order (as Prometheus does).
constexpr std::array<Unit, 7> kUnits{{{"y", 31'536'000'000},
                                      {"w", 604'800'000},
                                      {"d", 86'400'000},
                                      {"h", 3'600'000},
                                      {"m", 60'000},
                                      {"s", 1'000},
                                      {"ms", 1}}};
constexpr std::int64_t kMillisMax = 100 * kUnits[0].millis;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<Millis> parse_duration(std::string_view text) {
  if (text == "0") return Millis{0};
  if (text.empty()) return std::nullopt;
  std::int64_t sum = 0;
  std::size_t next_unit = 0;
  bool fraction_seen = false;
  while (!text.empty()) {
    std::size_t digits = 0;
    while (digits < text.size() && (is_digit(text[digits]) || text[digits] == '.')) ++digits;
    const std::string_view number = text.substr(0, digits);
    text.remove_prefix(digits);
    std::size_t letters = 0;
    while (letters < text.size() && !is_digit(text[letters]) && text[letters] != '.') ++letters;
    const std::string_view unit_name = text.substr(0, letters);
    text.remove_prefix(letters);

    while (next_unit < kUnits.size() && kUnits[next_unit].name != unit_name) ++next_unit;
    if (next_unit == kUnits.size() || number.empty() || fraction_seen) return std::nullopt;
    if (number.front() == '.' || number.back() == '.') return std::nullopt;
    fraction_seen = number.find('.') != std::string_view::npos;
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
    const double millis = value * static_cast<double>(kUnits[next_unit].millis);
    if (millis > static_cast<double>(kMillisMax)) return std::nullopt;
    sum += std::llround(millis);
    if (sum > kMillisMax) return std::nullopt;
    ++next_unit;
  }
  return Millis{sum};
}

std::string format_duration(Millis duration) {
  std::int64_t rest = duration.count();
  if (rest <= 0) return "0s";
  std::string text;
  for (const Unit& unit : kUnits) {
    if (unit.name == "y" || unit.name == "w") continue;  // 7d reads better than 1w.
    const std::int64_t count = rest / unit.millis;
    if (count == 0) continue;
    text += std::to_string(count);
    text += unit.name;
    rest -= count * unit.millis;
  }
  return text;
}

}  // namespace registry_exporter
