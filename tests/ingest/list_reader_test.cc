#include <doctest/doctest.h>

#include <random>
#include <utility>

#include "tests/ingest/fake_list.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;

namespace {

FakeList with_builds(int count, std::int64_t first_start = 900'000) {
  FakeList list;
  for (int i = count - 1; i >= 0; --i) {
    list.newest_first.push_back(done("b" + std::to_string(i), first_start + i * 10));
  }
  return list;
}

void add_build(FakeList& list, const std::string& id) {
  const std::int64_t newest =
      list.newest_first.empty()
          ? 900'000
          : list.newest_first.front().started_at->time_since_epoch().count() / 1000;
  list.newest_first.insert(list.newest_first.begin(), done(id, newest + 10));
}

Ledger baseline_ledger() {
  Ledger ledger;
  ledger.baseline_pending = true;
  return ledger;
}

}  // namespace

TEST_CASE("list reader: the first whole reading of a baseline repository counts nothing") {
  FakeList list = with_builds(23);
  Ledger ledger = baseline_ledger();
  const FakeVisit first = visit(list, ledger, {.page_size = 10});
  CHECK(first.complete);
  CHECK(first.sweep_ok == true);
  CHECK(counted(ledger) == 0);
  CHECK(ledger.known == 23);
  CHECK_FALSE(ledger.baseline_pending);
  CHECK(ledger.order == ListOrder::newest_first);
  CHECK(imbalance(ledger) == 0);

  add_build(list, "news");
  list.calls = 0;
  CHECK(visit(list, ledger, {.page_size = 10}).complete);
  CHECK(counted(ledger) == 1);
  CHECK(list.calls == 1);
}

TEST_CASE("list reader: in every order of the list, history and news count exactly once") {
  for (const bool oldest_first : {false, true}) {
    for (const bool tells_total : {true, false}) {
      for (const int page_size : {1, 2, 3, 10, 100}) {
        CAPTURE(oldest_first);
        CAPTURE(tells_total);
        CAPTURE(page_size);
        FakeList list = with_builds(25);
        list.oldest_first = oldest_first;
        if (!tells_total) list.totals = Totals::missing;
        Ledger ledger;
        for (int round = 0; round < 5; ++round) {
          const FakeVisit result = visit(
              list, ledger, {.page_size = page_size, .head_page_size = 2, .pages_per_visit = 1000});
          CHECK(result.complete);
          CHECK_FALSE(result.error);
          CHECK(result.effects.history_gaps == 0);
          CHECK_FALSE(ledger.sweep_wanted);
          CHECK(counted(ledger) == 25 + static_cast<std::uint64_t>(round) * 3);
          CHECK(imbalance(ledger) == 0);
          for (int i = 0; i < 3; ++i) {
            add_build(list, "r" + std::to_string(round) + "-" + std::to_string(i));
          }
        }
        CHECK(late(ledger) == 0);
      }
    }
  }
}

TEST_CASE("list reader: an oldest-first list is read from where the last walk ended") {
  FakeList list = with_builds(95);
  list.oldest_first = true;
  Ledger ledger;
  visit(list, ledger, {.page_size = 10});
  CHECK(ledger.order == ListOrder::oldest_first);
  add_build(list, "news");
  list.calls = 0;
  visit(list, ledger, {.page_size = 10});
  CHECK(counted(ledger) == 96);
  CHECK(list.calls <= 2);
}

TEST_CASE("list reader: what moved up an oldest-first list, as others left it, is found at once") {
  FakeList list = with_builds(95);
  list.oldest_first = true;
  Ledger ledger;
  visit(list, ledger, {.page_size = 10});
  list.newest_first.resize(70);  // The oldest 25 are gone.
  for (int i = 0; i < 30; ++i) add_build(list, "news" + std::to_string(i));
  visit(list, ledger, {.page_size = 10});
  CHECK(counted(ledger) == 125);
}

TEST_CASE("list reader: builds that start while pages are read repeat records but never lose any") {
  FakeList list = with_builds(50);
  int added = 0;
  list.between_calls = [&](FakeList& self) {
    if (added < 30) add_build(self, "n" + std::to_string(added++));
  };
  Ledger ledger;
  for (int round = 0; round < 30; ++round) visit(list, ledger, {.page_size = 7});
  CHECK(added == 30);
  CHECK(counted(ledger) == 80);
  CHECK(imbalance(ledger) == 0);
}

