#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/model/registry_state.h"

namespace registry_exporter::ingest {

/// Who has seen what of one registry: decides when a held series may show its increments (zero
/// first) and when old values have to be shown once more (old value first). Pure; not thread-safe.
///
/// Versions are those of the registry's snapshots. A hold is made for the first version that shows
/// its zero, also as an old value. It is released when every client of the last five minutes (also
/// of the previous process) has seen it, or one minute after the first did.
class ScraperVisibility {
 public:
  /// A series that shows 0: which repository, and which of its series (a bit set).
  struct Hold {
    std::int64_t repository = 0;
    std::uint16_t series = 0;
  };

  /// `has_past`: there are values that an earlier process may have shown. `scrapers`: who scraped
  /// it, and when.
  ScraperVisibility(bool has_past, const std::map<ScraperId, SteadyTime>& scrapers);

  /// A scrape begins. True: it is the first after a pause, so that from now on the values shown
  /// last have to be shown, until one scrape is answered.
  bool scrape_begins(SteadyTime now);
  /// Old values are shown.
  bool frozen() const { return frozen_; }
  /// The whole answer with snapshot `version` was handed to the client. True: old values have now
  /// been seen, and the newest may be shown.
  bool answered(ScraperId client, std::uint64_t version, SteadyTime now);

  void hold(std::uint64_t version, Hold hold);
  /// The next version does not show its series: nobody sees their zeros there.
  void withdraw(std::int64_t repository);
  /// What can be let go now, each once.
  std::vector<Hold> let_go(SteadyTime now);

 private:
  struct Client {
    SteadyTime at;
    std::uint64_t seen = 0;  ///< The newest version; 0: none yet.
  };
  struct Held {
    std::optional<SteadyTime> seen_since;  ///< When the first client did.
    std::vector<Hold> holds;
  };
  std::uint64_t seen_by_all(SteadyTime now) const;

  std::map<ScraperId, Client> clients_;
  std::map<std::uint64_t, Held> held_;  ///< By version.
  std::optional<SteadyTime> last_answered_;
  std::uint64_t newest_answered_ = 0;
  bool frozen_ = false;
};

}  // namespace registry_exporter::ingest
