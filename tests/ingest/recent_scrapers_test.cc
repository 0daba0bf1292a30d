#include "exporter/ingest/recent_scrapers.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::ingest;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const UnixMillis kNow{Millis{1'795'944'300'000}};
const SteadyTime kSteady = SteadyTime{} + hours(1);

}  // namespace

TEST_CASE("recent scrapers: one is saved when it comes, and again when a minute is over") {
  std::vector<RecentScraper> scrapers;
  CHECK(note_scraper(scrapers, 1, kNow));
  CHECK_FALSE(note_scraper(scrapers, 1, kNow + seconds(59)));
  CHECK(note_scraper(scrapers, 1, kNow + seconds(60)));
  CHECK(note_scraper(scrapers, 2, kNow + seconds(61)));
  CHECK(scrapers == std::vector<RecentScraper>{{1, kNow + seconds(60)}, {2, kNow + seconds(61)}});
}

TEST_CASE("recent scrapers: who is gone makes room, and there are 64 at most") {
  std::vector<RecentScraper> scrapers;
  for (ScraperId id = 0; id < 64; ++id) CHECK(note_scraper(scrapers, id, kNow));
  CHECK_FALSE(note_scraper(scrapers, 64, kNow + minutes(6)));
  CHECK(note_scraper(scrapers, 65, kNow + minutes(6) + seconds(1)));
  CHECK(scrapers.size() == 1);
}

TEST_CASE("recent scrapers: after a start those of the last five minutes are waited for") {
  const std::vector<RecentScraper> scrapers = {
      {1, kNow - seconds(10)}, {2, kNow - minutes(3)}, {3, kNow - minutes(7)}};
  const auto known = waited_for(scrapers, kNow, kSteady);
  REQUIRE(known.size() == 2);
  CHECK(known.at(1) == kSteady);  // It may have come again within the minute.
  CHECK(known.at(2) == kSteady - minutes(2));
}

TEST_CASE("recent scrapers: a clock that was set back makes nobody wait for long") {
  const std::vector<RecentScraper> scrapers = {{1, kNow + minutes(2)}, {2, kNow + hours(1)}};
  const auto known = waited_for(scrapers, kNow, kSteady);
  REQUIRE(known.size() == 1);
  CHECK(known.at(1) == kSteady);
  std::vector<RecentScraper> later = scrapers;
  CHECK(note_scraper(later, 1, kNow));
  CHECK(later.front().at == kNow);
}

TEST_CASE("recent scrapers: an address and a User-Agent make a client") {
  CHECK(scraper_id("10.0.0.1 Prometheus/2.53.0") == scraper_id("10.0.0.1 Prometheus/2.53.0"));
  CHECK(scraper_id("10.0.0.1 Prometheus/2.53.0") != scraper_id("10.0.0.2 Prometheus/2.53.0"));
}
