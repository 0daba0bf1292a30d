#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/exposition_reader.h"
#include "tests/sim/milestones.h"
#include "tests/sim/stream_truth.h"

namespace registry_exporter {

/// How a history is judged.
struct OracleRules {
  bool counts_history = false;
  /// Single answers may lack rows or call ended records open, so that history may look like news.
  bool lists_lie = false;
  Millis lookback{0};
  /// The disk has everything that was to be saved, with true times: a later process knows who
  /// scraped.
  bool knows_scrapers = false;
};

/// What the world's truth allows an exporter to show of SWR's synchronisations and of SWR
/// Enterprise Edition, by the rules of Oracle: never more than happened since counting started, and
/// in the end all that is listed, can be read, and ended after its list had been read first.
class StreamOracle {
 public:
  StreamOracle(const simulator::World& world, const OracleRules& rules, OtherStreams streams,
               UnixMillis start);

  /// "" or what never happened.
  std::string invented(const Series& series) const;
  /// "" or what was never counted. `late`: records of the registry that were shown as late.
  std::string missing(const Series& series, const Milestones& milestones, UnixMillis now) const;
  /// The owner may have been there when its registry was first discovered.
  bool came_in_first(const std::string& owner, const Milestones& milestones) const;
  bool exists(const std::string& owner) const;

 private:
  struct Deficit {
    std::uint64_t events = 0;         ///< Of a list's records.
    std::uint64_t parts = 0;          ///< Of what they add to.
    std::uint64_t parts_of_late = 0;  ///< That records which came late can have added, at most.
    std::string in_words;
  };

  UnixMillis counts_since(const StreamTruth& truth, const Milestones& milestones) const;
  bool may_have_sunk(const TrueEvent& event, UnixMillis now) const;
  std::vector<std::uint64_t> due(const StreamTruth& truth, UnixMillis since, UnixMillis now) const;
  std::string without_histogram(const StreamTruth& truth, const Series& series,
                                UnixMillis now) const;

  const simulator::World& world_;
  const OracleRules rules_;
  const OtherStreams streams_;
  const UnixMillis start_;
  /// By series: what was listed for good before the start is not to be counted.
  std::map<std::string, std::uint64_t> before_start_;
};

}  // namespace registry_exporter
