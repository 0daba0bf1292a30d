#include "exporter/ingest/showing.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using std::chrono::seconds;

namespace {

SteadyTime at_second(int second) { return SteadyTime{} + seconds(1'000 + second); }

}  // namespace

TEST_CASE("showing: a zero is let go once every scraper of the last minutes has seen it") {
  Showing showing(false);
  showing.answered("a", 1, at_second(0));
  showing.answered("b", 1, at_second(0));
  showing.hold(2, {7, 1}, at_second(1));
  CHECK(showing.release(at_second(1)).empty());
  showing.answered("a", 2, at_second(2));
  CHECK(showing.release(at_second(3)).empty());
  showing.answered("b", 3, at_second(4));
  REQUIRE(showing.release(at_second(4)).size() == 1);
  CHECK(showing.release(at_second(5)).empty());
}

TEST_CASE("showing: a scraper that stays away holds a zero back for a minute at most") {
  Showing showing(false);
  showing.answered("slow", 1, at_second(0));
  showing.hold(2, {7, 1}, at_second(0));
  showing.answered("quick", 2, at_second(1));
  CHECK(showing.release(at_second(59)).empty());
  CHECK(showing.release(at_second(61)).size() == 1);
}

TEST_CASE("showing: a zero that nobody has seen is held however long") {
  Showing showing(false);
  showing.answered("a", 1, at_second(0));
  showing.hold(2, {7, 1}, at_second(0));
  CHECK(showing.release(at_second(10'000)).empty());
}

TEST_CASE("showing: after five minutes without an answer the old values come first, once") {
  Showing showing(false);
  CHECK_FALSE(showing.scrape_begins(at_second(0)));
  showing.answered("a", 1, at_second(0));
  CHECK_FALSE(showing.scrape_begins(at_second(299)));
  CHECK(showing.scrape_begins(at_second(300)));
  CHECK(showing.frozen());
  CHECK_FALSE(showing.scrape_begins(at_second(301)));
  CHECK(showing.answered("a", 2, at_second(302)));
  CHECK_FALSE(showing.frozen());
  CHECK_FALSE(showing.answered("a", 3, at_second(303)));
}

TEST_CASE("showing: after a start with a past the first answer shows old values") {
  Showing showing(true);
  CHECK(showing.frozen());
  CHECK(showing.answered("a", 1, at_second(0)));
  CHECK_FALSE(showing.frozen());
}
