#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace registry_exporter {

/// What one seed's history came to.
struct History {
  std::string failure;  ///< "" when all held.
  std::uint64_t trace = 0;
  int scrapes = 0;
  int crashes = 0;
  int disk_failures = 0;
  std::uint64_t counted = 0;
};

/// Lives through one seed: the whole exporter (clients, signers, codecs, ingestion, exposition) on
/// simulated clouds that misbehave, on simulated time, threads, disk and crashes. Safety at every
/// scrape: no counter falls, across crashes too, none exceeds the truth, the books balance, the
/// answer is in time. In the end the faults stop, and every counter has to reach the truth.
History live_through(std::uint64_t seed);

}  // namespace registry_exporter
