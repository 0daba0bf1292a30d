#include "exporter/ingest/showing.h"

#include <algorithm>
#include <iterator>

namespace registry_exporter {
namespace {

constexpr std::chrono::minutes kPause{5};  ///< No answered scrape for this long is a pause.
constexpr std::chrono::minutes kClientAway{
    5};  ///< A client that stays away longer isn't waited for.
constexpr std::chrono::minutes kHoldMax{1};
constexpr std::size_t kClientsMax = 1'000;

}  // namespace

bool Showing::scrape_begins(SteadyTime now) {
  const bool pause_over = last_answered_ && now - *last_answered_ >= kPause;
  if (!pause_over || frozen_) return false;
  last_answered_.reset();
  frozen_ = true;
  return true;
}

bool Showing::answered(const std::string& client, std::uint64_t version, SteadyTime now) {
  std::erase_if(clients_, [&](const auto& each) { return now - each.second.at > kClientAway; });
  if (clients_.size() < kClientsMax || clients_.contains(client)) {
    Seen& seen = clients_[client];
    seen = {now, std::max(seen.version, version)};
  }
  last_answered_ = now;
  newest_answered_ = std::max(newest_answered_, version);
  return std::exchange(frozen_, false);
}

void Showing::hold(std::uint64_t version, Hold hold, SteadyTime now) {
  Held& held = held_[version];
  if (held.holds.empty()) held.since = now;
  held.holds.push_back(hold);
}

std::vector<Showing::Hold> Showing::release(SteadyTime now) {
  std::uint64_t seen_by_all = newest_answered_;
  for (const auto& [client, seen] : clients_) {
    if (now - seen.at <= kClientAway) seen_by_all = std::min(seen_by_all, seen.version);
  }
  std::vector<Hold> released;
  for (auto each = held_.begin(); each != held_.end();) {
    const auto& [version, held] = *each;
    const bool seen = version <= newest_answered_;
    const bool waited = now - held.since >= kHoldMax;
    if (!seen || (version > seen_by_all && !waited)) {
      ++each;
      continue;
    }
    released.insert(released.end(), held.holds.begin(), held.holds.end());
    each = held_.erase(each);
  }
  return released;
}

}  // namespace registry_exporter
