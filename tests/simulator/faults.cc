#include "tests/simulator/faults.h"

#include <algorithm>
#include <charconv>

#include "exporter/base/time_text.h"

namespace registry_exporter::simulator {
namespace {

constexpr std::array<std::string_view, kFaults> kNames = {
    "throttle", "server_error", "html_error", "business_error", "truncate", "malformed",
    "cut",      "lose",         "slow",       "stale",          "total",    "token",
    "regress",  "loose",        "wrong",      "empty",          "stuck"};

constexpr std::size_t kTrimmedHistory = 60;

FaultMix mild() {
  FaultMix mix;
  mix.percent = {1, 0.5, 0.2, 0.2, 0.2, 0.1, 0.2, 0.2, 1, 0, 0.5, 0.1, 0, 0.5, 0, 0, 0};
  return mix;
}

FaultMix nasty() {
  FaultMix mix;
  mix.percent = {5, 3, 2, 2, 2, 1, 2, 2, 3, 2, 3, 1, 1, 3, 0.5, 0.5, 0.2};
  return mix;
}

/// A trick of the world at `share` of what is usual; false: no such trick.
bool play(Tricks& tricks, std::string_view word, double share) {
  if (word == "churn") {
    tricks.deaths_per_day = 24 * share;
  } else if (word == "rebirth") {
    tricks.rebirths_per_day = 24 * share;
  } else if (word == "rename") {
    tricks.renames_per_day = 12 * share;
  } else if (word == "deny") {
    tricks.denials_per_day = 24 * share;
  } else if (word == "flip") {
    tricks.flips_per_day = 24 * share;
  } else if (word == "trim") {
    tricks.history_max = share > 0 ? kTrimmedHistory : 0;
  } else if (word == "late") {
    tricks.late = 0.05 * share;
  } else if (word == "flicker") {
    tricks.flickering = 0.05 * share;
  } else if (word == "remove") {
    tricks.removed = 0.05 * share;
  } else if (word == "same_start") {
    tricks.same_start = 0.1 * share;
  } else if (word == "long") {
    tricks.long_builds = 0.02 * share;
  } else {
    return false;
  }
  return true;
}

/// One word of the list laid over what came before; false: not a word that is known.
bool apply(FaultMix& mix, std::string_view word, std::optional<double> percent) {
  if (word == "none") {
    mix = {};
    return true;
  }
  if (word == "mild" || word == "nasty") {
    mix = word == "mild" ? mild() : nasty();
    for (double& chance : mix.percent) chance *= percent.value_or(100) / 100;
    return true;
  }
  if (play(mix.tricks, word, percent.value_or(100) / 100)) return true;
  const auto known = std::find(kNames.begin(), kNames.end(), word);
  if (known == kNames.end()) return false;
  mix.percent[static_cast<std::size_t>(known - kNames.begin())] = percent.value_or(5);
  return true;
}

net::HttpResponse html(int status, UnixMillis now) {
  return {.status = status,
          .headers = {{"date", format_http_date(now)}, {"content-type", "text/html"}},
          .body = "<html><head><title>" + std::to_string(status) +
                  "</title></head><body><h1>Bad Gateway</h1></body></html>"};
}

net::HttpResponse throttled(std::uint64_t dice, bool is_acr, UnixMillis now) {
  const std::string_view text = "Request was denied due to user flow control.";
  if (is_acr) {
    const bool with_wait = dice % 3 == 0;
    net::HttpResponse response = dice % 5 == 0 ? acr_error(503, "Throttling", text, now)
                                               : acr_error(400, "Throttling.User", text, now);
    if (with_wait) response.headers.emplace_back("x-acs-retry-after", "400");
    return response;
  }
  if (dice % 3 == 0) return swr_error(403, "SVCSTG.SWR.4031032", "Too many requests.", now);
  net::HttpResponse response =
      gateway_error(429, "APIGW.0308",
                    "The throttling threshold has been reached: policy user over ratelimit", now);
  if (dice % 3 == 1) response.headers.emplace_back("retry-after", "1");
  return response;
}

net::HttpResponse malformed(std::uint64_t dice, bool is_acr, UnixMillis now) {
  net::HttpResponse response =
      is_acr ? acr_business_error("success", now) : swr_error(200, "success", "", now);
  switch (dice % 4) {
    case 0:
      response.body = "{\"RequestId\": \"1\", ";
      break;
    case 1:
      response.body = "";
      break;
    case 2:
      response.body = "[1, 2, 3]";
      break;
    default:
      response = html(200, now);
  }
  return response;
}

net::HttpResponse broken_server(std::uint64_t dice, bool is_acr, UnixMillis now) {
  if (is_acr) {
    return dice % 2 == 0
               ? acr_error(503, "ServiceUnavailable", "The service is unavailable.", now)
               : acr_error(500, "InternalError", "The request processing has failed.", now);
  }
  return dice % 2 == 0 ? swr_error(500, "SVCSTG.SWR.5000010", "Internal error.", now)
                       : gateway_error(504, "APIGW.0201", "Backend timeout.", now);
}

}  // namespace

std::string_view name(Fault fault) { return kNames[static_cast<std::size_t>(fault)]; }

Result<FaultMix> parse_faults(std::string_view text) {
  FaultMix mix;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const std::size_t colon = item.find(':');
    std::optional<double> percent;
    if (colon != std::string_view::npos) {
      const std::string_view number = item.substr(colon + 1);
      double value = 0;
      const auto [end, error] =
          std::from_chars(number.data(), number.data() + number.size(), value);
      const bool good = error == std::errc() && end == number.data() + number.size();
      if (!good || value < 0 || value > 100) {
        return fail(ErrorKind::invalid_config, "not a percentage: " + std::string(item));
      }
      percent = value;
    }
    if (!apply(mix, item.substr(0, colon), percent)) {
      return fail(ErrorKind::invalid_config, "no such fault: " + std::string(item));
    }
  }
  return mix;
}

