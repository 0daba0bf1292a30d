#include "exporter/exposition/self_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>

namespace registry_exporter {
namespace {

const prometheus::Histogram::BucketBoundaries kCallBuckets{0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                           1,    2.5,   5,    10,  30};

}  // namespace

struct SelfMetrics::Families {
  prometheus::Registry registry;
  // HELP comes from the catalog; prometheus-cpp only wants some.
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter().Name("registry_exporter_api_requests_total").Register(registry);
  prometheus::Family<prometheus::Histogram>& durations =
      prometheus::BuildHistogram()
          .Name("registry_exporter_api_request_duration_seconds")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& scrapes =
      prometheus::BuildCounter().Name("registry_exporter_scrapes_total").Register(registry);
  prometheus::Family<prometheus::Counter>& sweeps =
      prometheus::BuildCounter().Name("registry_exporter_sweeps_total").Register(registry);
  prometheus::Family<prometheus::Counter>& commits =
      prometheus::BuildCounter().Name("registry_exporter_state_commits_total").Register(registry);
};

SelfMetrics::SelfMetrics() : families_(std::make_unique<Families>()) {
  for (const char* result : {"complete", "partial", "cached"}) {
    families_->scrapes.Add({{"result", result}});
  }
  for (const char* result : {"ok", "error"}) families_->commits.Add({{"result", result}});
}

SelfMetrics::~SelfMetrics() = default;

void SelfMetrics::call_finished(std::string_view registry, std::string_view operation,
                                std::string_view outcome, Millis duration) {
  const std::string registry_name(registry);
  const std::string operation_name(operation);
  families_->requests
      .Add({{"registry", registry_name},
            {"operation", operation_name},
            {"outcome", std::string(outcome)}})
      .Increment();
  families_->durations
      .Add({{"registry", registry_name}, {"operation", operation_name}}, kCallBuckets)
      .Observe(static_cast<double>(duration.count()) / 1000.0);
}

void SelfMetrics::scrape_answered(ScrapeResult result) {
  const char* word = result == ScrapeResult::complete  ? "complete"
                     : result == ScrapeResult::partial ? "partial"
                                                       : "cached";
  families_->scrapes.Add({{"result", word}}).Increment();
}

void SelfMetrics::sweep_finished(std::string_view registry, bool ok) {
  families_->sweeps.Add({{"registry", std::string(registry)}, {"result", ok ? "ok" : "error"}})
      .Increment();
}

void SelfMetrics::state_committed(bool ok) {
  families_->commits.Add({{"result", ok ? "ok" : "error"}}).Increment();
}

std::vector<prometheus::MetricFamily> SelfMetrics::collect(
    const std::vector<std::string>& only) const {
  std::vector<prometheus::MetricFamily> collected = families_->registry.Collect();
  if (only.empty()) return collected;
  for (prometheus::MetricFamily& family : collected) {
    std::erase_if(family.metric, [&](const prometheus::ClientMetric& metric) {
      return std::none_of(metric.label.begin(), metric.label.end(), [&](const auto& label) {
        return label.name == "registry" &&
               std::find(only.begin(), only.end(), label.value) != only.end();
      });
    });
  }
  return collected;
}

}  // namespace registry_exporter
