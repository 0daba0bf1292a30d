#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/base/result.h"
#include "tests/simulator/acr_wire.h"
#include "tests/simulator/dice.h"
#include "tests/simulator/swr_wire.h"

/// How the clouds misbehave, by seed. Pure.
namespace registry_exporter::simulator {

enum class Fault : std::uint8_t {
  throttle,        ///< In the costumes of the two clouds: 400, 403, 429 with a wait.
  server_error,    ///< 5xx with JSON.
  html_error,      ///< 502 with a page for people.
  business_error,  ///< acr: 200 with IsSuccess false; swr: 409 system busy.
  truncate,        ///< A good answer whose body stops in the middle.
  malformed,       ///< 200 with something that is not JSON, or not the promised shape.
  cut,             ///< The connection goes away while the answer is sent.
  lose,            ///< The request was carried out and the answer never comes.
  slow,            ///< A good answer, some seconds late.
  stale,           ///< A replica that does not have the newest rows yet.
  total,           ///< The total is off by a few.
  token,           ///< swr: the token is gone before its time.
  regress,         ///< acr: ended builds are said to be building again.
  loose,           ///< Numbers come as strings, strings as numbers, absent fields as null.
  wrong,           ///< The page of another repository.
  empty,           ///< A page without rows in the middle of the list.
  stuck,           ///< The first page, whatever page was asked for.
};
inline constexpr std::size_t kFaults = 17;
std::string_view name(Fault fault);

/// Chances per request, in percent, and what happens to the world itself.
struct FaultMix {
  std::array<double, kFaults> percent{};
  Tricks tricks{};
  bool operator==(const FaultMix&) const = default;
};

/// "none", "mild", "nasty", a fault's name or a trick of the world ("churn", "trim", "rebirth",
/// "rename", "deny", "flip", "late", "flicker", "remove", "same_start", "long"), each with an
/// optional percentage, joined by commas; a later one overrides: "mild,throttle:20,slow:0". For a
/// mix or a trick the percentage scales what is usual ("nasty:50": half as often). Errors:
/// invalid_config, naming the word.
Result<FaultMix> parse_faults(std::string_view text);

/// What befalls one request, and the dice for its details.
struct Misfortune {
  std::optional<Fault> fault;
  std::uint64_t dice = 0;
};

class FaultDice {
 public:
  explicit FaultDice(std::uint64_t seed) : dice_(seed, 0xfa17ULL) {}
  Misfortune draw(const FaultMix& mix);

 private:
  Dice dice_;
};

/// The answer that replaces the good one, for throttle, server_error, html_error, business_error
/// and malformed.
net::HttpResponse bad_answer(const Misfortune& misfortune, bool is_acr, UnixMillis now);

/// What the answer says otherwise, for stale, total and what follows token.
Lies lies_of(const Misfortune& misfortune);

}  // namespace registry_exporter::simulator
