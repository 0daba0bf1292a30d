#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exporter/model/cloud.h"
#include "exporter/model/notice.h"

namespace registry_exporter::ingest {

/// A cloud's list of notices: when it is asked, for which pages, and which notices are new. Nothing
/// is known of the list's order or length, and nothing of what counts rests on it: a notice only
/// makes a list of records due. Pure.
///
/// A list that stays silent, or whose notices are worth nothing, is asked ever more rarely.
class NoticeFeed {
 public:
  struct Options {
    bool offered = false;    ///< The cloud has such a list.
    Millis rarely{0};        ///< Between two calls of one that tells nothing.
    Millis pause{0};         ///< After a refusal that trying again won't change.
    std::size_t from = 100;  ///< Fewer lists than these are read soon enough without.
  };
  explicit NoticeFeed(const Options& options) : options_(options) {}

  /// `lists`: how many are read in turn. `useful`: notices were worth following so far.
  bool due(std::size_t lists, bool useful, SteadyTime now) const;

  /// Its last answer could be read.
  bool answers() const { return answers_; }

  /// A reading of the newest notices: next() is asked for, and take() gets its answer, until there
  /// is nothing to ask for.
  void begin(SteadyTime now);
  const std::optional<PageRequest>& next() const { return next_; }
  /// Returns the notices that were not there when the list was read last.
  std::vector<Notice> take(const Result<NoticePage>& answer, SteadyTime now);

 private:
  std::optional<PageRequest> page_after(const NoticePage& page, std::size_t fresh);

  const Options options_;
  std::optional<PageRequest> next_;
  int pages_ = 0;              ///< Of this reading.
  int newest_page_ = 0;        ///< Where the newest were found.
  std::size_t page_rows_ = 0;  ///< Of the longest page so far.
  bool known_before_ = false;  ///< There was a reading before this one.
  bool answers_ = false;
  std::set<std::string> ids_, before_;  ///< Of this reading and of the one before.
  std::optional<SteadyTime> asked_at_, news_at_, off_until_;
};

}  // namespace registry_exporter::ingest
