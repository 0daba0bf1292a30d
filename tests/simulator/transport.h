#pragma once

#include <atomic>
#include <functional>

#include "exporter/base/clock.h"
#include "exporter/net/http_transport.h"
#include "tests/simulator/simulator.h"

namespace registry_exporter::simulator {

/// The simulated clouds in process: requests reach them without a socket, whatever their origin.
/// Time is the clock's; `wait`, when given, is called outside every lock before the answer arrives
/// and is where a simulation lets others go on.
class SimulatedTransport : public net::HttpTransport {
 public:
  using Wait = std::function<void(Millis)>;

  SimulatedTransport(Simulator& simulator, const Clock& clock, Wait wait = {},
                     Millis latency = Millis{0});

  Result<net::HttpResponse> send(const net::HttpRequest& request) override;
  void abort() override { aborted_ = true; }

 private:
  Simulator& simulator_;
  const Clock& clock_;
  Wait wait_;
  Millis latency_;
  std::atomic<bool> aborted_ = false;
};

/// `request` as the simulator's server would read it from the wire.
WireRequest to_wire(const net::HttpRequest& request);

}  // namespace registry_exporter::simulator
