#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "exporter/model/registry_state.h"

/// Who scraped a registry of late, as far as it outlives the process. Pure.
namespace registry_exporter::ingest {

/// A client that was last here longer ago isn't waited for.
inline constexpr std::chrono::minutes kScraperAway{5};

/// `client`: its address and User-Agent.
ScraperId scraper_id(std::string_view client);

/// A scrape of `id` begins. True: `scrapers` changed and is to be saved before the answer. Times
/// are kept to the minute, so that this is rare.
bool note_scraper(std::vector<RecentScraper>& scrapers, ScraperId id, UnixMillis now);

/// Those of `scrapers` that are still waited for, and when they were last here at the latest.
std::map<ScraperId, SteadyTime> waited_for(const std::vector<RecentScraper>& scrapers,
                                           UnixMillis wall, SteadyTime now);

}  // namespace registry_exporter::ingest
