#include "tests/alerts/story.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace registry_exporter {

using simulator::Life;
using simulator::SyncCloud;
using std::chrono::hours;
using enum IncidentKind;

namespace {

constexpr std::array kNames = {"broken",
                               "common_cause",
                               "slow",
                               "stuck",
                               "silent",
                               "spike",
                               "emptied",
                               "stopped",
                               "sync_broken",
                               "sync_stuck",
                               "swr_sync_broken",
                               "swr_sync_stuck",
                               "retention_broken",
                               "retention_missing",
                               "replication_broken"};

/// Whose incidents must not hide each other.
enum class Concern { builds, deletions, acr_syncs, swr_syncs, retentions, replications };

Concern concern_of(IncidentKind kind) {
  if (kind < spike) return Concern::builds;
  if (kind < sync_broken) return Concern::deletions;
  if (kind < swr_sync_broken) return Concern::acr_syncs;
  if (kind < retention_broken) return Concern::swr_syncs;
  return kind < replication_broken ? Concern::retentions : Concern::replications;
}

/// The world ranks repositories by (index * 7 + 3) % count.
std::uint32_t index_of_rank(std::uint32_t rank, int count) {
  const auto all = static_cast<std::uint32_t>(count);
  for (std::uint32_t index = 0; index < all; ++index) {
    if ((index * 7 + 3) % all == rank % all) return index;
  }
  return 0;
}

}  // namespace

const char* name_of(IncidentKind kind) { return kNames.at(static_cast<std::size_t>(kind)); }

struct Story::Plan {
  IncidentKind kind;
  int times;
  Life from_hour;
  Life length;
  std::uint32_t every;
  std::uint32_t indexes;
};

Story::Story(const StoryOptions& options, UnixMillis begun)
    : options_(options), begun_(begun), dice_(options.seed, 77) {
  // Repositories of rank 0 to 9 build often; indexes of those are found by the world's own rule.
  add({broken, 8, hours(9), hours(6), 0, 30});
  add({common_cause, 4, hours(10), hours(3), 8, 8});
  add({slow, 6, hours(8), hours(11), 0, 20});
  add({stuck, 6, hours(11), hours(2), 0, 20});
  add({silent, 3, hours(0), hours(24 * 6), 0, 12});
  add({spike, 10, hours(13), hours(30), 0, 20});
  add({emptied, 3, hours(13), hours(30), 0, 20});
  add({stopped, 2, hours(1), hours(24 * 9), 0, 20});
  for (const IncidentKind kind : {sync_broken, swr_sync_broken})
    add({kind, 5, hours(9), hours(7), 0, 30});
  for (const IncidentKind kind : {sync_stuck, swr_sync_stuck})
    add({kind, 3, hours(11), hours(3), 0, 30});
  add({retention_broken, 3, hours(0), hours(40), 0, 4});
  add({retention_missing, 2, hours(0), hours(24 * 5), 0, 4});
  add({replication_broken, 4, hours(10), hours(8), 0, 3});
}

void Story::add(const Plan& plan) {
  for (int i = 0; i < plan.times; ++i) {
    // Each in its own stretch, and in a repository of its own while there are any, so that they
    // don't hide each other.
    const int stretch = (options_.days - options_.quiet_days) / plan.times;
    int day = options_.quiet_days + i * stretch +
              static_cast<int>(dice_.below(static_cast<std::uint64_t>(std::max(1, stretch))));
    while (!works_on(day)) ++day;
    const Life from = hours(24) * day + plan.from_hour - into_first_day();
    auto index = static_cast<std::uint32_t>(dice_.below(plan.indexes));
    if (plan.every == 0) index = unused(index, plan.indexes, plan.kind);
    incidents_.push_back({plan.kind, index, plan.every, from, from + plan.length});
  }
}

/// The index of the repository of this rank, or of the next one without an incident of its concern.
/// Synchronisations and executions have no ranks.
std::uint32_t Story::unused(std::uint32_t rank, std::uint32_t ranks, IncidentKind kind) const {
  const auto index_of = [&](std::uint32_t which) {
    return kind < sync_broken ? index_of_rank(which % ranks, options_.repositories) : which % ranks;
  };
  for (std::uint32_t further = 0; further < ranks; ++further) {
    const std::uint32_t index = index_of(rank + further);
    const bool used =
        std::any_of(incidents_.begin(), incidents_.end(), [&](const Incident& incident) {
          return incident.every == 0 && incident.index == index &&
                 concern_of(incident.kind) == concern_of(kind);
        });
    if (!used) return index;
  }
  return index_of(rank);
}

