#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/observer.h"

namespace prometheus {
struct MetricFamily;
}

namespace registry_exporter::exposition {

class SampleWriter;

enum class ScrapeResult { complete, partial, cached };

/// The families whose series are kept here.
enum class SelfMetric {
  api_requests,
  api_request_durations,
  scrapes,
  sweeps,
  state_commits,
  exposition_bytes
};

/// The exporter's own counters, and the size of its answers, kept by prometheus-cpp. Thread-safe.
/// They start at 0 with the process.
class SelfMetrics final : public CallObserver {
 public:
  SelfMetrics();
  ~SelfMetrics() override;

  void call_finished(std::string_view registry, std::string_view operation,
                     std::string_view outcome, Millis duration) override;
  void scrape_answered(ScrapeResult result);
  void sweep_finished(std::string_view registry, bool ok);
  void state_committed(bool ok);
  /// An answer in a format was made; its size is before compression.
  void exposition_rendered(std::string_view format, std::size_t bytes);

  /// The series of one family, sorted by their labels; of those that belong to a registry only
  /// those of `registries`, since a registry may have left the configuration.
  prometheus::MetricFamily collect(SelfMetric metric,
                                   const std::vector<std::string>& registries) const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

/// Writes the samples of `family` under the name `name`; `created`: when they began, if that is to
/// be shown.
void write_self(std::string_view name, const prometheus::MetricFamily& family, SampleWriter& writer,
                std::optional<UnixMillis> created = std::nullopt);

}  // namespace registry_exporter::exposition
