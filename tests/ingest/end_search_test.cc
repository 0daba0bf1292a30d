#include "exporter/ingest/end_search.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::ingest;

namespace {

using Total = std::optional<std::uint64_t>;

PageSeen page(int index, int size, std::size_t rows, Total total = {}) {
  return {{index, size}, rows, total, {}};
}

bool is(const PageRequest& request, int index, int size) {
  return request.index == index && request.size == size;
}

}  // namespace

TEST_CASE("end search: a later short page is the end, unless that has to be proved") {
  EndSearch trusting;
  CHECK(trusting.is_end(page(2, 10, 4), 4, {}));
  EndSearch careful;
  CHECK_FALSE(careful.is_end(page(2, 10, 4), 4, {.proves_later_end = true}));
  CHECK(careful.asks_behind());
  CHECK(is(careful.next(page(2, 10, 4)), 24, 1));
  CHECK(careful.is_end(page(24, 1, 0), 0, {.proves_later_end = true}));
}

TEST_CASE("end search: a row behind a short page means smaller pages, from rows that were read") {
  EndSearch search;
  const EndSearch::Rules rules{.proves_later_end = true};
  CHECK_FALSE(search.is_end(page(2, 10, 5), 5, rules));
  CHECK(is(search.next(page(2, 10, 5)), 25, 1));
  CHECK_FALSE(search.is_end(page(25, 1, 1), 1, rules));
  CHECK(is(search.next(page(25, 1, 1)), 4, 5));
  CHECK_FALSE(search.asks_behind());
}

TEST_CASE("end search: nothing is asked for behind a page while rows of it can't be read") {
  EndSearch search;
  const EndSearch::Rules rules{.proves_later_end = true, .may_ask_behind = false};
  CHECK(search.is_end(page(2, 10, 4), 4, rules));
  CHECK_FALSE(search.asks_behind());
}

TEST_CASE("end search: a first page that was cut short sets the size of the others") {
  EndSearch search;
  CHECK_FALSE(search.is_end(page(0, 100, 25), 25, {}));
  CHECK(is(search.next(page(0, 100, 25)), 1, 25));
  CHECK(search.is_one_short_page());
  search.set_last_page(1);
  CHECK_FALSE(search.is_one_short_page());
}

TEST_CASE("end search: a second page that repeats a short first one shows all at once") {
  EndSearch search;
  CHECK_FALSE(search.is_end(page(0, 100, 25, 25), 25, {}));
  search.next(page(0, 100, 25, 25));
  CHECK(search.is_end(page(1, 25, 25, 25), 0, {}));
}

TEST_CASE("end search: a page without rows is asked for once more where the total promises some") {
  EndSearch search;
  CHECK_FALSE(search.is_end(page(1, 10, 0, 50), 0, {}));
  CHECK(is(search.next(page(1, 10, 0, 50)), 1, 10));
  CHECK_FALSE(search.is_end(page(1, 10, 0, 50), 0, {}));
  CHECK(is(search.next(page(1, 10, 0, 50)), 2, 10));
  CHECK(search.is_end(page(2, 10, 0, 50), 0, {}));
}
