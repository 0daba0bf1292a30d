#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exporter/exposition/exposition.h"
#include "exporter/model/snapshot.h"

/// Snapshots for tests and benchmarks of the exposition.
namespace registry_exporter::sample {

inline UnixMillis at_ms(std::int64_t milliseconds) { return UnixMillis{Millis{milliseconds}}; }
inline UnixMillis at(std::int64_t seconds) { return at_ms(seconds * 1000); }

/// A clock that stands still.
class StillClock final : public Clock {
 public:
  UnixMillis now() const override { return at_ms(1'732'490'000'125); }
  SteadyTime steady_now() const override { return SteadyTime{}; }
};
inline const StillClock kStillClock;

inline exposition::ExpositionOptions options() {
  exposition::ExpositionOptions options;
  options.windows = {std::chrono::hours{1}, std::chrono::hours{24}};
  options.window_names = {{std::chrono::hours{24}, "24h"}};
  options.bucket_bounds = {60, 300};
  options.labels_of_repository = [](const std::string& full_name) {
    using Labels = std::vector<std::pair<std::string, std::string>>;
    return full_name == "team-a/api" ? Labels{{"team", "a\"b"}, {"tier", "1"}} : Labels{};
  };
  return options;
}

/// A repository's view with its counters; shown() makes a row of it.
inline std::shared_ptr<RepositoryView> view(std::string repo_namespace, std::string name) {
  auto view = std::make_shared<RepositoryView>();
  view->ref = {std::move(repo_namespace), std::move(name), "crr-1"};
  view->recent.resize(2);
  return view;
}
inline RepositoryRow row(std::shared_ptr<const RepositoryView> view,
                         std::shared_ptr<const EventCounters> shown) {
  RepositoryRow row;
  row.cells[0] = {std::move(view), std::move(shown)};
  return row;
}
inline RepositoryRow shown(std::shared_ptr<RepositoryView> view, const EventCounters& counters) {
  view->counters = std::make_shared<const EventCounters>(counters);
  return row(view, view->counters);
}

inline std::shared_ptr<RegistrySnapshot> registry(std::string name, const StreamKind& kind,
                                                  std::vector<RepositoryRow> rows) {
  auto registry = std::make_shared<RegistrySnapshot>();
  registry->version = 1;
  registry->name = std::move(name);
  registry->type = &kind == &kBuilds || &kind == &kAcrSyncs ? "acr" : "swr";
  registry->kinds = {&kind};
  registry->rows = std::move(rows);
  registry->taken_at = at(1'732'500'000);
  return registry;
}

/// SWR Enterprise Edition: a replication policy, a namespace with a retention policy, and a
/// repository of it. Each row has cells by kind.
inline std::shared_ptr<RegistrySnapshot> enterprise() {
  const auto with = [](std::shared_ptr<RepositoryView> view, Outcome outcome, std::uint64_t events,
                       bool is_share = true) {
    EventCounters counters;
    counters.events[outcome] = events;
    counters.durations[outcome] = DurationHistogram{{1, 1, 0}, 90'500};
    view->is_share = is_share;
    view->counters = std::make_shared<const EventCounters>(counters);
    return StreamCell{view, view->counters};
  };
  RepositoryRow policy;
  policy.cells[2] = with(view("", "to-paris"), Outcome::stopped, 2);
  policy.cells[3] = with(view("", "to-paris"), Outcome::success, 17);
  auto executions = view("apps", "");
  executions->open = 1;
  executions->last_build = LastBuild{at(1'732'490'000), true, Millis{60'000}};
  executions->last_read = at(1'732'499'997);
  RepositoryRow space;
  space.cells[0] = with(executions, Outcome::success, 2, false);
  RepositoryRow repository;
  repository.cells[1] = with(view("apps", "web/shop"), Outcome::tag_rule, 40);
  auto snapshot = registry("ee", kRetentions, {policy, space, repository});
  snapshot->type = "swr_ee";
  snapshot->kinds = {&kRetentions, &kRetentionDeletions, &kReplications, &kReplicatedArtifacts};
  return snapshot;
}

inline std::vector<double> busy_bounds() {
  return {10, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 2700, 3600, 7200};
}

/// A build registry of `repositories` repositories that show 30 lines each: 4 counters, 2
/// histograms of 13 buckets less 6 lines, gauges.
inline std::shared_ptr<RegistrySnapshot> busy_registry(std::size_t repositories,
                                                       std::uint64_t version) {
  std::vector<RepositoryRow> rows;
  rows.reserve(repositories);
  for (std::size_t i = 0; i < repositories; ++i) {
    auto one = view("payments-platform-" + std::to_string(i / 50),
                    "checkout-service-" + std::to_string(i));
    EventCounters counters;
    counters.events[Outcome::success] = 100 + i * 7919 % 5000;
    counters.events[Outcome::failed] = i % 97;
    DurationHistogram histogram;
    for (std::uint64_t bucket = 0; bucket < 14; ++bucket) {
      histogram.counts.push_back((i + bucket * 31) % 200);
      histogram.sum_ms += histogram.counts.back() * (bucket * 45'123 + i);
    }
    histogram.native = native_from_classic(histogram.counts, busy_bounds());
    histogram.created_at = counters.created_at = at_ms(1'732'000'000'456);
    counters.durations[Outcome::success] = histogram;
    one->open = static_cast<std::uint32_t>(i % 3);
    one->last_build = LastBuild{at_ms(1'732'400'000'123 + static_cast<std::int64_t>(i)), i % 9 != 0,
                                Millis{90'000 + static_cast<std::int64_t>(i)}};
    one->recent[1][Outcome::success] = static_cast<std::uint32_t>(i % 20 + 1);
    one->last_end[Outcome::success] = one->last_build->ended_at;
    one->last_read = at_ms(1'732'499'000'001 + static_cast<std::int64_t>(i));
    rows.push_back(shown(std::move(one), counters));
  }
  auto busy = registry("acr-prod", kBuilds, std::move(rows));
  busy->version = version;
  return busy;
}

inline exposition::ExpositionOptions busy_options() {
  exposition::ExpositionOptions options;
  options.windows = {std::chrono::hours{24}};
  options.bucket_bounds = busy_bounds();
  return options;
}

inline std::string joined(const std::vector<Chunk>& chunks) {
  std::string all;
  for (const Chunk& chunk : chunks) all += *chunk;
  return all;
}

}  // namespace registry_exporter::sample
