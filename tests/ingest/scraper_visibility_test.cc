#include "exporter/ingest/scraper_visibility.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::ingest;
using std::chrono::seconds;

namespace {

SteadyTime at_second(int second) { return SteadyTime{} + seconds(1'000 + second); }

ScraperVisibility fresh() { return ScraperVisibility({}, at_second(0)); }
/// Of a process that follows another one.
ScraperVisibility restarted() {
  return ScraperVisibility({.shown = true, .scraped = true}, at_second(0));
}

std::size_t released(ScraperVisibility& visibility, int second) {
  return visibility.let_go(at_second(second), std::nullopt).released.size();
}

/// When the client's scrape begins.
ScraperVisibility::LetGo begins(ScraperVisibility& visibility, const std::string& client,
                                int second) {
  visibility.scrape_begins(client, at_second(second));
  return visibility.let_go(at_second(second), client);
}

}  // namespace

TEST_CASE("visibility: a zero is let go once every scraper of the last minutes has seen it") {
  ScraperVisibility visibility = fresh();
  visibility.answered("a", 1, at_second(0));
  visibility.answered("b", 1, at_second(0));
  visibility.hold(2, {7, 1});
  CHECK(released(visibility, 1) == 0);
  visibility.answered("a", 2, at_second(2));
  CHECK(released(visibility, 3) == 0);
  visibility.answered("b", 3, at_second(4));
  CHECK(released(visibility, 4) == 1);
  CHECK(released(visibility, 5) == 0);
}

TEST_CASE("visibility: a scraper that stays away holds a zero back for a minute at most") {
  ScraperVisibility visibility = fresh();
  visibility.answered("slow", 1, at_second(0));
  visibility.hold(2, {7, 1});
  visibility.answered("quick", 2, at_second(1));
  CHECK(released(visibility, 59) == 0);
  CHECK(released(visibility, 61) == 1);
}

TEST_CASE("visibility: a scraper that was last here more than five minutes ago is not waited for") {
  ScraperVisibility visibility = fresh();
  visibility.answered("gone", 1, at_second(0));
  visibility.hold(2, {7, 1});
  visibility.answered("a", 2, at_second(301));
  CHECK(released(visibility, 301) == 1);
}

TEST_CASE("visibility: a zero that nobody has seen is held however long") {
  ScraperVisibility visibility = fresh();
  visibility.answered("a", 1, at_second(0));
  visibility.hold(2, {7, 1});
  CHECK(released(visibility, 10'000) == 0);
}

TEST_CASE(
    "visibility: after a start a zero is seen at once, and released when its client comes back") {
  ScraperVisibility visibility = restarted();
  visibility.hold(1, {7, 1});
  CHECK(begins(visibility, "a", 1).seen.empty());
  visibility.answered("a", 1, at_second(2));
  const ScraperVisibility::LetGo let_go = visibility.let_go(at_second(2), std::nullopt);
  CHECK(let_go.seen.size() == 1);
  CHECK(let_go.released.empty());
  CHECK(begins(visibility, "b", 3).released.empty());
  visibility.answered("b", 2, at_second(4));
  CHECK(begins(visibility, "a", 17).released.size() == 1);
  CHECK(begins(visibility, "b", 19).released.empty());
}

TEST_CASE("visibility: after a start an answer that is under way is waited for, a minute at most") {
  ScraperVisibility visibility = restarted();
  visibility.hold(1, {7, 1});
  begins(visibility, "a", 1);
  visibility.answered("a", 1, at_second(2));
  CHECK(released(visibility, 2) == 0);
  CHECK(begins(visibility, "b", 16).released.empty());
  CHECK(begins(visibility, "a", 17).released.empty());
  CHECK(begins(visibility, "a", 61).released.empty());
  CHECK(begins(visibility, "c", 62).released.size() == 1);
}

TEST_CASE("visibility: five minutes after a start all clients are known") {
  ScraperVisibility visibility = restarted();
  visibility.answered("a", 1, at_second(299));
  visibility.hold(2, {7, 1});
  visibility.answered("a", 2, at_second(299));
  CHECK(released(visibility, 299) == 0);
  CHECK(released(visibility, 300) == 1);
}

TEST_CASE("visibility: after five minutes without an answer the old values come first, once") {
  ScraperVisibility visibility = fresh();
  CHECK_FALSE(visibility.scrape_begins("a", at_second(0)));
  visibility.answered("a", 1, at_second(0));
  CHECK_FALSE(visibility.scrape_begins("a", at_second(299)));
  CHECK(visibility.scrape_begins("a", at_second(300)));
  CHECK(visibility.frozen());
  CHECK_FALSE(visibility.scrape_begins("a", at_second(301)));
  CHECK(visibility.answered("a", 2, at_second(302)));
  CHECK_FALSE(visibility.frozen());
  CHECK_FALSE(visibility.answered("a", 3, at_second(303)));
}

TEST_CASE("visibility: after a start with a past the first answer shows old values") {
  ScraperVisibility visibility = restarted();
  CHECK(visibility.frozen());
  CHECK(visibility.answered("a", 1, at_second(0)));
  CHECK_FALSE(visibility.frozen());
}
