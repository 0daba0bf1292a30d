#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/base/clock.h"

namespace registry_exporter {

/// Who has seen what of one registry: decides when a held series may show its increments (zero
/// first) and when old values have to be shown once more (old value first). Pure; not thread-safe.
///
/// Versions are those of the registry's snapshots; a hold is made for the version that shows its
/// zero for the first time.
class Showing {
 public:
  /// A series that shows 0: which repository, and which of its series (a bit set).
  struct Hold {
    std::int64_t repository = 0;
    std::uint16_t series = 0;
  };

  /// `shown_before`: there are values that an earlier process may have shown.
  explicit Showing(bool shown_before) : frozen_(shown_before) {}

  /// A scrape begins. True: it is the first after a pause, so that from now on the values shown
  /// last have to be shown, until one scrape is answered.
  bool scrape_begins(SteadyTime now);
  /// Old values are shown.
  bool frozen() const { return frozen_; }
  /// The whole answer with snapshot `version` was handed to the client. True: old values have now
  /// been seen, and the newest may be shown.
  bool answered(const std::string& client, std::uint64_t version, SteadyTime now);

  void hold(std::uint64_t version, Hold hold, SteadyTime now);
  /// Holds whose zero was seen by every client that scraped in the last five minutes, or by at
  /// least one and a minute has passed. They are no longer held here.
  std::vector<Hold> release(SteadyTime now);

 private:
  struct Seen {
    SteadyTime at;
    std::uint64_t version = 0;
  };
  struct Held {
    SteadyTime since;
    std::vector<Hold> holds;
  };
  std::map<std::string, Seen> clients_;
  std::map<std::uint64_t, Held> held_;  ///< By version.
  std::optional<SteadyTime> last_answered_;
  std::uint64_t newest_answered_ = 0;
  bool frozen_ = false;
};

}  // namespace registry_exporter
