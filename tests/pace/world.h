#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exporter/model/cloud.h"
#include "exporter/model/stream_kind.h"
#include "tests/sim/baton.h"

/// A registry in memory, for measuring who is read when: no sockets, no wire format, the same
/// events for the same seed.
namespace registry_exporter::pace {

/// What the listing's change times are worth.
enum class Hints {
  good,    ///< They change with every event.
  silent,  ///< They never change.
  lying,   ///< They miss two events in three, and change without any.
};

/// What the cloud tells by itself of builds that ended.
enum class Notices {
  none,       ///< It has no such list.
  good,       ///< All, at once.
  silent,     ///< The list is empty.
  lying,      ///< Any repository, at any time.
  forbidden,  ///< The list may not be read.
};

struct WorldOptions {
  std::uint64_t seed = 1;
  const StreamKind* kind = &kBuilds;
  int repositories = 10'000;
  double events_per_day = 2;  ///< Of a repository, on average.
  double concentration = 1;   ///< Exponent of Zipf's law; 0: all are equally active.
  Millis history{std::chrono::hours(24 * 7)};
  Millis future{std::chrono::hours(16)};
  Hints hints = Hints::good;
  Notices notices = Notices::none;
};

/// One build, or one deletion (which ends when it starts).
struct Event {
  UnixMillis start;
  UnixMillis end;
  bool failed = false;
  std::optional<UnixMillis> seen_at;  ///< Handed out as finished.
};

struct Listed {
  RepositoryRef ref;
  std::vector<Event> events;         ///< By start.
  std::vector<UnixMillis> modified;  ///< When the listing's change time moves. Sorted.
  std::uint64_t calls = 0;
  UnixMillis called_at{};
};

/// Activity is heavy-tailed (a few repositories make most of the events: Zipf), comes in bursts,
/// and mostly in working hours; builds of a repository take about the same time, but one in ten
/// fails early. Deletions come once a day, several at a time.
std::vector<Listed> make_repositories(const WorldOptions& options, UnixMillis now);

/// Answers from such a world at a limited rate, on the baton's time.
class PacedCloud final : public Cloud {
 public:
  struct Options {
    double requests_per_second = 5;
    Millis latency{50};
    int list_page_size = 100;
    Notices notices = Notices::none;
  };
  PacedCloud(Baton& baton, std::vector<Listed>& repositories, const StreamKind& kind,
             Options options);

  Result<Discovery> discover(const PartFound& part_found) override;
  Result<Page> list_records(const ListRef& list, const PageRequest& page) override;
  Result<Record> read_record(const ListRef& list, const std::string& id) override;
  Result<std::vector<RetentionRule>> retention_rules(const RepositoryRef&) override;
  bool has_notices() const override { return options_.notices != Notices::none; }
  Result<NoticePage> list_notices(const PageRequest& page) override;
  void abort() override {}
  CloudHealth health() const override { return {}; }

  std::uint64_t calls = 0;
  std::uint64_t discovery_calls = 0;
  std::uint64_t rows = 0;   ///< Records handed out.
  std::uint64_t reads = 0;  ///< Visits to a repository.
  std::uint64_t notice_calls = 0;

 private:
  void call();
  Listed& visited(const RepositoryRef& repository);
  /// What ended, by then: the time and the index of the repository. Sorted by time.
  using Ended = std::pair<UnixMillis, std::size_t>;
  Notice notice_of(const Ended& ended, std::size_t number) const;
  Record hand_out(Listed& repository, std::size_t index);

  Baton& baton_;
  std::vector<Listed>& repositories_;
  const StreamKind& kind_;
  const Options options_;
  UnixMillis next_call_;
  std::vector<Ended> ended_;
};

}  // namespace registry_exporter::pace