TEST_CASE("list reader: cut after any call, it resumes and loses nothing") {
  for (int calls = 1; calls <= 8; ++calls) {
    CAPTURE(calls);
    FakeList list = with_builds(60);
    Ledger ledger;
    int visits = 0;
    SweepProgress progress;
    while (!ledger.read_whole && visits < 200) {
      visit(list, ledger, {.page_size = 10}, &progress, calls);
      progress = {};  // A restart forgets what isn't in the ledger.
      ++visits;
    }
    CHECK(visits <= 60 / 10 + 2);
    for (int i = 0; i < 35; ++i) add_build(list, "n" + std::to_string(i));
    for (int again = 0; again < 8; ++again) {
      visit(list, ledger, {.page_size = 10}, nullptr, calls);
    }
    CHECK(counted(ledger) == 95);
    CHECK(ledger.unanchored.empty());
    CHECK(imbalance(ledger) == 0);
  }
}

TEST_CASE("list reader: a head walk over what a cut sweep has met is not taken for a stuck list") {
  FakeList list = with_builds(20);
  Ledger ledger;
  visit(list, ledger, {.page_size = 10});
  for (int i = 0; i < 100; ++i) add_build(list, "n" + std::to_string(i));
  SweepProgress progress;
  visit(list, ledger, {.page_size = 10, .sweep_due = true}, &progress, 8);
  CHECK(counted(ledger) == 100);
  const FakeVisit next = visit(list, ledger, {.page_size = 10}, &progress);
  CHECK(next.complete);
  CHECK(counted(ledger) == 120);
}

TEST_CASE("list reader: seen is not anchored: a cut walk does not hide what is below it") {
  FakeList list = with_builds(10);
  Ledger ledger;
  visit(list, ledger, {.page_size = 5});
  for (int i = 0; i < 20; ++i) add_build(list, "n" + std::to_string(i));
  visit(list, ledger, {.page_size = 5}, nullptr, 1);  // Only the newest five are seen.
  CHECK(counted(ledger) == 15);
  ledger.walk.reset();  // Even if where it was is lost.
  visit(list, ledger, {.page_size = 5});
  CHECK(counted(ledger) == 30);
}

