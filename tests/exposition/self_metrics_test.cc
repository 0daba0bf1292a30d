#include "exporter/exposition/self_metrics.h"

#include <doctest/doctest.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>
#include <string>
#include <vector>

#include "exporter/exposition/sample_writer.h"
#include "tests/exposition/parsed_exposition.h"

using namespace registry_exporter;
using namespace registry_exporter::exposition;
using sample::parse_exposition;

namespace {

using enum SelfMetric;
constexpr SelfMetric kAll[] = {api_requests, api_request_durations, scrapes,
                               sweeps,       state_commits,         exposition_bytes};

std::string lines_of(const SelfMetrics& self, SelfMetric metric,
                     const std::vector<std::string>& registries = {}) {
  SampleWriter writer;
  write_self("m", self.collect(metric, registries), writer);
  return writer.take();
}

const char* type_word(prometheus::MetricType type) {
  if (type == prometheus::MetricType::Gauge) return "gauge";
  return type == prometheus::MetricType::Histogram ? "histogram" : "counter";
}

}  // namespace

TEST_CASE("self_metrics: what can be known before it happens is there at 0 from the start") {
  const SelfMetrics self;
  CHECK(lines_of(self, scrapes) ==
        "m{result=\"cached\"} 0\nm{result=\"complete\"} 0\nm{result=\"partial\"} 0\n");
  CHECK(lines_of(self, state_commits) == "m{result=\"error\"} 0\nm{result=\"ok\"} 0\n");
  CHECK(lines_of(self, sweeps, {"a"}) ==
        "m{registry=\"a\",result=\"error\"} 0\nm{registry=\"a\",result=\"ok\"} 0\n");
  CHECK(lines_of(self, api_requests, {"a"}).empty());
}

TEST_CASE("self_metrics: calls count by outcome, and their durations fall into buckets") {
  SelfMetrics self;
  self.call_finished("a", "ListRepository", "ok", Millis{20});
  self.call_finished("a", "ListRepository", "timeout", Millis{45'000});
  CHECK(lines_of(self, api_requests, {"a"}) ==
        "m{operation=\"ListRepository\",outcome=\"ok\",registry=\"a\"} 1\n"
        "m{operation=\"ListRepository\",outcome=\"timeout\",registry=\"a\"} 1\n");
  const std::string durations = lines_of(self, api_request_durations, {"a"});
  CHECK(durations.find("le=\"0.01\"} 0\n") != std::string::npos);
  CHECK(durations.find("le=\"0.025\"} 1\n") != std::string::npos);
  CHECK(durations.find("le=\"30.0\"} 1\n") != std::string::npos);
  CHECK(durations.find("le=\"+Inf\"} 2\n") != std::string::npos);
  CHECK(durations.find("_sum{operation=\"ListRepository\",registry=\"a\"} 45.02\n") !=
        std::string::npos);
}

TEST_CASE("self_metrics: of another registry, or one that is gone, nothing shows") {
  SelfMetrics self;
  self.call_finished("a", "op", "ok", Millis{1});
  self.call_finished("gone", "op", "ok", Millis{1});
  self.sweep_finished("gone", true);
  for (const SelfMetric metric : kAll) {
    CHECK(lines_of(self, metric, {"a"}).find("gone") == std::string::npos);
  }
  CHECK(lines_of(self, api_requests, {"a"}) != "");
}

TEST_CASE("self_metrics: our text says the same as prometheus-cpp's own serializer") {
  SelfMetrics self;
  const char* outcomes[] = {"ok", "throttled", "server_error"};
  for (int i = 0; i < 300; ++i) {
    self.call_finished(i % 2 == 0 ? "a" : "b \"quoted\" \\ and\nbroken",
                       "op-" + std::to_string(i % 5), outcomes[i % 3], Millis{i * i});
    self.scrape_answered(static_cast<ScrapeResult>(i % 3));
    self.sweep_finished("a", i % 7 != 0);
    self.state_committed(i % 11 != 0);
    self.exposition_rendered(i % 2 == 0 ? "text" : "openmetrics", 1000U + static_cast<unsigned>(i));
  }
  std::vector<prometheus::MetricFamily> collected;
  for (const SelfMetric metric : kAll) {
    collected.push_back(self.collect(metric, {"a", "b \"quoted\" \\ and\nbroken"}));
  }
  const auto theirs = parse_exposition(prometheus::TextSerializer().Serialize(collected), false);
  std::string our_text;
  SampleWriter writer;
  for (const auto& family : collected) {
    our_text += "# TYPE " + family.name + " " + type_word(family.type) + "\n";
    write_self(family.name, family, writer);
    our_text += writer.take();
  }
  const auto ours = parse_exposition(our_text, false);
  REQUIRE(ours.size() == theirs.size());
  using Series = std::map<std::pair<std::string, std::map<std::string, std::string>>, double>;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CAPTURE(ours[i].name);
    CHECK(ours[i].name == theirs[i].name);
    CHECK(ours[i].type == theirs[i].type);
    const auto series_of = [](const sample::ParsedFamily& family) {
      Series series;
      for (const auto& sample : family.samples) {
        auto labels = sample.labels;  // "60.0" and "60" are one bound, spelled differently.
        if (labels.contains("le")) labels["le"] = std::to_string(std::stod(labels["le"]));
        series[{sample.name, labels}] = std::stod(sample.value);
      }
      return series;
    };
    CHECK(series_of(ours[i]) == series_of(theirs[i]));
  }
}
