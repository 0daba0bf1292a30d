#include "exporter/ingest/list_order.h"

#include <doctest/doctest.h>

#include "tests/ingest/fake_list.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;

TEST_CASE("list order: nine of ten neighbours prove it") {
  CHECK(judge_order(0, 0) == ListOrder::unknown);
  CHECK(judge_order(1, 0) == ListOrder::newest_first);
  CHECK(judge_order(9, 1) == ListOrder::newest_first);
  CHECK(judge_order(8, 1) == ListOrder::unordered);
  CHECK(judge_order(1, 8) == ListOrder::unordered);
  CHECK(judge_order(1, 9) == ListOrder::oldest_first);
  CHECK(is_proven(ListOrder::oldest_first));
  CHECK_FALSE(is_proven(ListOrder::unordered));
}

TEST_CASE("list order: starts on a page are compared with the one before, if it is known") {
  PageStarts page;
  page.add(at(30), std::nullopt);
  page.add(at(20), at(30));
  page.add(at(20), at(20));
  page.add(at(50), at(20));
  CHECK(page.descending == 1);
  CHECK(page.ascending == 1);
  CHECK(page.newest == at(50));
  CHECK(page.oldest == at(20));
}

TEST_CASE("list order: a page contradicts it by its neighbours, or by a head that went back") {
  Ledger ledger;
  ledger.newest_listed = at(100);
  const PageStarts down{.descending = 3, .ascending = 1, .newest = at(100), .oldest = at(80)};
  const PageStarts mixed{.descending = 2, .ascending = 2, .newest = at(100), .oldest = at(80)};
  const PageStarts up{.descending = 1, .ascending = 3, .newest = at(100), .oldest = at(80)};
  const PageStarts old{.descending = 3, .ascending = 1, .newest = at(99), .oldest = at(80)};
  const PageStarts same{.newest = at(100), .oldest = at(100)};
  ledger.order = ListOrder::newest_first;
  CHECK_FALSE(contradicts_order(down, true, ledger));
  CHECK(contradicts_order(mixed, true, ledger));
  CHECK(contradicts_order(up, true, ledger));
  CHECK_FALSE(contradicts_order(same, true, ledger));
  CHECK(contradicts_order(old, true, ledger));
  CHECK_FALSE(contradicts_order(old, false, ledger));
  ledger.order = ListOrder::oldest_first;
  CHECK(contradicts_order(down, true, ledger));
  CHECK(contradicts_order(mixed, true, ledger));
  CHECK_FALSE(contradicts_order(up, true, ledger));
  CHECK_FALSE(contradicts_order(same, true, ledger));
}
