#include "exporter/ingest/scraper_visibility.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::ingest;
using std::chrono::seconds;

namespace {

SteadyTime at_second(int second) { return SteadyTime{} + seconds(1'000 + second); }

constexpr ScraperId kA = 1;
constexpr ScraperId kB = 2;

ScraperVisibility fresh() { return ScraperVisibility(false, {}); }
/// Of a process that follows another one, which both scraped then.
ScraperVisibility restarted() {
  return ScraperVisibility(true, {{kA, at_second(-10)}, {kB, at_second(-50)}});
}

std::size_t released(ScraperVisibility& visibility, int second) {
  return visibility.let_go(at_second(second)).size();
}

}  // namespace

TEST_CASE("visibility: a zero is let go once every scraper of the last minutes has seen it") {
  ScraperVisibility visibility = fresh();
  visibility.answered(kA, 1, at_second(0));
  visibility.answered(kB, 1, at_second(0));
  visibility.hold(2, {7, 1});
  CHECK(released(visibility, 1) == 0);
  visibility.answered(kA, 2, at_second(2));
  CHECK(released(visibility, 3) == 0);
  visibility.answered(kB, 3, at_second(4));
  CHECK(released(visibility, 4) == 1);
  CHECK(released(visibility, 5) == 0);
}

TEST_CASE("visibility: answers without a series let no zero of it go") {
  ScraperVisibility visibility = fresh();
  visibility.answered(kA, 1, at_second(0));
  visibility.answered(kB, 1, at_second(0));
  visibility.hold(2, {7, 1});
  visibility.hold(2, {8, 1});
  visibility.answered(kA, 2, at_second(1));
  visibility.withdraw(7);
  visibility.answered(kB, 3, at_second(2));
  CHECK(released(visibility, 2) == 1);
  visibility.hold(4, {7, 1});
  CHECK(released(visibility, 90) == 0);
  visibility.answered(kA, 4, at_second(91));
  visibility.answered(kB, 4, at_second(91));
  CHECK(released(visibility, 91) == 1);
}

TEST_CASE("visibility: a scraper that stays away holds a zero back for a minute at most") {
  ScraperVisibility visibility = fresh();
  visibility.answered(kA, 1, at_second(0));
  visibility.hold(2, {7, 1});
  visibility.answered(kB, 2, at_second(1));
  CHECK(released(visibility, 59) == 0);
  CHECK(released(visibility, 61) == 1);
}

TEST_CASE("visibility: a scraper that was last here more than five minutes ago is not waited for") {
  ScraperVisibility visibility = fresh();
  visibility.answered(kB, 1, at_second(0));
  visibility.hold(2, {7, 1});
  visibility.answered(kA, 2, at_second(301));
  CHECK(released(visibility, 301) == 1);
}

TEST_CASE("visibility: a zero that nobody has seen is held however long") {
  ScraperVisibility visibility = fresh();
  visibility.answered(kA, 1, at_second(0));
  visibility.hold(2, {7, 1});
  CHECK(released(visibility, 10'000) == 0);
}

TEST_CASE("visibility: after a start a zero waits for those who scraped the process before") {
  ScraperVisibility visibility = restarted();
  visibility.hold(1, {7, 1});
  visibility.answered(kA, 1, at_second(2));
  CHECK(released(visibility, 2) == 0);
  visibility.answered(kA, 1, at_second(17));
  CHECK(released(visibility, 17) == 0);
  visibility.answered(kB, 1, at_second(20));
  CHECK(released(visibility, 20) == 1);
}

TEST_CASE("visibility: who does not come back after a start is waited for a minute at most") {
  ScraperVisibility visibility = restarted();
  visibility.hold(1, {7, 1});
  visibility.answered(kA, 1, at_second(2));
  CHECK(released(visibility, 61) == 0);
  CHECK(released(visibility, 62) == 1);
  visibility.answered(kA, 2, at_second(251));
  visibility.hold(3, {7, 2});
  visibility.answered(kA, 3, at_second(252));  // Five minutes after b was last here.
  CHECK(released(visibility, 252) == 1);
}

TEST_CASE("visibility: after five minutes without an answer the old values come first, once") {
  ScraperVisibility visibility = fresh();
  CHECK_FALSE(visibility.scrape_begins(at_second(0)));
  visibility.answered(kA, 1, at_second(0));
  CHECK_FALSE(visibility.scrape_begins(at_second(299)));
  CHECK(visibility.scrape_begins(at_second(300)));
  CHECK(visibility.frozen());
  CHECK_FALSE(visibility.scrape_begins(at_second(301)));
  CHECK(visibility.answered(kA, 2, at_second(302)));
  CHECK_FALSE(visibility.frozen());
  CHECK_FALSE(visibility.answered(kA, 3, at_second(303)));
}

TEST_CASE("visibility: after a start with a past the first answer shows old values") {
  ScraperVisibility visibility = restarted();
  CHECK(visibility.frozen());
  CHECK(visibility.answered(kA, 1, at_second(0)));
  CHECK_FALSE(visibility.frozen());
}
