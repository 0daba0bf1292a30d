// Lists as others saw them: how long pages really are, and what totals say.
#include "tests/outside/lists.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::ingest;

namespace {

struct Fact {
  const char* fact;
  const char* source;
};

// What the cases below rest on.
constexpr Fact kFacts[] = {
    {"a server may give fewer rows than were asked for, and say nothing of it",
     "support.huaweicloud.com/api-swr2/swr_03_1307.html: default 10, at most 100"},
    {"an offset is 0 or a multiple of the limit",
     "support.huaweicloud.com/api-swr/swr_02_0057.html"},
    {"totals are text, null or missing, and not always right",
     "help.aliyun.com ListRepoBuildRecord: TotalCount is a string, PageNo and PageSize are "
     "numbers"},
    {"a loop over pages that ends at a short page loses what is behind it",
     "github.com/airbytehq/airbyte-python-cdk/issues/1073"},
};

}  // namespace

TEST_CASE("lists: whatever the server's page limit and its totals, every record is met") {
  CAPTURE(kFacts[0].fact);
  for (const bool by_offset : {true, false}) {
    for (const bool oldest_first : {true, false}) {
      for (const int limit : {7, 10, 20, 25, 50, 100, 1000}) {
        for (const int rows : {0, 1, 7, 20, 25, 50, 75, 100, 101, 155}) {
          for (const Totals totals : kAllTotals) {
            CAPTURE(by_offset);
            CAPTURE(oldest_first);
            CAPTURE(limit);
            CAPTURE(rows);
            CAPTURE(static_cast<int>(totals));
            FakeList list = with_records(rows);
            list.by_offset = by_offset;
            list.oldest_first = oldest_first;
            list.page_size_max = limit;
            list.totals = totals;
            Ledger ledger;
            ledger.baseline_pending = true;
            ingest::SweepProgress progress;
            const ingest::ListReaderOptions options{.page_size = 100, .pages_per_visit = 10'000};
            CHECK(visit(list, ledger, options, &progress).complete);
            CHECK(ledger.known == static_cast<std::uint64_t>(rows));
            CHECK(counted(ledger) == 0);
            // News counts, by a reading of the head or at the latest by a sweep.
            if (rows == 0) continue;
            for (int i = 0; i < 30; ++i) add_record(list, "n" + std::to_string(i));
            visit(list, ledger, options, &progress);
            CHECK(counted(ledger) == 30);
            CHECK(ingest::imbalance(ledger) == 0);
          }
        }
      }
    }
  }
}

TEST_CASE("lists: pages cut short lose nothing while records come and go between the calls") {
  for (const bool by_offset : {true, false}) {
    for (const bool removes : {true, false}) {
      for (const int limit : {10, 25, 50}) {
        for (const Totals totals : kAllTotals) {
          CAPTURE(by_offset);
          CAPTURE(removes);
          CAPTURE(limit);
          CAPTURE(static_cast<int>(totals));
          FakeList list = with_records(160);
          list.by_offset = by_offset;
          list.page_size_max = limit;
          list.totals = totals;
          int moves = 0;
          list.between_calls = [&](FakeList& self) {
            if (++moves > 40) return;
            if (removes && moves % 3 == 0) self.newest_first.erase(self.newest_first.begin() + 5);
            add_record(self, "n" + std::to_string(moves));
          };
          Ledger ledger;
          ingest::SweepProgress progress;
          for (int i = 0; i < 12; ++i) {
            visit(list, ledger, {.page_size = 100, .pages_per_visit = 1000, .sweep_due = true},
                  &progress);
          }
          for (const Record& record : list.newest_first)
            CHECK(ingest::is_known(ledger, record.key));
          CHECK(late(ledger) == 0);
          CHECK(ingest::imbalance(ledger) == 0);
        }
      }
    }
  }
}

TEST_CASE("lists: what the end of a list costs") {
  struct Row {
    const char* name;
    int rows;
    int limit;
    Totals totals;
    std::size_t short_below;
    int calls;
  };
  const Row rows[] = {
      {"short and not known to be: once more", 37, 1000, Totals::right, 0, 2},
      {"the same without a total", 37, 1000, Totals::missing, 0, 2},
      {"whatever other lists have shown", 37, 1000, Totals::missing, 38, 2},
      {"nothing listed", 0, 1000, Totals::missing, 0, 1},
      {"full pages, then a short one", 250, 1000, Totals::missing, 0, 4},
      {"full pages to the end", 200, 1000, Totals::right, 0, 3},
      {"a limit of the server's", 60, 25, Totals::missing, 25, 4},
      {"the same, and a total that ends on a full page", 60, 25, Totals::page_rows, 0, 4},
  };
  for (const bool by_offset : {true, false}) {
    for (const Row& row : rows) {
      CAPTURE(row.name);
      FakeList list = with_records(row.rows);
      list.by_offset = by_offset;
      list.page_size_max = row.limit;
      list.totals = row.totals;
      Ledger ledger;
      CHECK(visit(list, ledger, {.page_size = 100, .short_below = row.short_below}).complete);
      CHECK(counted(ledger) == static_cast<std::uint64_t>(row.rows));
      CHECK(list.calls == row.calls);
      if (row.rows == 0) continue;
      add_record(list, "news");
      list.calls = 0;
      visit(list, ledger, {.page_size = 100, .head_page_size = 10});
      CHECK(list.calls == 1);  // An anchor ends it: no extra call.
    }
  }
}

TEST_CASE("lists: totals that change with each answer make no reading longer") {
  FakeList list = with_records(155);
  list.page_size_max = 25;
  list.totals = Totals::wild;
  Ledger ledger;
  CHECK(visit(list, ledger, {.page_size = 100, .pages_per_visit = 1000}).complete);
  CHECK(list.calls <= 9);
}

TEST_CASE("lists: totals that go up and down by more than a page are not waited for") {
  FakeList list = with_records(155);
  list.total_lie = 1000;
  list.between_calls = [](FakeList& self) { self.total_lie = self.calls % 2 == 0 ? 1000 : 400; };
  Ledger ledger;
  CHECK(visit(list, ledger, {.page_size = 100}).complete);
  CHECK(ledger.known == 155);
  CHECK(list.calls == 3);  // Two pages, and one without rows.
}

TEST_CASE("lists: a list as long as the server's limit hides no news") {
  for (const bool by_offset : {true, false}) {
    for (const bool oldest_first : {true, false}) {
      for (const int news : {1, 5, 25}) {
        CAPTURE(by_offset);
        CAPTURE(oldest_first);
        CAPTURE(news);
        FakeList list = with_records(20);
        list.by_offset = by_offset;
        list.oldest_first = oldest_first;
        list.page_size_max = 20;
        list.totals = Totals::missing;
        Ledger ledger;
        ingest::SweepProgress progress;
        visit(list, ledger, {.page_size = 100}, &progress);
        for (int i = 0; i < news; ++i) add_record(list, "n" + std::to_string(i));
        const FakeVisit result =
            visit(list, ledger, {.page_size = 100, .short_below = 20}, &progress);
        CHECK(counted(ledger) == 20 + static_cast<std::uint64_t>(news));
        CHECK(result.effects.history_gaps == 0);
      }
    }
  }
}

TEST_CASE("lists: a limit that falls while a list is read makes no history into news") {
  for (const bool by_offset : {true, false}) {
    for (const int after : {1, 2, 3, 4}) {
      CAPTURE(by_offset);
      CAPTURE(after);
      FakeList list = with_records(360);
      list.by_offset = by_offset;
      list.totals = Totals::missing;
      list.between_calls = [&](FakeList& self) {
        if (self.calls == after) self.page_size_max = 20;
      };
      Ledger ledger;
      ledger.baseline_pending = true;
      ingest::SweepProgress progress;
      const ingest::ListReaderOptions options{.page_size = 100, .pages_per_visit = 1000};
      visit(list, ledger, options, &progress);
      ingest::ListReaderOptions sweep = options;
      sweep.sweep_due = true;
      visit(list, ledger, sweep, &progress);
      CHECK(ledger.known == 360);
      CHECK(counted(ledger) == 0);
    }
  }
}

TEST_CASE("lists: a page that is as long as the size its server says it used is full") {
  FakeList list = with_records(60);
  list.page_size_max = 25;
  list.tells_size = true;
  list.totals = Totals::missing;
  Ledger ledger;
  // Longer pages of other lists prove nothing here.
  visit(list, ledger, {.page_size = 100, .short_below = 50});
  CHECK(counted(ledger) == 60);
}
