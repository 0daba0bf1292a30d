#include "exporter/exposition/self_metrics.h"

#include <doctest/doctest.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "exporter/exposition/catalog.h"
#include "exporter/exposition/render.h"
#include "exporter/exposition/sample_writer.h"
#include "tests/exposition/parsed_exposition.h"
#include "tests/exposition/sample_snapshot.h"
#include "tests/support/fake_runtime.h"

using namespace registry_exporter;
using namespace registry_exporter::exposition;
using sample::parse_exposition;

namespace {

const std::string kRequests = "registry_exporter_api_requests_total";
const std::string kDurations = "registry_exporter_api_request_duration_seconds";
const std::string kScrapes = "registry_exporter_scrapes_total";
const std::string kSweeps = "registry_exporter_sweeps_total";
const std::string kCommits = "registry_exporter_state_commits_total";
const std::string kBytes = "registry_exporter_exposition_bytes";

/// What a scrape of these registries shows of a family.
std::string lines_of(const SelfMetrics& self, const std::string& family,
                     const std::vector<std::string>& names = {}) {
  std::vector<std::shared_ptr<const RegistrySnapshot>> registries;
  for (const std::string& name : names) registries.push_back(sample::registry(name, kBuilds, {}));
  SampleWriter writer;
  return render_scrape(*find_family(family), {{}, registries, self, {}, {}, ExpositionFormat::text},
                       writer);
}

using Series = std::map<std::pair<std::string, std::map<std::string, std::string>>, double>;

Series series_of(const std::string& type, const std::string& name, const std::string& lines) {
  Series series;
  for (const auto& family : parse_exposition("# TYPE " + name + " " + type + "\n" + lines, false)) {
    for (const auto& sample : family.samples) {
      auto labels = sample.labels;  // "60.0" and "60" are one bound, spelled differently.
      if (labels.contains("le")) labels["le"] = std::to_string(std::stod(labels["le"]));
      series[{sample.name, labels}] = std::stod(sample.value);
    }
  }
  return series;
}

std::string without_comments(const std::string& text) {
  std::string lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at) + 1;
    if (text[at] != '#') lines += text.substr(at, end - at);
    at = end;
  }
  return lines;
}

}  // namespace

TEST_CASE("self_metrics: what can be known before it happens is there at 0 from the start") {
  const SelfMetrics self(sample::kStillClock);
  CHECK(lines_of(self, kScrapes) == kScrapes + "{result=\"cached\"} 0\n" + kScrapes +
                                        "{result=\"complete\"} 0\n" + kScrapes +
                                        "{result=\"partial\"} 0\n");
  CHECK(lines_of(self, kCommits) ==
        kCommits + "{result=\"error\"} 0\n" + kCommits + "{result=\"ok\"} 0\n");
  CHECK(lines_of(self, kSweeps, {"a"}) == kSweeps + "{registry=\"a\",result=\"error\"} 0\n" +
                                              kSweeps + "{registry=\"a\",result=\"ok\"} 0\n");
  CHECK(lines_of(self, kRequests, {"a"}).empty());
}

