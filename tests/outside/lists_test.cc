// Lists as others saw them: how long pages really are, what totals say, what can't be read.
#include <doctest/doctest.h>

#include <utility>

#include "tests/ingest/fake_list.h"

using namespace registry_exporter;

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
    {"deep pages are refused: offsets over 500, page numbers over 100",
     "reports about other services of both clouds; not seen for CR or SWR"},
};

FakeList with_records(int count) {
  FakeList list;
  for (int i = count - 1; i >= 0; --i) {
    list.newest_first.push_back(done("b" + std::to_string(i), 900'000 + i * 10));
  }
  return list;
}

void add_record(FakeList& list, const std::string& id) {
  const auto newest = list.newest_first.front().started_at->time_since_epoch().count() / 1000;
  list.newest_first.insert(list.newest_first.begin(), done(id, newest + 10));
}

std::function<std::optional<Error>(std::size_t)> refuse_from(std::size_t depth, ErrorKind kind) {
  return [=](std::size_t row) -> std::optional<Error> {
    if (row < depth) return std::nullopt;
    return Error{kind, "too deep", {}, {}};
  };
}

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
            SweepProgress progress;
            const ReadingOptions options{.page_size = 100, .pages_per_visit = 10'000};
            CHECK(visit(list, ledger, options, &progress).complete);
            CHECK(ledger.known == static_cast<std::uint64_t>(rows));
            CHECK(counted(ledger) == 0);
            // News counts, by a reading of the head or at the latest by a sweep.
            if (rows == 0) continue;
            for (int i = 0; i < 30; ++i) add_record(list, "n" + std::to_string(i));
            visit(list, ledger, options, &progress);
            CHECK(counted(ledger) == 30);
            CHECK(imbalance(ledger) == 0);
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
          SweepProgress progress;
          for (int i = 0; i < 12; ++i) {
            visit(list, ledger, {.page_size = 100, .pages_per_visit = 1000, .sweep_due = true},
                  &progress);
          }
          for (const Record& record : list.newest_first) CHECK(is_known(ledger, record.key));
          CHECK(late(ledger) == 0);
          CHECK(imbalance(ledger) == 0);
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
        SweepProgress progress;
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
      SweepProgress progress;
      const ReadingOptions options{.page_size = 100, .pages_per_visit = 1000};
      visit(list, ledger, options, &progress);
      ReadingOptions sweep = options;
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

TEST_CASE("lists: a depth that can't be read keeps nothing above it from being counted") {
  for (const ErrorKind kind : {ErrorKind::bad_request, ErrorKind::forbidden, ErrorKind::timeout,
                               ErrorKind::server_error, ErrorKind::malformed}) {
    for (const int page_size : {100, 30, 97, 10}) {
      for (const bool baseline : {true, false}) {
        CAPTURE(static_cast<int>(kind));
        CAPTURE(page_size);
        CAPTURE(baseline);
        FakeList list = with_records(900);
        list.now = at(909'000);
        list.refuses = refuse_from(500, kind);
        Ledger ledger;
        ledger.baseline_pending = baseline;
        SweepProgress progress;
        const ReadingOptions options{.page_size = page_size, .try_unreadable = false};
        int visits = 0;
        for (; !ledger.read_whole && visits < 12; ++visits) visit(list, ledger, options, &progress);
        CHECK(visits <= 900 / page_size / 16 + 3);
        REQUIRE(ledger.read_whole);
        const bool quick = kind != ErrorKind::timeout;
        const std::uint64_t least =
            quick && page_size != 97 ? 500 : 500 - static_cast<std::uint64_t>(page_size);
        CHECK(ledger.known >= least);
        CHECK(ledger.known <= 500);
        CHECK(ledger.unread_from == ledger.known);
        const std::uint64_t before = counted(ledger);
        CHECK(before == (baseline ? 0 : ledger.known));

        for (int i = 0; i < 20; ++i) {
          add_record(list, "n" + std::to_string(i));
          list.calls = 0;
          const FakeVisit result = visit(list, ledger, options, &progress);
          CHECK(result.complete);
          CHECK_FALSE(result.error);
          CHECK(list.calls == 1);
        }
        CHECK(counted(ledger) == before + 20);

        // Now and then it is tried again; once it can be read, all of it is.
        const FakeVisit sweep =
            visit(list, ledger, {.page_size = page_size, .sweep_due = true}, &progress);
        CHECK(counted(ledger) == before + 20);
        (void)sweep;
        list.refuses = nullptr;
        for (int i = 0; i < 8; ++i) {
          visit(list, ledger, {.page_size = page_size, .sweep_due = true}, &progress);
        }
        CHECK_FALSE(ledger.unread_from);
        CHECK(ledger.known == 920);
        // History that was out of reach is no news.
        CHECK(counted(ledger) == (baseline ? 20 : 920));
        CHECK(late(ledger) == 0);
        CHECK(imbalance(ledger) == 0);
      }
    }
  }
}

TEST_CASE("lists: a failure that passes leaves nothing out") {
  FakeList list = with_records(450);
  bool failed = false;
  list.refuses = [&](std::size_t row) -> std::optional<Error> {
    if (row < 200 || std::exchange(failed, true)) return std::nullopt;
    return Error{ErrorKind::server_error, "for a moment", {}, {}};
  };
  Ledger ledger;
  SweepProgress progress;
  CHECK(visit(list, ledger, {.page_size = 100}, &progress).error);
  CHECK_FALSE(ledger.unread_from);
  const FakeVisit again = visit(list, ledger, {.page_size = 100}, &progress);
  CHECK(again.complete);
  CHECK(again.sweep_ok == true);
  CHECK(ledger.known == 450);
}

TEST_CASE("lists: one row that breaks its page hides no other") {
  for (const ErrorKind kind : {ErrorKind::bad_request, ErrorKind::malformed}) {
    for (const std::size_t row : {0U, 3U, 10U, 55U, 99U, 100U, 137U, 249U}) {
      CAPTURE(static_cast<int>(kind));
      CAPTURE(row);
      FakeList list = with_records(250);
      const std::string broken = list.newest_first[row].id;
      list.refuses = [&](std::size_t at) -> std::optional<Error> {
        if (at >= list.newest_first.size() || list.newest_first[at].id != broken) return {};
        return Error{kind, "broken", {}, {}};
      };
      Ledger ledger;
      SweepProgress progress;
      ReadingOptions options{.page_size = 100, .head_page_size = 10, .first_page_fails = true};
      for (int i = 0; i < 3; ++i) visit(list, ledger, options, &progress);
      CHECK(ledger.read_whole);
      CHECK(ledger.known == 249);
      options.first_page_fails = false;  // Known by now.
      for (int i = 0; i < 30; ++i) {
        add_record(list, "n" + std::to_string(i));
        visit(list, ledger, options, &progress);
      }
      CHECK(ledger.known == 249 + 30);
      CHECK(imbalance(ledger) == 0);
    }
  }
}

TEST_CASE("lists: a refusal of everything is no depth") {
  FakeList list = with_records(300);
  Ledger ledger;
  ledger.baseline_pending = true;
  SweepProgress progress;
  visit(list, ledger, {.page_size = 100}, &progress, 2);
  list.refuses = refuse_from(0, ErrorKind::forbidden);
  for (int i = 0; i < 5; ++i) {
    const FakeVisit result = visit(list, ledger, {.page_size = 100}, &progress);
    CHECK_FALSE(result.complete);
    REQUIRE(result.error);
    CHECK(result.error->kind == ErrorKind::forbidden);
    CHECK_FALSE(ledger.read_whole);
  }
  list.refuses = nullptr;
  visit(list, ledger, {.page_size = 100}, &progress);
  CHECK(ledger.read_whole);
  CHECK(ledger.known == 300);
  CHECK(counted(ledger) == 0);
}

TEST_CASE("lists: an oldest-first list with an unreadable depth is read down to it each time") {
  FakeList list = with_records(450);
  list.oldest_first = true;
  list.refuses = refuse_from(500, ErrorKind::bad_request);
  Ledger ledger;
  SweepProgress progress;
  visit(list, ledger, {.page_size = 100}, &progress);
  for (int i = 0; i < 100; ++i) add_record(list, "n" + std::to_string(i));
  for (int i = 0; i < 3; ++i) {
    visit(list, ledger, {.page_size = 100, .try_unreadable = false}, &progress);
  }
  CHECK(counted(ledger) == 500);
  CHECK(ledger.unread_from == 500);
  list.newest_first.resize(499);  // The oldest leave: all that is left can be read.
  for (int i = 0; i < 3; ++i) {
    visit(list, ledger, {.page_size = 100, .sweep_due = true}, &progress);
  }
  CHECK(counted(ledger) == 550);
  CHECK_FALSE(ledger.unread_from);
}

TEST_CASE("lists: one id that can't be read is followed in the list, the others by their ids") {
  for (const ErrorKind kind : {ErrorKind::forbidden, ErrorKind::bad_request,
                               ErrorKind::server_error, ErrorKind::timeout, ErrorKind::malformed}) {
    CAPTURE(name(kind));
    FakeList list = with_records(60);
    const auto open_at = [&](std::size_t row) {
      const Record& record = list.newest_first[row];
      list.newest_first[row] =
          runs(record.id, record.started_at->time_since_epoch().count() / 1000);
      return list.newest_first[row].id;
    };
    const std::string refused = open_at(24);
    const std::string asked = open_at(30);
    list.refuses_id = refused;
    list.refuses_with = kind;
    Ledger ledger;
    SweepProgress progress;
    visit(list, ledger, {.page_size = 10}, &progress);
    CHECK(ledger.open.size() == 2);
    visit(list, ledger, {.page_size = 10}, &progress);
    if (!is_lasting(kind)) visit(list, ledger, {.page_size = 10}, &progress);  // It may pass.
    list.newest_first[24] = done(refused, 900'350);
    list.newest_first[30] = done(asked, 900'290);
    visit(list, ledger, {.page_size = 10}, &progress);
    CHECK(ledger.open.empty());
    CHECK(counted(ledger) == 60);
  }
}
