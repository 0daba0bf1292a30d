#include "tests/simulator/quota.h"

#include <charconv>
#include <string>

#include "exporter/base/duration.h"
#include "tests/simulator/swr_wire.h"

namespace registry_exporter::simulator {
namespace {

/// "5 minute", as the gateway says it.
std::string words_for(Millis window) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(window).count();
  if (seconds % 60 != 0) return std::to_string(seconds) + " second";
  return std::to_string(seconds / 60) + " minute";
}

}  // namespace

std::optional<net::Quota> parse_quota(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  net::Quota quota;
  const auto [end, error] = std::from_chars(text.data(), text.data() + slash, quota.calls);
  const auto window = parse_duration(text.substr(slash + 1));
  if (error != std::errc() || end != text.data() + slash || quota.calls < 1) return std::nullopt;
  if (!window || *window < std::chrono::seconds(1)) return std::nullopt;
  quota.window = *window;
  return quota;
}

std::optional<net::HttpResponse> QuotaGate::refuse(UnixMillis now) {
  if (let_through_ == 0 || now - window_began_ >= quota_.window) {
    window_began_ = now;
    let_through_ = 0;
  }
  if (let_through_ < quota_.calls) {
    ++let_through_;
    return std::nullopt;
  }
  return gateway_error(429, "APIGW.0308",
                       "The throttling threshold has been reached: policy user over "
                       "ratelimit,limit:" +
                           std::to_string(quota_.calls) + ",time:" + words_for(quota_.window),
                       now);
}

}  // namespace registry_exporter::simulator
