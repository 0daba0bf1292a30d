#include "exporter/ingest/recent_scrapers.h"

#include <algorithm>

#include "exporter/base/hash.h"

namespace registry_exporter::ingest {
namespace {

/// A saved time may be so much too early.
constexpr std::chrono::minutes kPrecision{1};
constexpr std::size_t kScrapersMax = 64;

bool is_gone(const RecentScraper& scraper, UnixMillis now) {
  // A clock that was set back makes times of the future: they say nothing.
  return now - scraper.at > kScraperAway + kPrecision || scraper.at > now + kScraperAway;
}

}  // namespace

ScraperId scraper_id(std::string_view client) { return mix(fnv1a(client)); }

bool note_scraper(std::vector<RecentScraper>& scrapers, ScraperId id, UnixMillis now) {
  const auto known = std::find_if(scrapers.begin(), scrapers.end(),
                                  [&](const RecentScraper& each) { return each.id == id; });
  if (known != scrapers.end()) {
    if (known->at <= now && now - known->at < kPrecision) return false;
    known->at = now;
    return true;
  }
  std::erase_if(scrapers, [&](const RecentScraper& each) { return is_gone(each, now); });
  if (scrapers.size() >= kScrapersMax) return false;
  scrapers.push_back({id, now});
  return true;
}

std::map<ScraperId, SteadyTime> waited_for(const std::vector<RecentScraper>& scrapers,
                                           UnixMillis wall, SteadyTime now) {
  std::map<ScraperId, SteadyTime> known;
  for (const RecentScraper& scraper : scrapers) {
    if (is_gone(scraper, wall)) continue;
    known[scraper.id] = now - std::max(wall - scraper.at - kPrecision, Millis{0});
  }
  return known;
}

}  // namespace registry_exporter::ingest
