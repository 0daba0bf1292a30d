#include "tests/simulator/event_records.h"

#include <algorithm>

namespace registry_exporter::simulator {
namespace {

/// Older ones are not listed.
constexpr std::size_t kListedMax = 10'000;
constexpr std::size_t kLies = 40;

std::vector<EventRecord> true_records(const World& world) {
  std::vector<EventRecord> records;
  for (const AcrRepository& repository : world.acr()) {
    for (const Build& build : repository.builds) {
      if (!build.ended_at) continue;
      records.push_back({"crecrr-" + build.id, "cr:Artifact:BuildCompleted",
                         repository.repo_namespace, repository.name,
                         "v" + std::to_string(build.tag), build.over_at});
    }
  }
  for (const SyncTask& task : world.syncs().all()) {
    if (!task.ended_at) continue;
    records.push_back({"crecrr-" + task.id, "cr:Artifact:SynchronizationCompleted",
                       task.repo_namespace, task.repo, "v" + std::to_string(task.tag),
                       task.over_at});
  }
  std::stable_sort(records.begin(), records.end(),
                   [](const EventRecord& a, const EventRecord& b) { return a.at > b.at; });
  records.resize(std::min(records.size(), kListedMax));
  return records;
}

/// Of any repository, each time other ones.
std::vector<EventRecord> lies(const World& world, std::uint64_t dice) {
  std::vector<EventRecord> records;
  const auto& all = world.acr();
  for (std::size_t i = 0; i < kLies && !all.empty(); ++i) {
    const AcrRepository& repository = all[(dice + i * 7) % all.size()];
    records.push_back({"crecrr-" + std::to_string(dice) + "-" + std::to_string(i),
                       "cr:Artifact:BuildCompleted", repository.repo_namespace, repository.name,
                       "latest", UnixMillis(std::chrono::hours(24 * 365 * 60))});
  }
  return records;
}

}  // namespace

std::vector<EventRecord> event_records(const World& world, std::uint64_t dice) {
  switch (world.options().events) {
    case Events::none:
    case Events::forbidden:
      return {};
    case Events::lies:
      return lies(world, dice);
    case Events::newest_first:
      return true_records(world);
    case Events::oldest_first:
      break;
  }
  std::vector<EventRecord> records = true_records(world);
  std::reverse(records.begin(), records.end());
  return records;
}

}  // namespace registry_exporter::simulator
