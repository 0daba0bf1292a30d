#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace registry_exporter {

/// What one seed's history came to.
struct History {
  std::string failure;  ///< "" when all held.
  std::uint64_t trace = 0;
  std::uint64_t scrapes = 0;
  /// Scrapes that were answered with both clouds called since the one before.
  std::uint64_t cycles = 0;
  std::uint64_t calls = 0;
  std::uint64_t counted = 0;
  std::map<std::string, std::uint64_t> faults;  ///< How often each came about, by its name.
};

/// Lives through one seed: the whole exporter (clients, signers, codecs, ingestion, exposition) on
/// simulated clouds that misbehave, on simulated time, threads, disk and scrapers. At every answer:
/// the oracle agrees, and it came in time; at every call: no faster than the configured rate. In
/// the end the faults stop, and within two sweeps every counter has to reach the truth.
/// `watch`: a text; each answer's series that contain it are printed on stderr.
History live_through(std::uint64_t seed, const std::string& watch = {});

}  // namespace registry_exporter
