#include "exporter/ingest/seam.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::ingest;
using std::chrono::minutes;

namespace {

UnixMillis at(std::int64_t seconds) { return UnixMillis{Millis{seconds * 1000}}; }

/// The process began at 1000, the registry was listed at 1010, counting began.
const Seam kSeam{at(1000), at(1010)};

PastRecord record(std::optional<UnixMillis> started, std::optional<UnixMillis> ended) {
  return {7, started, ended, Outcome::success};
}

Ledger follows() {
  Ledger ledger;
  OpenRecord open;
  open.key = 7;
  ledger.open.push_back(open);
  return ledger;
}

Ledger knows(RecordClass record_class) {
  Ledger ledger;
  ledger.closed.push_back({3, at(1), at(2), RecordClass::counted, Outcome::success});
  ledger.closed.push_back({7, at(1), at(2), record_class, Outcome::success});
  return ledger;
}

/// A list that was read whole, and does not hold the record.
Ledger has_read(UnixMillis floor = at(100)) {
  Ledger ledger;
  ledger.read_whole = true;
  ledger.floor = floor;
  return ledger;
}

std::optional<UnixMillis> placed(const PastRecord& past, const Ledger* ledger,
                                 const Seam& seam = kSeam) {
  const auto events = events_before({past}, ledger, seam, true);
  if (events.empty()) return std::nullopt;
  return events.front().at;
}

}  // namespace

