#include "exporter/net/retry_after.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "exporter/base/time_text.h"

namespace registry_exporter::net {
namespace {

constexpr double kMillisMax = 1e12;

std::optional<double> number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

Millis millis(double value) {
  return Millis{static_cast<std::int64_t>(std::clamp(value, 0.0, kMillisMax))};
}

/// "Limit:..,Remain:..,TimeLeft:<ms>,Reset:.."
std::optional<Millis> time_left(std::string_view header) {
  constexpr std::string_view kName = "TimeLeft:";
  const std::size_t at = header.find(kName);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = header.substr(at + kName.size());
  const auto value = number(rest.substr(0, rest.find(',')));
  return value ? std::optional<Millis>(millis(*value)) : std::nullopt;
}

}  // namespace

std::optional<Millis> wait_asked_for(const HttpResponse& response, UnixMillis now) {
  if (const auto value = number(response.header("x-acs-retry-after"))) return millis(*value);
  const std::string_view retry_after = response.header("retry-after");
  if (const auto seconds = number(retry_after)) return millis(*seconds * 1000);
  if (const auto date = parse_http_date(retry_after)) {
    const UnixMillis server_now = parse_http_date(response.header("date")).value_or(now);
    return std::max(*date - server_now, Millis{0});
  }
  const auto by_api = time_left(response.header("x-ratelimit-user-api"));
  const auto by_user = time_left(response.header("x-ratelimit-user"));
  if (!by_api && !by_user) return std::nullopt;
  return std::max(by_api.value_or(Millis{0}), by_user.value_or(Millis{0}));
}

}  // namespace registry_exporter::net
