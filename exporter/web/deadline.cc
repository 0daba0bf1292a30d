#include "exporter/web/deadline.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace registry_exporter::web {

std::optional<Millis> parse_scrape_timeout(std::string_view seconds) {
  double value = 0;
  const char* const end = seconds.data() + seconds.size();
  const auto [stopped, error] = std::from_chars(seconds.data(), end, value);
  const bool number = error == std::errc() && stopped == end;
  if (!number || !std::isfinite(value) || value <= 0) return std::nullopt;
  const double most = static_cast<double>(kScrapeTimeoutMax.count());
  return Millis(static_cast<Millis::rep>(std::clamp(value * 1000.0, 1.0, most)));
}

Millis response_time(Millis timeout, Millis offset) {
  const Millis clamped = std::clamp(timeout, Millis{1}, kScrapeTimeoutMax);
  return std::max({clamped - offset, clamped / 2, Millis{1}});
}

}  // namespace registry_exporter::web