TEST_CASE("seam: no sample of the past is later than the first live one can be") {
  CHECK(seam_with_live(at(1000), at(1010), true).at == at(1000));
  CHECK(seam_with_live(at(1000), at(990), true).at == at(1000));  // Clocks differ.
  CHECK(seam_with_live(at(1000), at(90'000), true).at == at(90'000) - minutes(2));
  CHECK(seam_with_live(at(1000), at(90'000), true).counting_since == at(90'000));
}

TEST_CASE("seam: each record belongs to the past or to the live counters") {
  const Ledger baseline = knows(RecordClass::baseline);
  const Ledger counted = knows(RecordClass::counted);
  const Ledger late = knows(RecordClass::late);
  const Ledger vanished = knows(RecordClass::vanished);
  const Ledger followed = follows();
  const Ledger read = has_read();
  const Ledger sealed = has_read(at(1000));
  const Ledger sealed_by_start = has_read(at(920));
  Ledger history_left = has_read();
  history_left.history_before = at(960);
  const Ledger unread;
  Ledger left_out = has_read();
  left_out.baseline_pending = true;
  Ledger lacks_details = follows();
  lacks_details.open.front().ended = true;
  Seam from_history = kSeam;
  from_history.live_begins_at_zero = false;
  Seam alone = kSeam;
  alone.all_is_past = true;
  struct Row {
    const char* name;
    PastRecord past;
    const Ledger* ledger;
    Seam seam;
    std::optional<UnixMillis> wanted;
  };
  const std::optional<UnixMillis> never;
  const Row rows[] = {
      {"unknown, ended before", record(at(900), at(950)), nullptr, kSeam, at(950)},
      {"unknown, ended between", record(at(900), at(1005)), nullptr, kSeam, at(1000)},
      {"unknown, ended since", record(at(900), at(1011)), nullptr, kSeam, never},
      {"unknown, without an end", record(at(900), never), nullptr, kSeam, at(900)},
      {"unknown, without any time", record(never, never), nullptr, kSeam, never},
      {"nobody counts, without any time", record(never, never), nullptr, alone, at(1000)},
      {"nobody counts, ended since", record(at(900), at(1011)), nullptr, alone, never},
      {"baseline, ended before", record(at(900), at(950)), &baseline, kSeam, at(950)},
      {"baseline, ended while it was first read", record(at(900), at(1500)), &baseline, kSeam,
       at(1000)},
      {"baseline, without any time", record(never, never), &baseline, kSeam, at(1000)},
      {"counted live", record(at(900), at(1500)), &counted, kSeam, never},
      {"counted live, without an end", record(at(900), never), &counted, kSeam, never},
      {"counted as history", record(at(900), at(950)), &counted, from_history, at(950)},
      {"counted after the history", record(at(900), at(1500)), &counted, from_history, never},
      {"followed live", record(at(900), at(950)), &followed, kSeam, never},
      {"followed after the history", record(at(900), at(950)), &followed, from_history, never},
      {"late, from before", record(at(900), at(950)), &late, kSeam, at(950)},
      {"late, from since", record(at(900), at(1500)), &late, kSeam, never},
      {"late, not in the history", record(at(900), at(950)), &late, from_history, never},
      {"vanished, counts when it is met", record(at(900), at(950)), &vanished, kSeam, never},
      {"listed later, counts when it is met", record(at(900), at(950)), &read, kSeam, never},
      {"listed later, after the history", record(at(900), at(950)), &read, from_history, never},
      {"listed later, only an end", record(never, at(950)), &read, kSeam, never},
      {"listed later, too old to count", record(at(900), at(950)), &sealed, kSeam, at(950)},
      {"listed later, began too early to count", record(at(900), at(950)), &sealed_by_start, kSeam,
       at(950)},
      {"counted as history, and forgotten", record(at(900), at(950)), &sealed, from_history,
       at(950)},
      {"counted live, and forgotten", record(at(900), at(1500)), &sealed, kSeam, never},
      {"not read yet, ended before", record(at(900), at(950)), &unread, kSeam, at(950)},
      {"not read yet, ended since", record(at(900), at(1500)), &unread, kSeam, never},
      {"of a list that comes in again", record(at(900), at(1500)), &left_out, kSeam, at(1000)},
      {"in the history, without details yet", record(at(900), at(950)), &lacks_details,
       from_history, at(950)},
      {"live, without details yet", record(at(900), at(950)), &lacks_details, kSeam, never},
      {"not met at first, ended before", record(at(900), at(950)), &history_left, kSeam, at(950)},
      {"not met at first, ended since", record(at(900), at(970)), &history_left, kSeam, never},
  };
  for (const Row& row : rows) {
    INFO(std::string(row.name));
    CHECK(placed(row.past, row.ledger, row.seam) == row.wanted);
  }
}

TEST_CASE("seam: without a time, only one who has read the list can tell") {
  const std::optional<UnixMillis> never;
  const Ledger empty;
  Seam alone = kSeam;
  alone.all_is_past = true;
  CHECK(is_undecided(record(never, never), nullptr, kSeam));
  CHECK_FALSE(is_undecided(record(at(900), never), nullptr, kSeam));
  CHECK_FALSE(is_undecided(record(never, at(900)), nullptr, kSeam));
  CHECK_FALSE(is_undecided(record(never, never), &empty, kSeam));
  CHECK_FALSE(is_undecided(record(never, never), nullptr, alone));
}

TEST_CASE("seam: events are sorted, and have their durations where these are observed") {
  PastRecord timed{1, at(300), at(400), Outcome::failed};
  timed.duration = Millis{100'000};
  const auto events = events_before({timed,
                                     {2, at(250), at(200), Outcome::failed},
                                     {3, at(100), std::nullopt, Outcome::canceled},
                                     {4, std::nullopt, at(350), Outcome::success}},
                                    nullptr, kSeam, true);
  CHECK(events == std::vector<PastEvent>{{at(100), Outcome::canceled, std::nullopt},
                                         {at(200), Outcome::failed, std::nullopt},
                                         {at(350), Outcome::success, std::nullopt},
                                         {at(400), Outcome::failed, Millis{100'000}}});
  const auto deletions = events_before({timed}, nullptr, kSeam, false);
  CHECK(deletions == std::vector<PastEvent>{{at(400), Outcome::failed, std::nullopt}});
}

TEST_CASE("seam: what records of the past added to others counts when they ended") {
  const RepositoryRef shop{"apps", "shop", ""};
  const RepositoryRef web{"apps", "web", ""};
  const Ledger baseline = knows(RecordClass::baseline);
  PastRecord early = record(at(500), at(600));
  early.parts = {{shop, Outcome::tag_rule, 12}, {web, Outcome::tag_rule, 1}};
  PastRecord at_the_seam = record(at(900), at(1500));
  at_the_seam.parts = {{shop, Outcome::date_rule, 3}};
  PastRecord live = record(at(900), at(1500));
  live.key = 8;
  live.parts = {{shop, Outcome::tag_rule, 100}};
  const auto parts = parts_before({at_the_seam, live, early}, &baseline, kSeam);
  REQUIRE(parts.size() == 2);
  CHECK(parts.at("apps/shop").ref == shop);
  CHECK(parts.at("apps/shop").events ==
        std::vector<PastEvent>{{at(600), Outcome::tag_rule, std::nullopt, 12},
                               {at(1000), Outcome::date_rule, std::nullopt, 3}});
  CHECK(parts.at("apps/web").events ==
        std::vector<PastEvent>{{at(600), Outcome::tag_rule, std::nullopt, 1}});
}
