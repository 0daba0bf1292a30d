#include "exporter/exposition/self_metrics.h"

#include <algorithm>
#include <utility>

#include "exporter/model/scrape.h"

namespace registry_exporter::exposition {
namespace {

constexpr double kCallBounds[] = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};

/// Copies the series that belong to no registry, or to one of these.
template <class Series>
Series of_registries(const Series& series, const std::vector<std::string>& registries) {
  Series chosen;
  for (const auto& [labels, value] : series) {
    const auto registry = std::find_if(labels.begin(), labels.end(),
                                       [](const auto& each) { return each.first == "registry"; });
    const bool wanted = registry == labels.end() || std::find(registries.begin(), registries.end(),
                                                              registry->second) != registries.end();
    if (wanted) chosen.emplace_hint(chosen.end(), labels, value);
  }
  return chosen;
}

}  // namespace

std::span<const double> call_duration_bounds() { return kCallBounds; }

SelfMetrics::SelfMetrics(const Clock& clock) : clock_(clock), started_at_(clock.now()) {
  const MutexLock lock(mutex_);
  for (const char* result : {"complete", "partial", "cached"}) {
    number(SelfMetric::scrapes, {{"result", result}});
  }
  for (const char* result : {"ok", "error"}) {
    number(SelfMetric::state_commits, {{"result", result}});
  }
}

/// Of a series that is heard of now. A server may store a 0 at this time. It must not come after
/// the value that the scrape under way shows, or the series would seem to begin anew.
UnixMillis SelfMetrics::beginning() const {
  return std::max(started_at_, clock_.now() - kScrapeLongest);
}

SelfMetrics::Number& SelfMetrics::number(SelfMetric metric, LabelSet labels) const {
  Numbers& numbers = numbers_[static_cast<std::size_t>(metric)];
  const auto found = numbers.lower_bound(labels);
  if (found != numbers.end() && found->first == labels) return found->second;
  return numbers.emplace_hint(found, std::move(labels), Number{0, beginning()})->second;
}

void SelfMetrics::call_finished(std::string_view registry, std::string_view operation,
                                std::string_view outcome, Millis duration) {
  const std::string registry_name(registry);
  const std::string operation_name(operation);
  const MutexLock lock(mutex_);
  ++number(SelfMetric::api_requests, {{"operation", operation_name},
                                      {"outcome", std::string(outcome)},
                                      {"registry", registry_name}})
        .value;
  const auto [found, is_new] = call_durations_.try_emplace(
      LabelSet{{"operation", operation_name}, {"registry", registry_name}});
  DurationHistogram& durations = found->second;
  if (is_new) {
    durations = empty_histogram(kCallBounds);
    durations.created_at = beginning();
  }
  observe(durations, kCallBounds, std::max(duration, Millis{0}));
}

void SelfMetrics::scrape_answered(ScrapeResult result) {
  const char* word = result == ScrapeResult::complete  ? "complete"
                     : result == ScrapeResult::partial ? "partial"
                                                       : "cached";
  const MutexLock lock(mutex_);
  ++number(SelfMetric::scrapes, {{"result", word}}).value;
}

void SelfMetrics::sweep_finished(std::string_view registry, bool ok) {
  const MutexLock lock(mutex_);
  ++number(SelfMetric::sweeps,
           {{"registry", std::string(registry)}, {"result", ok ? "ok" : "error"}})
        .value;
}

void SelfMetrics::state_committed(bool ok) {
  const MutexLock lock(mutex_);
  ++number(SelfMetric::state_commits, {{"result", ok ? "ok" : "error"}}).value;
}

void SelfMetrics::exposition_rendered(std::string_view format, std::size_t bytes) {
  const MutexLock lock(mutex_);
  number(SelfMetric::exposition_bytes, {{"format", std::string(format)}}).value =
      static_cast<double>(bytes);
}

std::map<SelfMetrics::LabelSet, SelfMetrics::Number> SelfMetrics::collect(
    SelfMetric metric, const std::vector<std::string>& registries) const {
  const MutexLock lock(mutex_);
  if (metric == SelfMetric::sweeps) {  // Both results exist from the start.
    for (const std::string& registry : registries) {
      for (const char* result : {"ok", "error"}) {
        number(metric, {{"registry", registry}, {"result", result}});
      }
    }
  }
  return of_registries(numbers_[static_cast<std::size_t>(metric)], registries);
}

std::map<SelfMetrics::LabelSet, DurationHistogram> SelfMetrics::call_durations(
    const std::vector<std::string>& registries) const {
  const MutexLock lock(mutex_);
  return of_registries(call_durations_, registries);
}

}  // namespace registry_exporter::exposition