TEST_CASE("self_metrics: calls count by outcome, and their durations fall into buckets") {
  SelfMetrics self(sample::kStillClock);
  self.call_finished("a", "ListRepository", "ok", Millis{20});
  self.call_finished("a", "ListRepository", "timeout", Millis{45'000});
  CHECK(lines_of(self, kRequests, {"a"}) ==
        kRequests + "{operation=\"ListRepository\",outcome=\"ok\",registry=\"a\"} 1\n" + kRequests +
            "{operation=\"ListRepository\",outcome=\"timeout\",registry=\"a\"} 1\n");
  const std::string durations = lines_of(self, kDurations, {"a"});
  CHECK(durations.find("le=\"0.01\"} 0\n") != std::string::npos);
  CHECK(durations.find("le=\"0.025\"} 1\n") != std::string::npos);
  CHECK(durations.find("le=\"30.0\"} 1\n") != std::string::npos);
  CHECK(durations.find("le=\"+Inf\"} 2\n") != std::string::npos);
  CHECK(durations.find("_sum{operation=\"ListRepository\",registry=\"a\"} 45.02\n") !=
        std::string::npos);
}

TEST_CASE("self_metrics: of another registry, or one that is gone, nothing shows") {
  SelfMetrics self(sample::kStillClock);
  self.call_finished("a", "op", "ok", Millis{1});
  self.call_finished("gone", "op", "ok", Millis{1});
  self.sweep_finished("gone", true);
  for (const std::string& family : {kRequests, kDurations, kScrapes, kSweeps, kCommits, kBytes}) {
    CHECK(lines_of(self, family, {"a"}).find("gone") == std::string::npos);
  }
  CHECK(lines_of(self, kRequests, {"a"}) != "");
}

TEST_CASE("self_metrics: each series began with the process, or before the scrape that needed it") {
  FakeRuntime runtime;
  const UnixMillis start = runtime.wall();
  SelfMetrics self(runtime.runtime().clock);
  runtime.advance(Millis{1'000});  // Within the first scrape.
  self.call_finished("a", "op", "ok", Millis{1});
  runtime.advance(Millis{600'000});
  self.call_finished("a", "op", "ok", Millis{1});
  self.call_finished("a", "op", "timeout", Millis{1});
  self.call_finished("a", "other", "ok", Millis{1});
  self.scrape_answered(ScrapeResult::complete);
  for (const auto& [labels, number] : self.collect(SelfMetric::scrapes, {})) {
    CHECK(number.created_at == start);
  }
  const UnixMillis later = start + Millis{601'000 - 120'000};
  const auto requests = self.collect(SelfMetric::api_requests, {"a"});
  REQUIRE(requests.size() == 3);
  CHECK(requests.begin()->second.created_at == start);
  CHECK(std::next(requests.begin())->second.created_at == later);
  const auto durations = self.call_durations({"a"});
  REQUIRE(durations.size() == 2);
  CHECK(durations.begin()->second.created_at == start);
  CHECK(durations.rbegin()->second.created_at == later);
}

TEST_CASE("self_metrics: native buckets hold what the classic ones hold, whatever a call takes") {
  SelfMetrics self(sample::kStillClock);
  for (const std::int64_t milliseconds : {0, 1, 20, 21, 45'000, -5}) {
    self.call_finished("a", "op", "ok", Millis{milliseconds});
  }
  const DurationHistogram durations = self.call_durations({"a"}).begin()->second;
  CHECK(durations.count() == 6);
  CHECK(durations.sum_ms == 45'042);
  CHECK(durations.native.count() == 6);
  CHECK(durations.native.zeros == 2);
  CHECK(durations.native.buckets.size() == 4);
}

TEST_CASE("self_metrics: our text says the same as prometheus-cpp counting the same") {
  SelfMetrics self(sample::kStillClock);
  prometheus::Family<prometheus::Counter> requests{kRequests, "", {}};
  prometheus::Family<prometheus::Histogram> durations{kDurations, "", {}};
  const auto bounds = call_duration_bounds();
  const char* outcomes[] = {"ok", "throttled", "server_error"};
  const std::string names[] = {"a", "b \"quoted\" \\ and\nbroken"};
  for (int i = 0; i < 300; ++i) {
    const std::string& registry = names[i % 2];
    const std::string operation = "op-" + std::to_string(i % 5);
    self.call_finished(registry, operation, outcomes[i % 3], Millis{i * i});
    requests.Add({{"registry", registry}, {"operation", operation}, {"outcome", outcomes[i % 3]}})
        .Increment();
    durations
        .Add({{"registry", registry}, {"operation", operation}},
             prometheus::Histogram::BucketBoundaries(bounds.begin(), bounds.end()))
        .Observe(i * i / 1000.0);
  }
  const auto theirs = [](const prometheus::Collectable& family) {
    return without_comments(prometheus::TextSerializer().Serialize(family.Collect()));
  };
  const Series counted = series_of("counter", kRequests, theirs(requests));
  CHECK(counted.size() == 30);
  CHECK(series_of("counter", kRequests, lines_of(self, kRequests, {names[0], names[1]})) ==
        counted);
  const Series timed = series_of("histogram", kDurations, theirs(durations));
  const Series ours =
      series_of("histogram", kDurations, lines_of(self, kDurations, {names[0], names[1]}));
  REQUIRE(ours.size() == timed.size());
  for (const auto& [key, value] : timed) CHECK(ours.at(key) == doctest::Approx(value));
}
