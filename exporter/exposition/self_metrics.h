#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/mutex.h"
#include "exporter/base/observer.h"
#include "exporter/model/ledger.h"

namespace registry_exporter::exposition {

enum class ScrapeResult { complete, partial, cached };

/// The families whose series are kept here, but for the durations of calls.
enum class SelfMetric { api_requests, scrapes, sweeps, state_commits, exposition_bytes };
inline constexpr std::size_t kSelfMetrics = 5;

/// Upper bounds of the classic buckets of calls' durations, in seconds, without +Inf.
std::span<const double> call_duration_bounds();

/// The exporter's own counters, and the size of its answers. Thread-safe. They start at 0 with the
/// process, each before the scrape that shows it first.
class SelfMetrics final : public CallObserver {
 public:
  /// Names and values, sorted by name.
  using LabelSet = std::vector<std::pair<std::string, std::string>>;
  struct Number {
    double value = 0;
    UnixMillis created_at;
  };

  explicit SelfMetrics(const Clock& clock);

  void call_finished(std::string_view registry, std::string_view operation,
                     std::string_view outcome, Millis duration) override;
  void scrape_answered(ScrapeResult result);
  void sweep_finished(std::string_view registry, bool ok);
  void state_committed(bool ok);
  /// An answer in a format was made; its size is before compression.
  void exposition_rendered(std::string_view format, std::size_t bytes);

  /// The series of one family, sorted by their labels; of those that belong to a registry only
  /// those of `registries`, since a registry may have left the configuration.
  std::map<LabelSet, Number> collect(SelfMetric metric,
                                     const std::vector<std::string>& registries) const;
  std::map<LabelSet, DurationHistogram> call_durations(
      const std::vector<std::string>& registries) const;

 private:
  using Numbers = std::map<LabelSet, Number>;
  Number& number(SelfMetric metric, LabelSet labels) const REQUIRES(mutex_);

  UnixMillis beginning() const;

  const Clock& clock_;
  const UnixMillis started_at_;
  mutable Mutex mutex_;
  mutable std::array<Numbers, kSelfMetrics> numbers_ GUARDED_BY(mutex_);
  std::map<LabelSet, DurationHistogram> call_durations_ GUARDED_BY(mutex_);
};

}  // namespace registry_exporter::exposition