Misfortune FaultDice::draw(const FaultMix& mix) {
  Misfortune misfortune{.fault = std::nullopt, .dice = dice_.next()};
  double roll = dice_.uniform() * 100;
  for (std::size_t i = 0; i < kFaults; ++i) {
    roll -= mix.percent[i];
    if (roll >= 0) continue;
    misfortune.fault = static_cast<Fault>(i);
    break;
  }
  return misfortune;
}

net::HttpResponse bad_answer(const Misfortune& misfortune, bool is_acr, UnixMillis now) {
  switch (misfortune.fault.value_or(Fault::server_error)) {
    case Fault::throttle:
      return throttled(misfortune.dice, is_acr, now);
    case Fault::html_error:
      return html(502, now);
    case Fault::business_error:
      return is_acr ? acr_business_error("SLB_SERVICE_ERROR", now)
                    : swr_error(409, "SVCSTG.SWR.4090023", "The system is busy.", now);
    case Fault::malformed:
      return malformed(misfortune.dice, is_acr, now);
    default:
      return broken_server(misfortune.dice, is_acr, now);
  }
}

Lies lies_of(const Misfortune& misfortune) {
  Lies lies;
  lies.dice = misfortune.dice;
  const std::uint64_t few = 1 + misfortune.dice % 4;
  if (misfortune.fault == Fault::stale) lies.rows_hidden = few;
  if (misfortune.fault == Fault::total) {
    const int off = static_cast<int>(few);
    lies.total_off = misfortune.dice % 8 < 4 ? off : -off;
  }
  lies.regressed = misfortune.fault == Fault::regress;
  lies.loose = misfortune.fault == Fault::loose;
  lies.other_repository = misfortune.fault == Fault::wrong;
  lies.empty = misfortune.fault == Fault::empty;
  lies.first_page = misfortune.fault == Fault::stuck;
  return lies;
}

}  // namespace registry_exporter::simulator