TEST_CASE("list reader: an open build is followed by id however deep it sinks") {
  FakeList list = with_builds(5);
  list.newest_first.insert(list.newest_first.begin(), runs("slow", 900'100));
  Ledger ledger;
  visit(list, ledger, {.page_size = 3});
  CHECK(counted(ledger) == 5);
  CHECK(ledger.open.size() == 1);
  for (int i = 0; i < 40; ++i) add_build(list, "n" + std::to_string(i));
  visit(list, ledger, {.page_size = 3, .pages_per_visit = 100});
  CHECK(counted(ledger) == 45);
  CHECK(ledger.open.size() == 1);
  for (Record& record : list.newest_first) {
    if (record.id == "slow") record = done("slow", 900'100, Outcome::failed, 400);
  }
  for (const bool knows_ids : {false, true}) {
    Ledger copy = ledger;
    list.knows_ids = knows_ids;
    SweepProgress progress;
    for (int i = 0; i < 3; ++i) {
      const bool sweep = copy.sweep_wanted;
      visit(list, copy, {.page_size = 3, .pages_per_visit = 100, .sweep_due = sweep}, &progress);
    }
    CHECK(counted(copy) == 46);
    CHECK(copy.counters.events[Outcome::failed] == 1);
    CHECK(copy.open.empty());
  }
}

TEST_CASE(
    "list reader: a record that is inserted below the anchor is found by the total or the sweep") {
  FakeList list = with_builds(40);
  Ledger ledger;
  visit(list, ledger, {.page_size = 10});
  list.newest_first.insert(list.newest_first.begin() + 25, done("hidden", 900'145));
  visit(list, ledger, {.page_size = 10});
  CHECK(counted(ledger) == 40);
  CHECK(ledger.sweep_wanted);
  visit(list, ledger, {.page_size = 10, .sweep_due = true});
  CHECK(counted(ledger) == 41);
  CHECK_FALSE(ledger.sweep_wanted);
}

TEST_CASE("list reader: an order that flips is noticed at once") {
  FakeList list = with_builds(40);
  Ledger ledger;
  visit(list, ledger, {.page_size = 10});
  list.oldest_first = true;
  add_build(list, "news");
  visit(list, ledger, {.page_size = 10});
  CHECK(counted(ledger) == 41);
  CHECK(ledger.order == ListOrder::oldest_first);
  list.oldest_first = false;
  add_build(list, "more");
  visit(list, ledger, {.page_size = 10});
  CHECK(counted(ledger) == 42);
}

TEST_CASE("list reader: an unordered list is read whole each time") {
  FakeList list = with_builds(30);
  std::mt19937_64 dice(3);
  std::shuffle(list.newest_first.begin(), list.newest_first.end(), dice);
  Ledger ledger;
  visit(list, ledger, {.page_size = 10});
  CHECK(ledger.order == ListOrder::unordered);
  list.newest_first.insert(list.newest_first.begin() + 17, done("news", 900'777));
  visit(list, ledger, {.page_size = 10});
  CHECK(counted(ledger) == 31);
}

TEST_CASE("list reader: news below what is known, on one page, shows that the list was reordered") {
  FakeList list = with_builds(20);
  Ledger ledger;
  visit(list, ledger, {.page_size = 5});
  // As many neighbours fall as rise, and the newest of all is still on the first page.
  std::vector<Record> head{done("n1", 901'000), done("n2", 901'010), list.newest_first.front(),
                           done("n3", 901'020), done("n4", 901'005)};
  for (int i = 0; i < 10; ++i) head.push_back(done("deep" + std::to_string(i), 901'001 + i));
  list.newest_first.insert(list.newest_first.begin(), head.begin(), head.end());
  visit(list, ledger, {.page_size = 5});
  CHECK(counted(ledger) == 34);
}

TEST_CASE(
    "list reader: builds that were missed in an order of their own are found in the old one") {
  FakeList list = with_builds(20);
  Ledger ledger;
  visit(list, ledger, {.page_size = 5});
  for (int i = 0; i < 9; ++i) add_build(list, "missed" + std::to_string(i));
  add_build(list, "known");
  MergeEffects effects;
  MergeContext context;
  context.seen_at = list.now;
  merge_record(ledger, list.newest_first.front(), context, effects);
  anchor_all(ledger);
  add_build(list, "news");
  visit(list, ledger, {.page_size = 5});
  CHECK(counted(ledger) == 31);
}

TEST_CASE("list reader: in an oldest-first list news listed as older than the known is a warning") {
  FakeList list = with_builds(20);
  list.oldest_first = true;
  list.totals = Totals::missing;
  Ledger ledger;
  visit(list, ledger, {.page_size = 5});
  const auto oldest_but = [&](std::ptrdiff_t rows) { return list.newest_first.end() - rows; };
  list.newest_first.insert(oldest_but(17), done("shown", 900'165));
  list.newest_first.insert(oldest_but(3), done("deep", 900'025));
  visit(list, ledger, {.page_size = 5});
  CHECK(counted(ledger) == 22);
}

TEST_CASE("list reader: a sweep ends at the horizon only where its own pages prove the order") {
  const auto shuffle = [](FakeList& list) {
    std::mt19937_64 dice(3);
    std::shuffle(list.newest_first.begin(), list.newest_first.end(), dice);
  };
  for (const bool shuffled : {false, true}) {
    CAPTURE(shuffled);
    FakeList list = with_builds(40);
    Ledger ledger;
    visit(list, ledger, {.page_size = 10});
    list.now = at(900'400);
    list.newest_first.push_back(done("deep", 899'000));
    if (shuffled) shuffle(list);
    const FakeVisit sweep = visit(
        list, ledger, {.page_size = 10, .lookback = std::chrono::seconds(50), .sweep_due = true});
    CHECK(ledger.known == (shuffled ? 41 : 40));
    CHECK(sweep.pages == (shuffled ? 6 : 1));  // With the row behind the last page.
  }
}

TEST_CASE("list reader: a sweep after a long silence reads on to what is known") {
  FakeList list = with_builds(20);
  Ledger ledger;
  visit(list, ledger, {.page_size = 10});
  for (int i = 0; i < 25; ++i) add_build(list, "unread" + std::to_string(i));
  list.now = at(990'000);  // The horizon has passed all of them.
  visit(list, ledger, {.page_size = 10, .lookback = std::chrono::seconds(50), .sweep_due = true});
  CHECK(ledger.known == 45);
}

TEST_CASE("list reader: history that was trimmed above the anchor is a gap, and counting goes on") {
  FakeList list = with_builds(10);
  Ledger ledger;
  visit(list, ledger, {.page_size = 5});
  list.newest_first.clear();
  list.newest_first.push_back(done("after", 950'000));
  const FakeVisit result = visit(list, ledger, {.page_size = 5});
  CHECK(result.effects.history_gaps == 1);
  CHECK(counted(ledger) == 11);
  CHECK(visit(list, ledger, {.page_size = 5}).effects.history_gaps == 0);
}

TEST_CASE("list reader: a walk that goes on in another visit makes no gap of what it meets there") {
  FakeList list = with_builds(40);
  Ledger ledger;
  visit(list, ledger, {.page_size = 5});
  list.newest_first.resize(25);
  for (int i = 0; i < 15; ++i)
    list.newest_first.push_back(done("old" + std::to_string(i), 800'000 - i));
  SweepProgress progress;
  visit(list, ledger, {.page_size = 5, .pages_per_visit = 5, .sweep_due = true}, &progress);
  const FakeVisit rest = visit(list, ledger, {.page_size = 5, .sweep_due = true}, &progress);
  CHECK(rest.effects.history_gaps == 0);
  CHECK(ledger.known == 55);
}

TEST_CASE("list reader: totals that lie cost calls at most") {
  for (const std::int64_t lie : {-20L, -1L, 1L, 7L, 1000L}) {
    CAPTURE(lie);
    FakeList list = with_builds(25);
    list.total_lie = lie;
    Ledger ledger;
    for (int i = 0; i < 4; ++i) {
      CHECK_FALSE(visit(list, ledger, {.page_size = 10, .sweep_due = true}).error);
    }
    CHECK(counted(ledger) == 25);
    CHECK(ledger.read_whole);
    add_build(list, "news");
    visit(list, ledger, {.page_size = 10});
    CHECK(counted(ledger) == 26);
  }
}

TEST_CASE("list reader: a server with a smaller page limit of its own hides nothing") {
  FakeList list = with_builds(55);
  list.page_size_max = 20;
  Ledger ledger;
  visit(list, ledger, {.page_size = 50});
  CHECK(counted(ledger) == 55);
}

TEST_CASE("list reader: a smaller page limit hides nothing where no total is told either") {
  FakeList list = with_builds(55);
  list.page_size_max = 20;
  list.totals = Totals::missing;
  Ledger ledger;
  visit(list, ledger, {.page_size = 50});
  CHECK(counted(ledger) == 55);
}

TEST_CASE(
    "list reader: where ids may not be asked for, a walk goes down to the oldest open build") {
  FakeList list = with_builds(60);
  list.may_ask_ids = false;
  const Record ended = list.newest_first[24];
  list.newest_first[24] = runs(ended.id, ended.started_at->time_since_epoch().count() / 1000);
  Ledger ledger;
  visit(list, ledger, {.page_size = 10});
  CHECK(ledger.open.size() == 1);
  list.newest_first[24] = ended;
  list.calls = 0;
  visit(list, ledger, {.page_size = 10});
  CHECK(ledger.open.empty());
  CHECK(counted(ledger) == 60);
  CHECK(list.calls == 3);
}

TEST_CASE(
    "list reader: where little news is expected a small page does; more is read anew, whole") {
  struct Row {
    const char* name;
    int history;
    int news;
    bool may_ask_ids;
    std::vector<int> sizes;
  };
  const Row rows[] = {
      {"no news", 60, 0, true, {10}},
      {"a little", 60, 9, true, {10}},
      {"too much for the small page", 60, 10, true, {10, 50}},
      {"more than one page", 60, 55, true, {10, 50, 50}},
      {"a list shorter than the small page", 4, 2, true, {10}},
      {"an empty list", 0, 0, true, {50}},
      {"an open build that can't be asked for", 60, 0, false, {50}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    FakeList list = with_builds(row.history);
    list.may_ask_ids = row.may_ask_ids;
    if (!row.may_ask_ids) list.newest_first[3] = runs("open", 900'560);
    Ledger ledger;
    visit(list, ledger, {.page_size = 50});
    const std::uint64_t before = counted(ledger);
    for (int i = 0; i < row.news; ++i) add_build(list, "news" + std::to_string(i));
    list.sizes_asked.clear();
    const FakeVisit result = visit(list, ledger, {.page_size = 50, .head_page_size = 10});
    CHECK(result.complete);
    CHECK(list.sizes_asked == row.sizes);
    CHECK(counted(ledger) == before + static_cast<std::uint64_t>(row.news));
    CHECK(ledger.unanchored.empty());
    CHECK_FALSE(ledger.sweep_wanted);
    CHECK_FALSE(ledger.capped);
    CHECK(imbalance(ledger) == 0);
  }
}

TEST_CASE("list reader: one empty page is not the end of a list that promises more") {
  FakeList list = with_builds(40);
  Ledger ledger = baseline_ledger();
  visit(list, ledger, {.page_size = 10});
  for (int i = 0; i < 25; ++i) add_build(list, "news" + std::to_string(i));
  list.calls = 0;
  list.empty_call = 2;
  const FakeVisit result = visit(list, ledger, {.page_size = 10});
  CHECK(counted(ledger) == 25);
  CHECK(result.effects.history_gaps == 0);
}

TEST_CASE("list reader: history that a first reading jumped over does not become news") {
  FakeList list = with_builds(30);
  list.between_calls = [](FakeList& moving) {
    if (moving.calls == 1) moving.newest_first.erase(moving.newest_first.begin());
  };
  Ledger ledger = baseline_ledger();
  visit(list, ledger, {.page_size = 10, .pages_per_visit = 1000});
  visit(list, ledger, {.page_size = 10, .sweep_due = true});
  CHECK(counted(ledger) == 0);
  CHECK(ledger.known == 30);
}

TEST_CASE(
    "list reader: history that a first reading missed around a restart does not become news") {
  FakeList list = with_builds(7);
  list.oldest_first = true;
  Ledger ledger;
  ledger.baseline_pending = true;
  visit(list, ledger, {.page_size = 4}, nullptr, 1);
  list.oldest_first = false;  // While nobody looks; the next page repeats what was on the first.
  for (int i = 0; i < 3; ++i) visit(list, ledger, {.page_size = 4});
  CHECK(ledger.read_whole);
  CHECK(counted(ledger) == 0);
  CHECK(ledger.known == 7);
}

TEST_CASE("list reader: a sweep that may have met rows twice around a restart is not clean") {
  FakeList list = with_builds(30);
  Ledger ledger;
  visit(list, ledger, {.page_size = 10});
  visit(list, ledger, {.page_size = 10, .sweep_due = true}, nullptr, 1);
  // While nobody looks. The page that follows repeats the one before.
  for (int i = 0; i < 10; ++i) add_build(list, "n" + std::to_string(i));
  const FakeVisit rest = visit(list, ledger, {.page_size = 10, .sweep_due = true});
  CHECK(rest.sweep_ok == false);
  CHECK(visit(list, ledger, {.page_size = 10, .sweep_due = true}).sweep_ok == true);
  CHECK(counted(ledger) == 40);
}

TEST_CASE("list reader: history that slid past a first reading does not become news") {
  FakeList list = with_builds(30);
  list.oldest_first = true;
  Ledger ledger = baseline_ledger();
  visit(list, ledger, {.page_size = 10}, nullptr, 1);
  // The list keeps thirty builds: what its first page makes room for slides to where it was read.
  for (int i = 0; i < 12; ++i) {
    list.newest_first.pop_back();
    list.newest_first.insert(list.newest_first.begin(),
                             done("later" + std::to_string(i), 1'000'010 + i));
  }
  visit(list, ledger, {.page_size = 10});
  REQUIRE(ledger.read_whole);
  visit(list, ledger, {.page_size = 10, .sweep_due = true});
  CHECK(ledger.known == 40);
  CHECK(counted(ledger) == 0);
  add_build(list, "news");
  visit(list, ledger, {.page_size = 10});
  CHECK(counted(ledger) == 1);
}

TEST_CASE("list reader: history that slid over a page's edge in a first reading is no news") {
  FakeList list = with_builds(30);
  list.oldest_first = true;
  // The list keeps thirty builds: one goes and one comes between the second page and the third.
  list.between_calls = [](FakeList& self) {
    if (self.calls != 2) return;
    self.newest_first.pop_back();
    self.newest_first.insert(self.newest_first.begin(), done("later", 1'000'010));
  };
  Ledger ledger = baseline_ledger();
  visit(list, ledger, {.page_size = 10});
  REQUIRE(ledger.read_whole);
  REQUIRE(ledger.order == ListOrder::oldest_first);
  REQUIRE(ledger.known == 30);  // The one that slid was not met.
  list.between_calls = nullptr;
  visit(list, ledger, {.page_size = 10, .sweep_due = true});
  CHECK(ledger.known == 31);
  CHECK(counted(ledger) == 0);
}

TEST_CASE(
    "list reader: a record that a removal moved over a page's edge is found by the next sweep") {
  FakeList list = with_builds(40);
  Ledger ledger;
  visit(list, ledger, {.page_size = 10});
  for (int i = 0; i < 25; ++i) add_build(list, "n" + std::to_string(i));
  list.between_calls = [removed = false](FakeList& self) mutable {
    if (!std::exchange(removed, true)) self.newest_first.erase(self.newest_first.begin());
  };
  visit(list, ledger, {.page_size = 10});
  CHECK(counted(ledger) == 64);  // One of the second page had moved to the first.
  CHECK(ledger.sweep_wanted);
  visit(list, ledger, {.page_size = 10, .sweep_due = true});
  CHECK(counted(ledger) == 65);
  CHECK(imbalance(ledger) == 0);
}

TEST_CASE("list reader: in a list where builds move to the head when they end, each counts once") {
  for (const bool knows_ids : {true, false}) {
    CAPTURE(knows_ids);
    FakeList list = with_builds(20);
    list.knows_ids = knows_ids;
    Ledger ledger;
    std::uint64_t ended = 20;
    for (int round = 0; round < 40; ++round) {
      const std::int64_t start = 901'000 + round * 10;
      list.newest_first.insert(list.newest_first.begin(), runs("r" + std::to_string(round), start));
      if (round >= 5) {
        const std::string id = "r" + std::to_string(round - 5);
        std::erase_if(list.newest_first, [&](const Record& each) { return each.id == id; });
        list.newest_first.insert(list.newest_first.begin(), done(id, start - 50));
        ++ended;
      }
      visit(list, ledger, {.page_size = 7});
      CHECK(counted(ledger) == ended);
      CHECK(ledger.open.size() == std::min<std::size_t>(static_cast<std::size_t>(round) + 1, 5));
      CHECK(imbalance(ledger) == 0);
    }
  }
}

TEST_CASE("list reader: an older copy of the list takes nothing back and counts nothing again") {
  FakeList list = with_builds(30);
  Ledger ledger;
  visit(list, ledger, {.page_size = 10});
  FakeList stale = list;
  for (int i = 0; i < 5; ++i) add_build(list, "n" + std::to_string(i));
  visit(list, ledger, {.page_size = 10});
  for (const bool sweep : {false, true}) {
    CAPTURE(sweep);
    CHECK(visit(stale, ledger, {.page_size = 10, .sweep_due = sweep}).effects.history_gaps == 0);
    CHECK(counted(ledger) == 35);
  }
  add_build(list, "news");
  visit(list, ledger, {.page_size = 10, .sweep_due = true});
  CHECK(counted(ledger) == 36);
  CHECK(imbalance(ledger) == 0);
}

TEST_CASE(
    "list reader: a list that keeps its newest records alone is read by one page, without gaps") {
  FakeList list = with_builds(30);
  Ledger ledger;
  visit(list, ledger, {.page_size = 10});
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 4; ++i) {
      add_build(list, "r" + std::to_string(round) + "." + std::to_string(i));
    }
    list.newest_first.resize(30);
    list.calls = 0;
    CHECK(visit(list, ledger, {.page_size = 10}).effects.history_gaps == 0);
    CHECK(list.calls == 1);
    CHECK_FALSE(ledger.sweep_wanted);
  }
  CHECK(counted(ledger) == 30 + 80);
}

TEST_CASE("list reader: a page without rows in the middle of a list hides nothing for good") {
  for (int call = 1; call <= 8; ++call) {
    CAPTURE(call);
    FakeList list = with_builds(35);
    Ledger ledger;
    list.empty_call = call;
    visit(list, ledger, {.page_size = 10});
    for (int i = 0; i < 25; ++i) add_build(list, "n" + std::to_string(i));
    for (int again = 0; again < 3; ++again) {
      const bool sweep = ledger.sweep_wanted || again > 1;
      CHECK_FALSE(visit(list, ledger, {.page_size = 10, .sweep_due = sweep}).error);
    }
    CHECK(counted(ledger) == 60);
    CHECK(imbalance(ledger) == 0);
  }
}

TEST_CASE("list reader: a server with larger pages than were asked for hides nothing") {
  FakeList list = with_builds(55);
  list.page_size_min = 20;
  Ledger ledger;
  visit(list, ledger, {.page_size = 5});
  CHECK(counted(ledger) == 55);
  for (int i = 0; i < 30; ++i) add_build(list, "n" + std::to_string(i));
  visit(list, ledger, {.page_size = 5});
  CHECK(counted(ledger) == 85);
}

TEST_CASE("list reader: a server that ignores the page number ends in an error, not in a loop") {
  struct Stuck : FakeList {};
  FakeList list = with_builds(200);
  Ledger ledger;
  SweepProgress progress;
  ListReader reader(ledger, {.page_size = 10, .pages_per_visit = 1000}, progress);
  int calls = 0;
  MergeEffects effects;
  const std::vector<double> bounds{10};
  while (const auto ask = reader.next(ledger)) {
    REQUIRE(++calls < 20);
    reader.apply_page(ledger, *list.page({0, 10}), {&kBuilds, list.now, bounds, true}, effects);
  }
  REQUIRE(reader.error());
  CHECK(reader.error()->kind == ErrorKind::malformed);
  CHECK_FALSE(reader.complete());
}

TEST_CASE("sweep: the floor rises, forgotten ids stay uncounted and never look late by paging") {
  FakeList list = with_builds(400, 100'000);
  list.now = at(104'000);
  Ledger ledger;
  const ListReaderOptions options{.page_size = 10,
                                  .lookback = std::chrono::seconds(300),
                                  .pages_per_visit = 1000,
                                  .sweep_due = true};
  visit(list, ledger, options);
  CHECK(counted(ledger) == 400);
  std::int64_t start = 104'000;
  for (int round = 0; round < 30; ++round) {
    for (int i = 0; i < 7; ++i) {
      start += 10;
      list.newest_first.insert(list.newest_first.begin(),
                               done("r" + std::to_string(round) + "." + std::to_string(i), start));
    }
    list.now = at(start + 10);
    visit(list, ledger, options);
  }
  CHECK(counted(ledger) == 400 + 210);
  CHECK(late(ledger) == 0);
  CHECK(ledger.closed.size() < 250);
  CHECK(imbalance(ledger) == 0);

  // A finished record that first shows below the floor is late, not counted.
  list.newest_first.insert(list.newest_first.begin() + 3, done("too-late", start - 2000));
  visit(list, ledger, options);
  CHECK(late(ledger) == 1);
  CHECK(counted(ledger) == 610);
}

TEST_CASE("sweep: an open build that two clean sweeps and its id don't find has vanished") {
  FakeList list = with_builds(5);
  list.newest_first.insert(list.newest_first.begin(), runs("lost", 900'100));
  Ledger ledger;
  visit(list, ledger);
  const Record lost = list.newest_first.front();
  list.newest_first.erase(list.newest_first.begin());
  for (int i = 0; i < 4; ++i) visit(list, ledger, {.sweep_due = true});
  CHECK(ledger.open.empty());
  CHECK(ledger.present[static_cast<std::size_t>(RecordClass::vanished)] == 1);
  CHECK(imbalance(ledger) == 0);

  SUBCASE("it comes back finished: it counts") {
    list.newest_first.insert(list.newest_first.begin(), done("lost", 900'100));
    visit(list, ledger);
    CHECK(counted(ledger) == 6);
  }
  SUBCASE("it comes back open: it is followed again") {
    list.newest_first.insert(list.newest_first.begin(), lost);
    visit(list, ledger);
    CHECK(ledger.open.size() == 1);
    CHECK(counted(ledger) == 5);
  }
  CHECK(ledger.present[static_cast<std::size_t>(RecordClass::vanished)] == 0);
  CHECK(imbalance(ledger) == 0);
}

TEST_CASE("list reader: what has ended is asked for its details, though the list shows it") {
  FakeList list = with_builds(5);
  Ledger ledger;
  visit(list, ledger);
  Record ended = done("new", 900'100);
  ended.needs_details = true;
  list.newest_first.insert(list.newest_first.begin(), ended);
  SUBCASE("it counts in the same visit, and is asked for once") {
    for (int i = 0; i < 3; ++i) visit(list, ledger);
    CHECK(counted(ledger) == 6);
    CHECK(list.record_calls == 1);
  }
  SUBCASE("refused, it is followed, and asked for again with the next sweep") {
    list.knows_ids = false;
    SweepProgress progress;
    for (int i = 0; i < 3; ++i) CHECK(visit(list, ledger, {}, &progress).complete);
    CHECK(list.record_calls == 1);
    REQUIRE(ledger.open.size() == 1);
    list.knows_ids = true;
    visit(list, ledger, {.sweep_due = true}, &progress);
    visit(list, ledger, {}, &progress);
    CHECK(counted(ledger) == 6);
  }
  SUBCASE("refused, it is asked for again after a while, also where each visit sweeps") {
    list.knows_ids = false;
    SweepProgress progress;
    for (int i = 0; i < 3; ++i) CHECK(visit(list, ledger, {}, &progress).complete);
    list.knows_ids = true;
    visit(list, ledger, {}, &progress);
    REQUIRE(counted(ledger) == 5);
    visit(list, ledger, {.retry_ids = true}, &progress);
    CHECK(counted(ledger) == 6);
  }
  CHECK(imbalance(ledger) == 0);
}

TEST_CASE("list reader: what slid past a first reading is history also where nothing has a start") {
  FakeList list;
  const auto without_start = [](const std::string& id, std::int64_t start) {
    Record record = done(id, start);
    record.started_at.reset();
    return record;
  };
  for (int i = 0; i < 30; ++i) {
    list.newest_first.push_back(without_start("b" + std::to_string(i), 900'000 - i * 10));
  }
  list.oldest_first = true;
  list.between_calls = [&](FakeList& all) {
    if (all.calls != 1) return;
    all.newest_first.pop_back();
    all.newest_first.insert(all.newest_first.begin(), without_start("new", 1'000'001));
  };
  Ledger ledger;
  ledger.baseline_pending = true;
  visit(list, ledger, {.page_size = 10});
  REQUIRE(ledger.read_whole);
  visit(list, ledger, {.page_size = 10, .sweep_due = true});
  CHECK(counted(ledger) == 0);
  CHECK(ledger.known == 31);
}

TEST_CASE("list reader: a Date that is wrong for once does not make all that comes late") {
  FakeList list = with_builds(20);
  Ledger ledger;
  visit(list, ledger, {.page_size = 10});
  const UnixMillis now = list.now;
  list.now += std::chrono::hours(24 * 365);
  visit(list, ledger, {.page_size = 10, .own_time = now, .sweep_due = true});
  list.now = now;
  add_build(list, "news");
  visit(list, ledger, {.page_size = 10, .own_time = now});
  CHECK(counted(ledger) == 21);
  CHECK(late(ledger) == 0);
}
