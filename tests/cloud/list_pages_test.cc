#include "exporter/cloud/list_pages.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::cloud;

namespace {

constexpr std::size_t kLimitUnknown = 0;

/// An answer to what the listing asks for next, all of whose rows are new.
void answer(ListPages& pages, std::size_t rows, std::optional<std::uint64_t> total) {
  pages.take({pages.next(), rows, total, std::nullopt}, rows);
}

}  // namespace

TEST_CASE("list pages: that nothing is listed is believed when it is said twice") {
  ListPages pages(10, kLimitUnknown);
  answer(pages, 0, std::nullopt);
  CHECK_FALSE(pages.over());
  CHECK(pages.next().index == 0);
  answer(pages, 0, std::nullopt);
  CHECK(pages.whole());
}

TEST_CASE("list pages: that nothing is listed is believed at once where a total says so, too") {
  ListPages pages(10, kLimitUnknown);
  answer(pages, 0, 0);
  CHECK(pages.whole());
}

TEST_CASE("list pages: an empty page before the total's end is read again before the next one") {
  ListPages pages(10, kLimitUnknown);
  answer(pages, 10, 25);
  answer(pages, 0, std::nullopt);  // Rows alone tell the total.
  CHECK_FALSE(pages.over());
  CHECK(pages.next().index == 1);
  answer(pages, 10, 25);
  CHECK(pages.next().index == 2);
  answer(pages, 5, 25);
  CHECK(pages.whole());
}
