#include "exporter/ingest/scraper_visibility.h"

#include <algorithm>
#include <utility>

#include "exporter/base/check.h"
#include "exporter/ingest/recent_scrapers.h"

namespace registry_exporter::ingest {
namespace {

constexpr std::chrono::minutes kPause{5};  ///< No answered scrape for this long is a pause.
constexpr std::chrono::minutes kHoldMax{1};
constexpr std::size_t kClientsMax = 1'000;

}  // namespace

ScraperVisibility::ScraperVisibility(bool has_past, const std::map<ScraperId, SteadyTime>& scrapers)
    : frozen_(has_past) {
  for (const auto& [id, at] : scrapers) clients_[id] = {at, 0};
}

bool ScraperVisibility::scrape_begins(SteadyTime now) {
  const bool pause_over = last_answered_ && now - *last_answered_ >= kPause;
  if (!pause_over || frozen_) return false;
  last_answered_.reset();
  frozen_ = true;
  return true;
}

bool ScraperVisibility::answered(ScraperId client, std::uint64_t version, SteadyTime now) {
  std::erase_if(clients_, [&](const auto& each) { return now - each.second.at > kScraperAway; });
  if (clients_.size() < kClientsMax || clients_.contains(client)) {
    Client& known = clients_[client];
    known = {now, std::max(known.seen, version)};
  }
  last_answered_ = now;
  newest_answered_ = std::max(newest_answered_, version);
  for (auto& [held_version, held] : held_) {
    if (held_version <= version && !held.seen_since) held.seen_since = now;
  }
  return std::exchange(frozen_, false);
}

void ScraperVisibility::hold(std::uint64_t version, Hold hold) {
  CHECK_RULE(version > newest_answered_ && hold.series != 0);  // Its zero has not been seen yet.
  held_[version].holds.push_back(hold);
}

void ScraperVisibility::withdraw(std::int64_t repository) {
  for (auto& [version, held] : held_) {
    std::erase_if(held.holds, [&](const Hold& hold) { return hold.repository == repository; });
  }
}

std::uint64_t ScraperVisibility::seen_by_all(SteadyTime now) const {
  std::uint64_t version = newest_answered_;
  for (const auto& [id, client] : clients_) {
    if (now - client.at <= kScraperAway) version = std::min(version, client.seen);
  }
  return version;
}

std::vector<ScraperVisibility::Hold> ScraperVisibility::let_go(SteadyTime now) {
  const std::uint64_t all_have_seen = seen_by_all(now);
  std::vector<Hold> result;
  std::erase_if(held_, [&](const auto& each) {
    const auto& [version, held] = each;
    const bool waited = held.seen_since && now - *held.seen_since >= kHoldMax;
    if (!waited && version > all_have_seen) return false;
    result.insert(result.end(), held.holds.begin(), held.holds.end());
    return true;
  });
  return result;
}

}  // namespace registry_exporter::ingest
