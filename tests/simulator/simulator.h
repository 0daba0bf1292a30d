#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "tests/simulator/acr_wire.h"
#include "tests/simulator/faults.h"
#include "tests/simulator/local_services.h"
#include "tests/simulator/quota.h"
#include "tests/simulator/swr_wire.h"
#include "tests/simulator/wire.h"
#include "tests/simulator/world.h"

namespace registry_exporter::simulator {

/// An answer and what happens to it on the way.
struct Reply {
  net::HttpResponse response;
  Millis delay{0};    ///< Before the first byte.
  bool cut = false;   ///< The connection goes away in the middle of the body.
  bool lost = false;  ///< Nothing is ever sent.
};

/// What is odd about the account, for tests of credentials and of diagnoses.
struct AccountOptions {
  std::vector<std::string> denied;              ///< Operations, by the clouds' names.
  Millis credentials_life_max{24 * 3'600'000};  ///< Temporary keys and tokens live no longer.
  Millis clock_ahead{0};                        ///< The clouds' clock before ours.
  std::optional<net::Quota> quota;              ///< Of SWR's calls; what a message alone tells.
};

/// Both clouds behind one door: the world, its wire protocols and their faults, with the truth and
/// the handle for tests. Thread-safe; blocks nobody.
///
/// `GET /truth` tells what a perfect exporter would have counted by now, of the repositories that
/// exist. `POST /control` takes {"speed": 0, "faults": "none"}, both optional, and answers 200, or
/// 400 with the reason.
class Simulator {
 public:
  Simulator(const WorldOptions& options, const FaultMix& faults, UnixMillis now,
            AccountOptions account = {});

  Reply answer(const WireRequest& request, UnixMillis now);
  std::string truth(UnixMillis now);
  /// `GET /truth/durations`: see durations_text().
  std::string durations(UnixMillis now);
  void set_speed(double speed, UnixMillis now);
  void set_faults(const FaultMix& faults);
  /// Calls answered so far, /truth and /control aside.
  std::uint64_t calls() const;
  /// How often each fault and each trick of the world came about, by its name.
  std::vector<std::pair<std::string_view, std::uint64_t>> fired() const;
  /// For one that drives the simulator from a single thread.
  const World& world() const { return world_; }

 private:
  bool is_denied(const WireRequest& request) const;
  Reply answer_cloud(const WireRequest& request, UnixMillis now);
  Reply answer_control(const WireRequest& request, UnixMillis now);

  mutable std::mutex mutex_;
  World world_;
  AcrWire acr_;
  SwrWire swr_;
  LocalServices local_{acr_, swr_};
  const AccountOptions account_;
  std::optional<QuotaGate> quota_;
  FaultMix faults_;
  FaultDice dice_;
  std::uint64_t calls_ = 0;
  std::array<std::uint64_t, kFaults> fired_{};
};

}  // namespace registry_exporter::simulator
