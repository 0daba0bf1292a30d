#include "exporter/net/quota.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

namespace registry_exporter::net {
namespace {

constexpr std::size_t kMessageReadMax = 4096;
constexpr double kCallsMax = 1e9;
constexpr double kWindowMaxMs = 365.0 * 24 * 3'600'000;

constexpr std::size_t kQuotasMax = 4;
/// Of quotas above this a bucket that is small beside them takes care.
constexpr std::size_t kSentMax = 1024;
/// Calls that were sent evenly don't arrive so.
constexpr int kStretch = 50;
constexpr Millis kStretchMin{250};
constexpr std::chrono::minutes kSilenceMax{15};

struct TimeUnit {
  std::string_view name;
  double millis;
};
constexpr TimeUnit kUnits[] = {{"ms", 1},         {"millisecond", 1}, {"s", 1e3},
                               {"sec", 1e3},      {"second", 1e3},    {"m", 60e3},
                               {"min", 60e3},     {"minute", 60e3},   {"h", 3'600e3},
                               {"hr", 3'600e3},   {"hour", 3'600e3},  {"d", 86'400e3},
                               {"day", 86'400e3}, {"w", 604'800e3},   {"week", 604'800e3}};

/// Reads a text in lower case piece by piece.
struct Reader {
  std::string_view rest;

  void skip(std::string_view these) {
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(these)));
  }
  std::optional<double> number() {
    double value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return value;
  }
  std::string_view word() {
    const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto end = std::find_if_not(rest.begin(), rest.end(), is_letter);
    const std::string_view word = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    rest.remove_prefix(word.size());
    return word;
  }
};

constexpr std::string_view kBetween = " \t:=\"'";

std::optional<double> millis_of(std::string_view unit) {
  for (const TimeUnit& each : kUnits) {
    const bool plural = unit.ends_with('s') && unit.substr(0, unit.size() - 1) == each.name;
    if (unit == each.name || (plural && each.name.size() > 1)) return each.millis;
  }
  return std::nullopt;
}

/// "5 minute", "minute", "300s"
std::optional<Millis> read_window(Reader reader) {
  reader.skip(kBetween);
  const double count = reader.number().value_or(1);
  reader.skip(kBetween);
  const auto unit = millis_of(reader.word());
  if (!unit || count <= 0) return std::nullopt;
  const double window = std::min(count * *unit, kWindowMaxMs);
  if (window < 1) return std::nullopt;
  return Millis{static_cast<std::int64_t>(window)};
}

std::optional<Quota> read_quota(Reader reader) {
  reader.skip(kBetween);
  const auto calls = reader.number();
  if (!calls || *calls < 0) return std::nullopt;
  constexpr std::string_view kTime = "time";
  const std::size_t at = reader.rest.find(kTime);
  if (at == std::string_view::npos) return std::nullopt;
  const auto window = read_window({reader.rest.substr(at + kTime.size())});
  if (!window) return std::nullopt;
  return Quota{static_cast<int>(std::clamp(*calls, 1.0, kCallsMax)), *window};
}

Millis stretched(const Quota& quota) {
  return quota.window + std::max(quota.window / kStretch, kStretchMin);
}

}  // namespace

std::optional<Quota> quota_named_in(std::string_view message) {
  std::string text(message.substr(0, kMessageReadMax));
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  constexpr std::string_view kLimit = "limit";
  for (std::size_t at = text.find(kLimit); at != std::string::npos;
       at = text.find(kLimit, at + 1)) {
    const auto quota = read_quota({std::string_view(text).substr(at + kLimit.size())});
    if (quota) return quota;
  }
  return std::nullopt;
}

void QuotaControl::sent(SteadyTime now) {
  sent_.push_back(now);
  if (sent_.size() > kSentMax) sent_.pop_front();
}

Millis QuotaControl::refused_for(const Quota& quota, SteadyTime now) {
  std::erase_if(quotas_, [&](const Quota& known) { return known.window == quota.window; });
  if (quotas_.size() >= kQuotasMax) quotas_.erase(quotas_.begin());
  quotas_.push_back(quota);
  const auto calls = static_cast<std::size_t>(quota.calls);
  const Millis whole = stretched(quota);
  if (sent_.size() < calls) return whole;
  const SteadyTime end = sent_[sent_.size() - calls] + whole;
  return end > now ? std::chrono::ceil<Millis>(end - now) : whole;
}

double QuotaControl::rate() const {
  double rate = std::numeric_limits<double>::infinity();
  for (const Quota& quota : quotas_) {
    rate = std::min(rate, quota.calls / std::chrono::duration<double>(stretched(quota)).count());
  }
  return std::max(rate, 1 / std::chrono::duration<double>(kSilenceMax).count());
}

std::optional<SteadyTime> QuotaControl::full_until(SteadyTime now) const {
  SteadyTime until = now;
  for (const Quota& quota : quotas_) {
    const auto calls = static_cast<std::size_t>(quota.calls);
    if (sent_.size() < calls) continue;
    until = std::max(until, sent_[sent_.size() - calls] + stretched(quota));
  }
  if (until <= now) return std::nullopt;
  until = std::min(until, sent_.back() + kSilenceMax);
  return until > now ? std::optional(until) : std::nullopt;
}

}  // namespace registry_exporter::net
