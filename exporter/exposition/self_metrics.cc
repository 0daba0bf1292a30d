#include "exporter/exposition/self_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "exporter/exposition/encode.h"
#include "exporter/exposition/sample_writer.h"

namespace registry_exporter::exposition {
namespace {

const prometheus::Histogram::BucketBoundaries kCallBuckets{0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                           1,    2.5,   5,    10,  30};

Labels labels_of(const prometheus::ClientMetric& metric) {
  Labels labels;
  for (const auto& each : metric.label) labels.emplace_back(each.name, each.value);
  return labels;
}

void write_histogram(std::string_view name, const prometheus::ClientMetric& metric,
                     SampleWriter& writer, std::optional<UnixMillis> created) {
  std::vector<double> bounds;
  std::vector<std::uint64_t> cumulative;
  for (const auto& bucket : metric.histogram.bucket) {
    if (std::isfinite(bucket.upper_bound)) bounds.push_back(bucket.upper_bound);
    cumulative.push_back(bucket.cumulative_count);
  }
  writer.add(histogram_frame(writer.format(), name, std::move(bounds), {}),
             LinePart(written(labels_of(metric), writer.format())),
             HistogramSample<double>{
                 .cumulative = cumulative, .sum = metric.histogram.sample_sum, .created = created});
}

/// nullptr: the series belongs to no registry.
const std::string* registry_of(const prometheus::ClientMetric& metric) {
  const auto found = std::find_if(metric.label.begin(), metric.label.end(),
                                  [](const auto& each) { return each.name == "registry"; });
  return found == metric.label.end() ? nullptr : &found->value;
}

}  // namespace

/// Names and HELP stand in the catalog; prometheus-cpp only requires some name.
struct SelfMetrics::Families {
  prometheus::Family<prometheus::Counter> requests{"api_requests_total", "", {}};
  prometheus::Family<prometheus::Histogram> durations{"api_request_duration_seconds", "", {}};
  prometheus::Family<prometheus::Counter> scrapes{"scrapes_total", "", {}};
  prometheus::Family<prometheus::Counter> sweeps{"sweeps_total", "", {}};
  prometheus::Family<prometheus::Counter> commits{"state_commits_total", "", {}};
  prometheus::Family<prometheus::Gauge> answers{"exposition_bytes", "", {}};

  const prometheus::Collectable& of(SelfMetric metric) const {
    switch (metric) {
      case SelfMetric::api_requests:
        return requests;
      case SelfMetric::api_request_durations:
        return durations;
      case SelfMetric::scrapes:
        return scrapes;
      case SelfMetric::sweeps:
        return sweeps;
      case SelfMetric::state_commits:
        return commits;
      case SelfMetric::exposition_bytes:
        return answers;
    }
    return requests;
  }
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

void SelfMetrics::exposition_rendered(std::string_view format, std::size_t bytes) {
  families_->answers.Add({{"format", std::string(format)}}).Set(static_cast<double>(bytes));
}

prometheus::MetricFamily SelfMetrics::collect(SelfMetric metric,
                                              const std::vector<std::string>& registries) const {
  if (metric == SelfMetric::sweeps) {  // Both results exist from the start.
    for (const std::string& registry : registries) {
      for (const char* result : {"ok", "error"}) {
        families_->sweeps.Add({{"registry", registry}, {"result", result}});
      }
    }
  }
  std::vector<prometheus::MetricFamily> collected = families_->of(metric).Collect();
  if (collected.empty()) return {};  // It has no series yet.
  prometheus::MetricFamily family = std::move(collected.front());
  std::erase_if(family.metric, [&](const prometheus::ClientMetric& each) {
    const std::string* registry = registry_of(each);
    return registry != nullptr &&
           std::find(registries.begin(), registries.end(), *registry) == registries.end();
  });
  std::sort(family.metric.begin(), family.metric.end(),
            [](const auto& a, const auto& b) { return labels_of(a) < labels_of(b); });
  return family;
}

void write_self(std::string_view name, const prometheus::MetricFamily& family, SampleWriter& writer,
                std::optional<UnixMillis> created) {
  for (const prometheus::ClientMetric& metric : family.metric) {
    switch (family.type) {
      case prometheus::MetricType::Histogram:
        write_histogram(name, metric, writer, created);
        break;
      case prometheus::MetricType::Gauge:
        writer.add(name, FamilyType::gauge, labels_of(metric), metric.gauge.value);
        break;
      default:
        writer.add(name, FamilyType::counter, labels_of(metric), metric.counter.value, created);
    }
  }
}

}  // namespace registry_exporter::exposition
