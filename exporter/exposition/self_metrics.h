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

  /// Families as prometheus-cpp tells them, series sorted by their labels: those of `registries`
  /// (a registry that is gone from the configuration has none), and with `process_wide` those that
  /// belong to no registry.
  std::vector<prometheus::MetricFamily> collect(const std::vector<std::string>& registries,
                                                bool process_wide) const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

/// The lines of a family in our spelling, without HELP and TYPE: the same in both formats.
std::string encode_self(const prometheus::MetricFamily& family);

}  // namespace registry_exporter