double Story::pace(std::uint32_t index, Life at) const {
  if (concerned(silent, index, at)) return 0;
  const bool nightly = index % 10 == 4;
  const double hour = hour_of(at);
  if (nightly) return 1;
  if (!works_on(day_of(at))) return 0.03;
  if (hour < 8 || hour >= 19) return 0.05;
  // A storm of deploys every few days: everybody at once, two hours long.
  const bool storm = day_of(at) % 5 == 2 && hour >= 15 && hour < 17;
  return storm ? 1 : 0.5;
}

double Story::success_share(std::uint32_t index, Life at, double own) const {
  if (concerned(broken, index, at)) return 0;
  if (concerned(common_cause, index, at)) return 0.15;
  // Most are well kept; a few fail now and then.
  return index % 15 == 8 ? 0.9 : 0.97 + 0.03 * (own - 0.6) / 0.38;
}

double Story::slowness(std::uint32_t index, Life at) const {
  if (concerned(stuck, index, at)) return 100;
  return concerned(slow, index, at) ? 5 : 1;
}

std::uint32_t Story::keep(std::uint32_t index, Life at, std::uint32_t own) const {
  if (concerned(emptied, index, at)) return 1;
  const std::uint32_t usual = 40 + own * 4;
  if (concerned(spike, index, at)) return own / 4 + 3;
  return concerned(stopped, index, at) ? 1'000'000 : usual;
}

double Story::sync_success_share(SyncCloud cloud, std::size_t index, Life at, double) const {
  const IncidentKind kind = cloud == SyncCloud::acr ? sync_broken : swr_sync_broken;
  return concerned(kind, index, at) ? 0.1 : 0.99;
}

double Story::sync_slowness(SyncCloud cloud, std::size_t index, Life at) const {
  const IncidentKind kind = cloud == SyncCloud::acr ? sync_stuck : swr_sync_stuck;
  return concerned(kind, index, at) ? 150 : 1;
}

double Story::retention_success_share(std::size_t index, Life at, double) const {
  return concerned(retention_broken, index, at) ? 0 : 0.98;
}

/// By the clock, twice a day in the first namespace, once in the others; not on Sundays in the
/// last.
Life Story::next_retention(std::size_t index, Life at, Life) const {
  const Life each = hours(index == 0 ? 12 : 24);
  const Life offset = hours(1 + 2 * static_cast<int>(index)) - into_first_day();
  Life next = offset + ((at - offset) / each + (at >= offset ? 1 : 0)) * each;
  const auto is_off = [&](Life moment) {
    const bool sunday = index == 3 && !works_on(day_of(moment)) && works_on(day_of(moment) + 1);
    return sunday || concerned(retention_missing, index, moment);
  };
  while (next <= at || is_off(next)) next += each;
  return next;
}

std::uint32_t Story::kept_versions(std::size_t, std::uint32_t own) const { return own + 4; }

double Story::replication_success_share(std::size_t index, Life at, double) const {
  return concerned(replication_broken, index, at) ? 0 : 0.98;
}

bool Story::concerned(IncidentKind kind, std::size_t index, Life at) const {
  return std::any_of(incidents_.begin(), incidents_.end(), [&](const Incident& each) {
    return each.kind == kind && each.concerns(static_cast<std::uint32_t>(index), at);
  });
}

Life Story::into_first_day() const {
  return begun_.time_since_epoch() -
         std::chrono::floor<std::chrono::days>(begun_).time_since_epoch();
}

int Story::day_of(Life at) const {
  return static_cast<int>(std::chrono::floor<std::chrono::days>(at + into_first_day()).count());
}

double Story::hour_of(Life at) const {
  const Life today = at + into_first_day() - std::chrono::days(day_of(at));
  return std::chrono::duration<double, std::ratio<3600>>(today).count();
}

bool Story::works_on(int day) const {
  const std::chrono::weekday weekday(std::chrono::floor<std::chrono::days>(begun_) +
                                     std::chrono::days(day));
  return weekday != std::chrono::Saturday && weekday != std::chrono::Sunday;
}

}  // namespace registry_exporter
