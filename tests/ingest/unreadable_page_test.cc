#include "exporter/ingest/unreadable_page.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace registry_exporter;
using namespace registry_exporter::ingest;

namespace {

struct Search {
  std::set<std::uint64_t> read;
  std::uint64_t first_failed = 0;
  int calls = 0;
  bool over = false;  ///< Nothing more of the list could be read.
};

/// Goes around a page of rows of which `broken` can't be read.
Search search(UnreadablePage page, const std::set<std::uint64_t>& broken,
              std::size_t usual_rows = 0) {
  Search result;
  PageRequest asked = page.begin_search(usual_rows, true);
  for (bool passed = false; !passed;) {
    REQUIRE(++result.calls < 1000);
    const auto bad = broken.lower_bound(first_row(asked));
    if (bad != broken.end() && contains_row(asked, *bad)) {
      const auto next = page.after_failure(asked);
      result.over = !next;
      if (!next) break;
      asked = *next;
      continue;
    }
    for (std::uint64_t row = first_row(asked); row < row_behind(asked); ++row) {
      result.read.insert(row);
    }
    if (page.asks_beyond()) break;
    const bool behind = page.asks_behind();
    asked = behind ? page.go_on_within() : page.after_success(asked);
    passed = !behind && page.is_passed_by(asked);
  }
  result.first_failed = page.first_failed_row();
  return result;
}

UnreadablePage refused(const PageRequest& page) {
  return {page, Error{ErrorKind::bad_request, "no", {}, {}}};
}

}  // namespace

TEST_CASE("unreadable page: each row but the broken ones is read") {
  const std::set<std::uint64_t> broken{17, 23};
  const Search found = search(refused({1, 16}), broken);
  for (std::uint64_t row = 16; row < 32; ++row) {
    CAPTURE(row);
    CHECK(found.read.contains(row) != broken.contains(row));
  }
  CHECK(found.first_failed == 17);
  CHECK_FALSE(found.over);
}

TEST_CASE("unreadable page: where all rows from one on fail, the search ends soon") {
  std::set<std::uint64_t> broken;
  for (std::uint64_t row = 37; row < 1000; ++row) broken.insert(row);
  const Search found = search(refused({2, 16}), broken);
  CHECK(found.over);
  CHECK(found.first_failed == 37);
  CHECK(found.read == std::set<std::uint64_t>{32, 33, 34, 35, 36});
  CHECK(found.calls < 20);
}

TEST_CASE("unreadable page: a page of broken rows is left out, and the next one is read") {
  std::set<std::uint64_t> broken;
  for (std::uint64_t row = 16; row < 32; ++row) broken.insert(row);
  const Search found = search(refused({1, 16}), broken);
  CHECK_FALSE(found.over);
  CHECK(found.first_failed == 16);
  CHECK(found.read.contains(32));
  CHECK(found.read.contains(47));
}

TEST_CASE("unreadable page: parts of a slow page are asked for now and then alone") {
  const Error slow{ErrorKind::timeout, "slow", {}, {}};
  UnreadablePage tried({3, 10}, slow);
  const PageRequest behind = tried.begin_search(0, true);
  CHECK(tried.asks_behind());
  CHECK(first_row(behind) == 40);
  CHECK(behind.size == 1);
  UnreadablePage left_out({3, 10}, slow);
  const PageRequest beyond = left_out.begin_search(0, false);
  CHECK(left_out.asks_beyond());
  CHECK(left_out.has_failed_rows());
  CHECK(beyond.index == 4);
  CHECK(beyond.size == 10);
}

TEST_CASE("unreadable page: a first page is searched as long as those of other lists") {
  const auto size = [](std::size_t usual_rows) {
    UnreadablePage page = refused({0, 100});
    page.begin_search(usual_rows, true);
    return page.page().size;
  };
  CHECK(size(0) == 100);
  CHECK(size(5) == 100);  // Too short to tell a limit of the server.
  CHECK(size(50) == 50);
  CHECK(size(200) == 100);
}

TEST_CASE("unreadable page: three rows of the head are asked for, no more") {
  UnreadablePage page = refused({0, 10});
  CHECK(page.is_probing());
  for (const int row : {0, 2, 10}) {
    CHECK(page.probe().index == row);
    CHECK(page.probe().size == 1);
    CHECK(page.probe_another_row() == (row < 10));
  }
}
