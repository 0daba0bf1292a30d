#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/base/clock.h"

namespace registry_exporter::ingest {

/// Who has seen what of one registry: decides when a held series may show its increments (zero
/// first) and when old values have to be shown once more (old value first). Pure; not thread-safe.
///
/// Versions are those of the registry's snapshots; a hold is made for the version that shows its
/// zero for the first time, be it as an old value. It is let go in two steps:
///  - *seen*: every client that is known to have scraped in the last five minutes has seen the
///    zero, or one has and a minute is over. From then on no later process needs to show it.
///  - *released*: its increments may show. At once; but for five minutes after a start, clients of
///    the process before may come that nobody here knows of. What scrapes at the same interval
///    comes before the next scrape of who came first, so it is that one which releases.
class ScraperVisibility {
 public:
  /// A series that shows 0: which repository, and which of its series (a bit set).
  struct Hold {
    std::int64_t repository = 0;
    std::uint16_t series = 0;
  };
  struct Past {
    bool shown = false;    ///< There are values that an earlier process may have shown.
    bool scraped = false;  ///< Clients may have scraped a moment ago that are not known here.
  };

  ScraperVisibility(Past past, SteadyTime now);

  /// A scrape begins. True: it is the first after a pause, so that from now on the values shown
  /// last have to be shown, until one scrape is answered.
  bool scrape_begins(const std::string& client, SteadyTime now);
  /// Old values are shown.
  bool frozen() const { return frozen_; }
  /// The whole answer with snapshot `version` was handed to the client. True: old values have now
  /// been seen, and the newest may be shown.
  bool answered(const std::string& client, std::uint64_t version, SteadyTime now);

  void hold(std::uint64_t version, Hold hold);
  struct LetGo {
    std::vector<Hold> seen;
    std::vector<Hold> released;  ///< No longer held here.
  };
  /// What can be let go now, each once; `beginning`: the client whose scrape begins.
  LetGo let_go(SteadyTime now, const std::optional<std::string>& beginning);

 private:
  struct Client {
    SteadyTime at;
    std::uint64_t seen = 0;  ///< The newest version; 0: none yet.
  };
  struct Held {
    std::optional<SteadyTime> seen_since;  ///< When the first client did.
    bool told_seen = false;
    std::vector<Hold> holds;
  };
  bool strangers_may_come(SteadyTime now) const {
    return strangers_until_ && now < *strangers_until_;
  }
  std::uint64_t seen_by_all(SteadyTime now) const;
  bool has_seen(const std::optional<std::string>& client, std::uint64_t version) const;

  std::map<std::string, Client> clients_;
  std::map<std::uint64_t, Held> held_;  ///< By version.
  std::optional<SteadyTime> strangers_until_;
  std::optional<SteadyTime> last_answered_;
  std::uint64_t newest_answered_ = 0;
  bool frozen_ = false;
};

}  // namespace registry_exporter::ingest
