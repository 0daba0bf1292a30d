#pragma once

#include <string>

#include "tests/simulator/simulator.h"

/// A client with no wit at all: signs, walks every list from end to end, counts. What it finds in a
/// world that stands still is what the truth has to be.
namespace registry_exporter::simulator {

/// A V3-signed POST of `action`; the nonce has to be new.
WireRequest acr_request(const std::string& action, const QueryPairs& parameters, UnixMillis now,
                        const std::string& nonce, const AcrAccount& account = {});

/// The same by the older signature, as a form.
WireRequest acr_rpc_request(const std::string& action, const QueryPairs& parameters, UnixMillis now,
                            const std::string& nonce, const AcrAccount& account = {});

/// A signed GET. `target` is path and query as they go on the wire.
WireRequest swr_request(const std::string& target, UnixMillis now, const SwrAccount& account = {});

struct Walked {
  std::string truth;  ///< As `GET /truth` would say it.
  std::size_t rows = 0;
  std::size_t calls = 0;
};
/// Every list of both clouds at `now`, with this page size. Needs a world without faults.
Walked walk_everything(Simulator& simulator, UnixMillis now, std::size_t page_size);

}  // namespace registry_exporter::simulator
