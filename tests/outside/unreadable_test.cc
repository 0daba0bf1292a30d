// Lists of which a part can't be read: a depth, a row, an id. Other services of both clouds are
// reported to refuse deep pages (offsets over 500, page numbers over 100); nobody reports it of CR
// or SWR.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <utility>

#include "tests/outside/lists.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;

TEST_CASE("unreadable: a depth that can't be read keeps nothing above it from being counted") {
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
        ingest::SweepProgress progress;
        const ingest::ListReaderOptions options{.page_size = page_size, .try_unreadable = false};
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
        CHECK(ingest::imbalance(ledger) == 0);
      }
    }
  }
}

TEST_CASE("unreadable: history out of reach in a list without an order is no news when it shows") {
  // Beyond the depth is what ended last before the first reading.
  FakeList list = with_records(60);
  std::reverse(list.newest_first.begin(), list.newest_first.end());
  std::shuffle(list.newest_first.begin(), list.newest_first.begin() + 20, std::mt19937_64(5));
  std::shuffle(list.newest_first.begin() + 20, list.newest_first.end(), std::mt19937_64(7));
  list.now = at(901'000);
  list.refuses = refuse_from(20, ErrorKind::bad_request);
  Ledger ledger;
  ledger.baseline_pending = true;
  ingest::SweepProgress progress;
  for (int i = 0; i < 3; ++i) visit(list, ledger, {.page_size = 10}, &progress);
  REQUIRE(ledger.read_whole);
  CHECK(ledger.known == 20);
  list.now = at(902'000);
  list.newest_first[40] = done("news", 901'100);
  list.refuses = nullptr;
  visit(list, ledger, {.page_size = 10, .sweep_due = true}, &progress);
  CHECK(ledger.known == 60);
  CHECK(counted(ledger) == 1);
}

TEST_CASE("unreadable: a long build out of reach that ended before the first reading is no news") {
  FakeList list = with_records(60);
  const std::int64_t newest =
      list.newest_first.front().started_at->time_since_epoch() / std::chrono::seconds(1);
  list.newest_first[40] = done("long", newest - 400, Outcome::success, 405);
  list.newest_first[41] = runs("longer", newest - 410);
  list.now = at(newest + 100);
  list.refuses = refuse_from(20, ErrorKind::bad_request);
  Ledger ledger;
  ledger.baseline_pending = true;
  SweepProgress progress;
  visit(list, ledger, {.page_size = 10}, &progress);
  REQUIRE(ledger.read_whole);
  CHECK(ledger.order == ListOrder::newest_first);
  list.refuses = nullptr;
  list.newest_first[41] = done("longer", newest - 410, Outcome::success, 600);
  visit(list, ledger, {.page_size = 10, .sweep_due = true}, &progress);
  CHECK(ledger.known == 60);
  CHECK(counted(ledger) == 1);
}

TEST_CASE("unreadable: a depth that begins within a small page is found by a few calls") {
  for (const int page_size : {1, 2, 3, 4, 7, 10}) {
    CAPTURE(page_size);
    FakeList list = with_records(200);
    list.refuses = refuse_from(22, ErrorKind::bad_request);
    Ledger ledger;
    ingest::SweepProgress progress;
    visit(list, ledger, {.page_size = page_size, .pages_per_visit = 1000}, &progress);
    CHECK(ledger.read_whole);
    CHECK(ledger.known == 22);
    CHECK(list.failed_calls <= 11);  // Of them, three behind the page.
  }
}

TEST_CASE("unreadable: a depth is not asked for before it is time to try it again") {
  for (const bool oldest_first : {false, true}) {
    CAPTURE(oldest_first);
    FakeList list = with_records(900);
    list.oldest_first = oldest_first;
    list.refuses = refuse_from(500, ErrorKind::bad_request);
    Ledger ledger;
    ingest::SweepProgress progress;
    visit(list, ledger, {.page_size = 100}, &progress);
    REQUIRE(ledger.unread_from == 500);
    list.calls = 0;
    const ingest::ListReaderOptions options{
        .page_size = 100, .sweep_due = true, .try_unreadable = false};
    CHECK(visit(list, ledger, options, &progress).complete);
    CHECK(list.calls == 5);
    CHECK(ledger.unread_from == 500);
  }
}

TEST_CASE("unreadable: a failure that passes leaves nothing out") {
  FakeList list = with_records(450);
  bool failed = false;
  list.refuses = [&](std::size_t row) -> std::optional<Error> {
    if (row < 200 || std::exchange(failed, true)) return std::nullopt;
    return Error{ErrorKind::server_error, "for a moment", {}, {}};
  };
  Ledger ledger;
  ingest::SweepProgress progress;
  CHECK(visit(list, ledger, {.page_size = 100}, &progress).error);
  CHECK_FALSE(ledger.unread_from);
  const FakeVisit again = visit(list, ledger, {.page_size = 100}, &progress);
  CHECK(again.complete);
  CHECK(again.sweep_ok == true);
  CHECK(ledger.known == 450);
}

TEST_CASE("unreadable: one row that breaks its page hides no other") {
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
      ingest::SweepProgress progress;
      ingest::ListReaderOptions options{
          .page_size = 100, .head_page_size = 10, .first_page_fails = true};
      for (int i = 0; i < 3; ++i) visit(list, ledger, options, &progress);
      CHECK(ledger.read_whole);
      CHECK(ledger.known == 249);
      options.first_page_fails = false;  // Known by now.
      for (int i = 0; i < 30; ++i) {
        add_record(list, "n" + std::to_string(i));
        visit(list, ledger, options, &progress);
      }
      CHECK(ledger.known == 249 + 30);
      CHECK(ingest::imbalance(ledger) == 0);
    }
  }
}

TEST_CASE("unreadable: one row that breaks the first page of an oldest-first list hides no other") {
  for (const ErrorKind kind : {ErrorKind::forbidden, ErrorKind::server_error}) {
    CAPTURE(static_cast<int>(kind));
    FakeList list = with_records(10);
    list.oldest_first = true;
    Ledger ledger;
    ingest::SweepProgress progress;
    ingest::ListReaderOptions options{.page_size = 20};
    visit(list, ledger, options, &progress);
    REQUIRE(ledger.order == ListOrder::oldest_first);
    list.refuses = [&](std::size_t row) -> std::optional<Error> {
      if (row != 12) return std::nullopt;
      return Error{kind, "broken", {}, {}};
    };
    for (int i = 0; i < 5; ++i) add_record(list, "n" + std::to_string(i));
    CHECK(visit(list, ledger, options, &progress).error);
    options.first_page_fails = true;
    CHECK(visit(list, ledger, options, &progress).complete);
    CHECK(counted(ledger) == 14);
  }
}

TEST_CASE("unreadable: rows that break the beginning of a first page hide no other") {
  for (const ErrorKind kind : {ErrorKind::bad_request, ErrorKind::server_error}) {
    for (const std::size_t broken : {2U, 3U, 6U, 9U}) {
      CAPTURE(static_cast<int>(kind));
      CAPTURE(broken);
      FakeList list = with_records(250);
      list.oldest_first = true;  // They stay where they are.
      list.refuses = [&](std::size_t row) -> std::optional<Error> {
        if (row >= broken) return std::nullopt;
        return Error{kind, "broken", {}, {}};
      };
      Ledger ledger;
      ingest::SweepProgress progress;
      for (int i = 0; i < 3; ++i) {
        visit(list, ledger, {.page_size = 100, .first_page_fails = true}, &progress);
      }
      CHECK(ledger.known == 250 - broken);
    }
  }
}

TEST_CASE("unreadable: several rows that break one page hide no other") {
  FakeList list = with_records(250);
  list.refuses = [](std::size_t row) -> std::optional<Error> {
    if (row != 138 && (row < 140 || row > 143) && row != 150) return std::nullopt;
    return Error{ErrorKind::forbidden, "broken", {}, {}};
  };
  Ledger ledger;
  ingest::SweepProgress progress;
  CHECK(visit(list, ledger, {.page_size = 100}, &progress).complete);
  CHECK(ledger.known == 250 - 6);
  CHECK(ledger.unread_from == 138);
}

TEST_CASE("unreadable: rows that break pages one behind the other hide no other") {
  for (const ErrorKind kind : {ErrorKind::bad_request, ErrorKind::server_error}) {
    CAPTURE(static_cast<int>(kind));
    FakeList list = with_records(60);
    list.refuses = [kind](std::size_t row) -> std::optional<Error> {
      if (row != 19 && row != 29 && row != 35 && row != 39) return std::nullopt;
      return Error{kind, "broken", {}, {}};
    };
    Ledger ledger;
    ingest::SweepProgress progress;
    for (int i = 0; i < 5; ++i) visit(list, ledger, {.page_size = 10}, &progress);
    CHECK(ledger.known == 60 - 4);
    CHECK(ledger.unread_from == 19);
    list.failed_calls = 0;
    visit(list, ledger, {.page_size = 10, .sweep_due = true, .failed_before = true}, &progress);
    CHECK(list.failed_calls <= 16);
  }
}

TEST_CASE("unreadable: where every third row breaks its page the others are read all the same") {
  for (const ErrorKind kind : {ErrorKind::forbidden, ErrorKind::server_error}) {
    CAPTURE(name(kind));
    FakeList list = with_records(75);
    list.refuses = [kind](std::size_t row) -> std::optional<Error> {
      if (row < 30 || row % 3 != 0) return std::nullopt;
      return Error{kind, "broken", {}, {}};
    };
    Ledger ledger;
    SweepProgress progress;
    for (int i = 0; i < 3; ++i) visit(list, ledger, {.page_size = 12}, &progress);
    CHECK(ledger.known == 75 - 15);
    CHECK(ledger.unread_from == 30);
  }
}

TEST_CASE("unreadable: many rows that break their pages do not take a visit each") {
  FakeList list = with_records(700);
  list.refuses = [](std::size_t row) -> std::optional<Error> {
    if (row % 24 != 23) return std::nullopt;
    return Error{ErrorKind::server_error, "broken", {}, {}};
  };
  Ledger ledger;
  SweepProgress progress;
  for (int i = 0; i < 13; ++i) visit(list, ledger, {.page_size = 10}, &progress);
  CHECK(ledger.known == 700 - 29);
}

TEST_CASE("unreadable: a tail that can't be read does not cast doubt on the list's order") {
  for (const std::size_t first_broken : {23U, 271U}) {
    CAPTURE(first_broken);
    FakeList list = with_records(278);
    list.oldest_first = true;
    list.refuses = [=](std::size_t row) -> std::optional<Error> {
      if (row != first_broken && row != 271) return std::nullopt;
      return Error{ErrorKind::server_error, "broken", {}, {}};
    };
    Ledger ledger;
    SweepProgress progress;
    for (int i = 0; i < 4; ++i) visit(list, ledger, {.page_size = 10}, &progress);
    REQUIRE(ledger.order == ListOrder::oldest_first);
    for (int i = 0; i < 6; ++i) {
      CAPTURE(i);
      add_record(list, "n" + std::to_string(i));
      list.calls = 0;
      const ListReaderOptions options{
          .page_size = 10, .failed_before = i % 3 == 0, .try_unreadable = i % 2 == 0};
      visit(list, ledger, options, &progress);
      CHECK(ledger.order == ListOrder::oldest_first);
      CHECK(ledger.unread_from == first_broken);
      CHECK(list.calls < 25);  // The list was not read from its start again.
    }
    CHECK(ledger.known >= 276 + 5);
  }
}

TEST_CASE("unreadable: rows beside one that never answers are asked for when it is tried again") {
  for (const bool shuffled : {true, false}) {
    for (const std::size_t row : {0U, 3U, 55U, 99U, 137U, 249U}) {
      CAPTURE(shuffled);
      CAPTURE(row);
      FakeList list = with_records(250);
      if (shuffled)
        std::shuffle(list.newest_first.begin(), list.newest_first.end(), std::mt19937_64(5));
      list.refuses = [&](std::size_t at) -> std::optional<Error> {
        if (at != row) return std::nullopt;
        return Error{ErrorKind::timeout, "no answer", {}, {}};
      };
      Ledger ledger;
      ingest::SweepProgress progress;
      ingest::ListReaderOptions options{
          .page_size = 100, .first_page_fails = true, .try_unreadable = false};
      for (int i = 0; i < 2; ++i) visit(list, ledger, options, &progress);
      CHECK(ledger.read_whole);
      options.first_page_fails = false;
      options.sweep_due = options.try_unreadable = true;
      list.failed_calls = 0;
      visit(list, ledger, options, &progress);
      CHECK(ledger.known >= 250 - 5);  // The smallest part of a page that is asked for.
      CHECK(list.failed_calls <= 9);
    }
  }
}

TEST_CASE("unreadable: a row that breaks a first page that is cut short hides no other") {
  for (const bool by_offset : {true, false}) {
    for (const std::size_t rows : {20U, 47U, 50U, 57U, 60U}) {
      for (const std::size_t row : {0U, 5U, 8U}) {
        CAPTURE(by_offset);
        CAPTURE(rows);
        CAPTURE(row);
        FakeList list = with_records(static_cast<int>(rows));
        std::shuffle(list.newest_first.begin(), list.newest_first.end(), std::mt19937_64(5));
        list.by_offset = by_offset;
        list.page_size_max = 9;
        list.totals = Totals::missing;
        list.refuses = [&](std::size_t at) -> std::optional<Error> {
          if (at != row) return std::nullopt;
          return Error{ErrorKind::bad_request, "broken", {}, {}};
        };
        Ledger ledger;
        ingest::SweepProgress progress;
        ingest::ListReaderOptions options{
            .page_size = 12, .pages_per_visit = 1000, .short_below = 9, .first_page_fails = true};
        visit(list, ledger, options, &progress);
        options.first_page_fails = false;
        visit(list, ledger, options, &progress);
        CHECK(ledger.known == rows - 1);
      }
    }
  }
}

TEST_CASE("unreadable: a short page of the head does not prove that all can be read again") {
  FakeList list = with_records(250);
  const std::string broken = list.newest_first[5].id;
  list.refuses = [&](std::size_t at) -> std::optional<Error> {
    if (at >= list.newest_first.size() || list.newest_first[at].id != broken) return {};
    return Error{ErrorKind::bad_request, "broken", {}, {}};
  };
  Ledger ledger;
  ingest::SweepProgress progress;
  ingest::ListReaderOptions options{
      .page_size = 100, .head_page_size = 10, .first_page_fails = true};
  visit(list, ledger, options, &progress);
  REQUIRE(ledger.unread_from == 5);
  for (int i = 0; i < 20; ++i) add_record(list, "n" + std::to_string(i));
  options.first_page_fails = false;
  visit(list, ledger, options, &progress);
  REQUIRE(ledger.read_whole);
  for (int i = 0; i < 5; ++i) add_record(list, "m" + std::to_string(i));
  visit(list, ledger, options, &progress);
  CHECK(ledger.unread_from);
  CHECK(ledger.known == 249 + 25);

  list.refuses = nullptr;
  options.sweep_due = true;
  visit(list, ledger, options, &progress);
  CHECK_FALSE(ledger.unread_from);
  CHECK(ledger.known == 250 + 25);
}

TEST_CASE("unreadable: a sweep whose pages fail does not keep the news at the head waiting") {
  FakeList list = with_records(250);
  Ledger ledger;
  ingest::SweepProgress progress;
  visit(list, ledger, {.page_size = 100}, &progress);
  list.refuses = refuse_from(50, ErrorKind::timeout);  // Short pages can be read.
  add_record(list, "news");
  ingest::ListReaderOptions options{.page_size = 100, .head_page_size = 10, .sweep_due = true};
  CHECK(visit(list, ledger, options, &progress).error);
  options.failed_before = true;
  CHECK(visit(list, ledger, options, &progress).error);
  CHECK(counted(ledger) == 251);
}

TEST_CASE("unreadable: rights that end in the middle of a reading are no depth") {
  for (const ErrorKind kind : {ErrorKind::forbidden, ErrorKind::not_found}) {
    CAPTURE(static_cast<int>(kind));
    FakeList list = with_records(450);
    list.between_calls = [&](FakeList& self) {
      if (self.calls == 2) self.refuses = refuse_from(0, kind);
    };
    Ledger ledger;
    ledger.baseline_pending = true;
    ingest::SweepProgress progress;
    const FakeVisit result = visit(list, ledger, {.page_size = 100}, &progress);
    CHECK_FALSE(result.complete);
    CHECK_FALSE(ledger.unread_from);
    CHECK_FALSE(ledger.read_whole);
    list.refuses = nullptr;
    visit(list, ledger, {.page_size = 100}, &progress);
    CHECK(ledger.known == 450);
    CHECK(counted(ledger) == 0);
  }
}

TEST_CASE("unreadable: a refusal of everything is no depth") {
  FakeList list = with_records(300);
  Ledger ledger;
  ledger.baseline_pending = true;
  ingest::SweepProgress progress;
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

TEST_CASE(
    "unreadable: an oldest-first list with an unreadable depth is read down to it each time") {
  FakeList list = with_records(450);
  list.oldest_first = true;
  list.refuses = refuse_from(500, ErrorKind::bad_request);
  Ledger ledger;
  ingest::SweepProgress progress;
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

TEST_CASE(
    "unreadable: one id that can't be read is followed in the list, the others by their ids") {
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
    ingest::SweepProgress progress;
    visit(list, ledger, {.page_size = 10}, &progress);
    CHECK(ledger.open.size() == 2);
    visit(list, ledger, {.page_size = 10}, &progress);
    if (!traits(kind).lasting) visit(list, ledger, {.page_size = 10}, &progress);  // It may pass.
    list.newest_first[24] = done(refused, 900'350);
    list.newest_first[30] = done(asked, 900'290);
    visit(list, ledger, {.page_size = 10}, &progress);
    CHECK(ledger.open.empty());
    CHECK(counted(ledger) == 60);
  }
}
