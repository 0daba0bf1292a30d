#include "exporter/exposition/self_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>

#include "exporter/exposition/encode.h"

namespace registry_exporter {
namespace {

const prometheus::Histogram::BucketBoundaries kCallBuckets{0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                           1,    2.5,   5,    10,  30};

std::string labels_of(const prometheus::ClientMetric& metric) {
  std::string labels;
  for (const auto& each : metric.label) {
    if (!labels.empty()) labels.push_back(',');
    append_label(labels, each.name, each.value);
  }
  return labels;
}

/// nullptr: the series belongs to no registry.
const std::string* registry_of(const prometheus::ClientMetric& metric) {
  const auto found = std::find_if(metric.label.begin(), metric.label.end(),
                                  [](const auto& each) { return each.name == "registry"; });
  return found == metric.label.end() ? nullptr : &found->value;
}

template <class Number>
void append_sample(std::string& out, const std::string& name, const std::string& labels,
                   Number value) {
  out += name;
  if (!labels.empty()) out += "{" + labels + "}";
  out.push_back(' ');
  append_number(out, value);
  out.push_back('\n');
}

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
    const std::vector<std::string>& registries, bool process_wide) const {
  for (const std::string& registry : registries) {  // Both results are there from the start.
    for (const char* result : {"ok", "error"}) {
      families_->sweeps.Add({{"registry", registry}, {"result", result}});
    }
  }
  std::vector<prometheus::MetricFamily> collected = families_->registry.Collect();
  for (prometheus::MetricFamily& family : collected) {
    std::erase_if(family.metric, [&](const prometheus::ClientMetric& metric) {
      const std::string* registry = registry_of(metric);
      if (registry == nullptr) return !process_wide;
      return std::find(registries.begin(), registries.end(), *registry) == registries.end();
    });
    std::sort(family.metric.begin(), family.metric.end(),
              [](const auto& a, const auto& b) { return labels_of(a) < labels_of(b); });
  }
  return collected;
}

std::string encode_self(const prometheus::MetricFamily& family) {
  std::string out;
  for (const prometheus::ClientMetric& metric : family.metric) {
    const std::string labels = labels_of(metric);
    if (family.type != prometheus::MetricType::Histogram) {
      append_sample(out, family.name, labels, metric.counter.value);
      continue;
    }
    for (const auto& bucket : metric.histogram.bucket) {
      append_sample(out, family.name + "_bucket",
                    labels + "," + label("le", bucket_bound(bucket.upper_bound)),
                    bucket.cumulative_count);
    }
    append_sample(out, family.name + "_sum", labels, metric.histogram.sample_sum);
    append_sample(out, family.name + "_count", labels, metric.histogram.sample_count);
  }
  return out;
}

}  // namespace registry_exporter
