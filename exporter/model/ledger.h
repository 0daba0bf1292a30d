#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/copy_on_write.h"
#include "exporter/model/duration_histogram.h"
#include "exporter/model/record.h"

namespace registry_exporter {

/// What a closed record is to the books. Stored by number: append only.
enum class RecordClass : std::uint8_t {
  baseline,  ///< Listed as finished when counting began: never counted.
  counted,   ///< Added to the counters, once.
  late,      ///< First met below the floor: may have been counted before, so it isn't now.
  vanished,  ///< Disappeared while open: never counted, unless it comes back.
};
inline constexpr std::size_t kRecordClasses = 4;
std::string_view name(RecordClass record_class);

/// A record that is remembered so that it never counts again. 32 bytes.
struct ClosedRecord {
  RecordKey key = 0;
  UnixMillis
      placed_at;  ///< Start (deletion: created_at), or when first seen: compared with the floor.
  UnixMillis ended_at;  ///< Its end, or when first seen finished: what windows count by.
  RecordClass record_class = RecordClass::counted;
  Outcome outcome = Outcome::other;
  bool operator==(const ClosedRecord&) const = default;
};

/// A build that has not ended, followed by its id.
struct OpenRecord {
  std::string id;
  RecordKey key = 0;
  UnixMillis placed_at;  ///< StartTime, or when first seen.
  bool start_known = false;
  std::uint8_t sweeps_missed = 0;  ///< Clean sweeps in a row that did not meet it.
  bool gone = false;               ///< A point read said not found since it was last met.
  RepositoryRef owner{};           ///< Of a feed: whose it is. Else empty.
  bool ended = false;              ///< Only its details are missing.
  bool operator==(const OpenRecord&) const = default;
};

/// Everything of a repository that only grows.
struct EventCounters {
  PerOutcome<std::uint64_t> events;
  PerOutcome<CopyOnWrite<DurationHistogram>> durations;  ///< Set for statuses seen, counted or not.
  std::optional<UnixMillis> created_at;  ///< When `events` began; nullopt: not told yet.
  bool operator==(const EventCounters&) const = default;
};

/// In what order a repository's list was found to be.
enum class ListOrder : std::uint8_t { unknown, newest_first, oldest_first, unordered };

/// A walk that is under way, kept so that a long one resumes instead of starting again.
struct Walk {
  enum class Goal : std::uint8_t {
    anchor,  ///< From the newest record to an anchored one.
    sweep,   ///< The list down to the lookback horizon, or whole.
  };
  Goal goal = Goal::anchor;
  int next_page = 0;
  int page_size = 100;
  UnixMillis started_at;
  std::uint64_t first_total = 0;  ///< As the first page told it; 0 when it did not.
  std::uint64_t records_met = 0;
  // Neighbours on one page so far: what the order of the list is judged by.
  std::uint64_t pairs_descending = 0;
  std::uint64_t pairs_ascending = 0;
  bool operator==(const Walk&) const = default;
};

/// The newest build that ended success or failed.
struct LastBuild {
  UnixMillis ended_at;
  bool succeeded = false;
  std::optional<Millis> duration;
  bool operator==(const LastBuild&) const = default;
};

/// What is known of one repository. A value: changed only by the functions of ingest/, saved whole
/// (but for `closed`, which is appended to) by store/.
struct Ledger {
  // Books. known = Σ present + open.size(); Σ counters.events = present[counted].
  std::uint64_t known = 0;
  std::array<std::uint64_t, kRecordClasses> present{};
  EventCounters counters;

  std::vector<OpenRecord> open;
  std::vector<ClosedRecord> closed;  ///< Sorted by key.

  /// Records that started before it are sealed; it only rises. Epoch: no floor yet.
  UnixMillis floor{};
  /// Set until the first complete reading: what that one lists as finished is baseline.
  bool baseline_pending = false;
  bool read_whole = false;  ///< There was a first complete reading; before it nothing is anchored.
  /// Met by walks that did not finish. Every other known record is *anchored*: it and everything
  /// listed below it is known to be closed or followed. Sorted.
  std::vector<RecordKey> unanchored;
  bool halted = false;  ///< The books did not balance: nothing is ingested any more.

  ListOrder order = ListOrder::unknown;
  std::optional<Walk> walk;
  int tail_page = 0;       ///< oldest_first: where the last walk ended.
  int tail_page_size = 0;  ///< Rows a page that `tail_page` counts by; 0: not known.
  /// Rows of the list from this one on could not be read when it was last tried, though those
  /// before them could.
  std::optional<std::uint64_t> unread_from;
  /// Set where the first reading could not be complete: what ended before is history, not news,
  /// whenever it is met.
  std::optional<UnixMillis> history_before;
  std::optional<std::uint64_t> total_prev;  ///< Of the last finished walk.
  /// Start of the newest record at the head of the list when it was last read: a head that goes
  /// back (another replica, another order) is no reason to stop at an anchor.
  std::optional<UnixMillis> newest_listed;
  bool capped = false;  ///< The list loses records at its end: totals tell nothing.
  bool sweep_wanted = false;
  std::optional<UnixMillis> last_sweep;  ///< End of the last clean one.
  std::optional<UnixMillis> last_read;   ///< End of the last reading that finished.

  std::optional<LastBuild> last_build;
  PerOutcome<std::optional<UnixMillis>> last_end;

  /// Series that must show 0 before any increment shows, by outcome: counters and histograms.
  PerOutcome<bool> events_held;
  PerOutcome<bool> durations_held;

  bool operator==(const Ledger&) const = default;
};

}  // namespace registry_exporter
