#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "exporter/base/clock.h"
#include "tests/sim/exposition_reader.h"
#include "tests/sim/milestones.h"
#include "tests/sim/stream_oracle.h"
#include "tests/simulator/world.h"

namespace registry_exporter {

/// What the world's true history allows an exporter to show. Knows nothing of how one works: it
/// sees the world, and what each scraper was answered.
///
///  - No event counter or histogram falls or vanishes while its repository exists; across crashes.
///  - None ever exceeds what happened since counting started.
///  - A series that is new shows 0 first, to each scraper that is there already, for a minute.
///  - The first answer after a start shows what was committed before it.
///  - What has shown its zero holds nothing back; a start costs one answer at most.
///  - Once all is calm, every record that is listed, can be read at all, and ended after its
///    repository had been read for the first time is counted, but for those shown as late; and each
///    status that is listed has its histogram.
class Oracle {
 public:
  Oracle(const simulator::World& world, const OracleRules& rules, OtherStreams streams,
         UnixMillis now);

  /// The first complete discovery of a registry has been committed. Before, repositories come in as
  /// those whose history is no news.
  void discovered(const std::string& registry, UnixMillis now);
  /// The first complete reading of a list, by its key, has been committed: what it listed as ended
  /// is history.
  void read_whole(const std::string& list, UnixMillis now);
  /// A life begins: what is committed of each event series then.
  void start(std::unordered_map<std::string, double> committed);
  /// Of an answer that came complete, before it is judged: "" or what it still holds back of what
  /// was `committed` when the scrape began, though this scraper, the only one, has been answered a
  /// value of it before and something in this life.
  std::string held_back(const Series& series, const std::string& scraper,
                        const std::unordered_map<std::string, double>& committed) const;
  /// Checks one answer that reached `scraper` whole. "" or what is wrong with it.
  std::string classify_response(const Series& series, const std::string& scraper, UnixMillis now);
  /// Of an answer when all is calm: "" or what was never counted.
  std::string missing(const Series& series, UnixMillis now) const;
  /// What the newest answer showed of event counters, all together.
  std::uint64_t events_shown() const { return events_shown_; }

 private:
  struct Scraper {
    std::unordered_map<std::string, double> shown;  ///< The highest ever.
    std::set<std::string, std::less<>> repositories;
    /// Repositories that showed synchronisations.
    std::set<std::string, std::less<>> syncs;
    std::optional<UnixMillis> first_answer;  ///< Of this life.
    std::optional<UnixMillis> last_answer;   ///< Of any life.
  };
  struct Counts {
    std::array<std::uint64_t, 4> by_outcome{};
  };

  void note_first_sights(const Series& series, UnixMillis now);
  std::string check_series(Scraper& scraper, const std::string& name, double value,
                           bool new_repository, UnixMillis now);
  bool zero_was_due(const Scraper& scraper, const std::string& name, UnixMillis now) const;
  std::string check_vanished(const Scraper& scraper, const Series& series) const;
  std::string check_invented(const Series& series) const;
  std::string check_invented_syncs(const Series& series) const;
  std::string check_first_answer(const Series& series) const;
  std::string without_histogram(const Series& series, UnixMillis now) const;
  // Of an existing repository: what is listed and has to be counted.
  Counts listed_builds(const simulator::AcrRepository& repository, UnixMillis since,
                       UnixMillis now) const;
  Counts listed_deletions(const simulator::SwrRepository& repository, UnixMillis since,
                          UnixMillis now) const;
  Counts listed_syncs(const simulator::AcrRepository& repository, UnixMillis since,
                      UnixMillis now) const;
  UnixMillis counts_since(const std::string& key, UnixMillis created_at) const;
  bool may_have_sunk(const simulator::Absence& absence, UnixMillis placed_at, UnixMillis now) const;
  bool came_in_first(const std::string& key) const;
  bool is_being_read(const std::string& list, UnixMillis now) const;
  bool is_being_discovered(const std::string& key, UnixMillis now) const;
  void note_history();
  std::map<std::string, Counts> happened_acr() const;
  std::map<std::string, Counts> happened_swr() const;

  const simulator::World& world_;
  const OracleRules rules_;
  const OtherStreams streams_;
  const UnixMillis start_;
  const StreamOracle others_;
  /// By key of repository: what was listed for good before the start is not to be counted.
  std::map<std::string, Counts> before_start_;
  std::map<std::string, Counts> syncs_before_start_;
  std::map<std::string, Scraper> scrapers_;
  std::unordered_map<std::string, UnixMillis> first_shown_;    ///< By series; min(): lives ago.
  std::map<std::string, UnixMillis, std::less<>> first_read_;  ///< By key of repository.
  Milestones milestones_;
  std::unordered_map<std::string, double> committed_;
  bool first_answer_ = false;
  std::uint64_t events_shown_ = 0;
};

}  // namespace registry_exporter
