#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/observer.h"

namespace prometheus {
struct MetricFamily;
}

namespace registry_exporter {

enum class ScrapeResult { complete, partial, cached };

/// The exporter's own counters, kept by prometheus-cpp. Thread-safe. They live with the process.
class SelfMetrics final : public CallObserver {
 public:
  SelfMetrics();
  ~SelfMetrics() override;

  void call_finished(std::string_view registry, std::string_view operation,
                     std::string_view outcome, Millis duration) override;
  void scrape_answered(ScrapeResult result);
  void sweep_finished(std::string_view registry, bool ok);
  void state_committed(bool ok);

  /// Families as prometheus-cpp tells them; series of other registries than `only` (when not
  /// empty) and, then, process-wide families left out.
  std::vector<prometheus::MetricFamily> collect(const std::vector<std::string>& only) const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace registry_exporter
