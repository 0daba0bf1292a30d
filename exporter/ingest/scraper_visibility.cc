#include "exporter/ingest/scraper_visibility.h"

#include <algorithm>
#include <iterator>

#include "exporter/base/check.h"

namespace registry_exporter::ingest {
namespace {

constexpr std::chrono::minutes kPause{5};  ///< No answered scrape for this long is a pause.
constexpr std::chrono::minutes kClientAway{
    5};  ///< A client that stays away longer isn't waited for.
constexpr std::chrono::minutes kHoldMax{1};
constexpr std::size_t kClientsMax = 1'000;

}  // namespace

ScraperVisibility::ScraperVisibility(Past past, SteadyTime now) : frozen_(past.shown) {
  if (past.scraped) strangers_until_ = now + kClientAway;
}

bool ScraperVisibility::scrape_begins(const std::string& client, SteadyTime now) {
  // Perhaps a stranger: its answer is waited for like that of a client that was here before.
  if (strangers_may_come(now) && clients_.size() < kClientsMax) clients_.try_emplace(client, now);
  const bool pause_over = last_answered_ && now - *last_answered_ >= kPause;
  if (!pause_over || frozen_) return false;
  last_answered_.reset();
  frozen_ = true;
  return true;
}

bool ScraperVisibility::answered(const std::string& client, std::uint64_t version, SteadyTime now) {
  std::erase_if(clients_, [&](const auto& each) { return now - each.second.at > kClientAway; });
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

std::uint64_t ScraperVisibility::seen_by_all(SteadyTime now) const {
  std::uint64_t version = newest_answered_;
  for (const auto& [name, client] : clients_) {
    if (now - client.at <= kClientAway) version = std::min(version, client.seen);
  }
  return version;
}

bool ScraperVisibility::has_seen(const std::optional<std::string>& client,
                                 std::uint64_t version) const {
  const auto known = client ? clients_.find(*client) : clients_.end();
  return known != clients_.end() && known->second.seen >= version;
}

ScraperVisibility::LetGo ScraperVisibility::let_go(SteadyTime now,
                                                   const std::optional<std::string>& beginning) {
  const std::uint64_t all_have_seen = seen_by_all(now);
  const bool strangers = strangers_may_come(now);
  LetGo result;
  for (auto each = held_.begin(); each != held_.end();) {
    auto& [version, held] = *each;
    const bool waited = held.seen_since && now - *held.seen_since >= kHoldMax;
    const bool seen = waited || version <= all_have_seen;
    if (seen && !std::exchange(held.told_seen, true)) {
      result.seen.insert(result.seen.end(), held.holds.begin(), held.holds.end());
    }
    if (!seen || (strangers && !waited && !has_seen(beginning, version))) {
      ++each;
      continue;
    }
    result.released.insert(result.released.end(), held.holds.begin(), held.holds.end());
    each = held_.erase(each);
  }
  return result;
}

}  // namespace registry_exporter::ingest
