// The protobuf format says what the texts say: decoded by rules of their own, and compared sample
// by sample.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "exporter/exposition/catalog.h"
#include "exporter/exposition/encode.h"
#include "exporter/exposition/exposition.h"
#include "exporter/exposition/protobuf_writer.h"
#include "exporter/exposition/self_metrics.h"
#include "tests/exposition/decoded_protobuf.h"
#include "tests/exposition/gunzip.h"
#include "tests/exposition/parsed_exposition.h"
#include "tests/exposition/sample_snapshot.h"

using namespace registry_exporter;
using namespace registry_exporter::exposition;
using sample::at;
using sample::at_ms;
using sample::decode_families;

namespace {

constexpr auto kProtobuf = ExpositionFormat::protobuf;
constexpr std::int64_t kProcessStart = 1'732'480'000'250;

using Series = std::map<std::pair<std::string, sample::LabelMap>, double>;

Series series_of(const std::vector<sample::ParsedFamily>& families, bool created = false) {
  Series series;
  for (const auto& family : families) {
    for (const auto& each : family.samples) {
      if (each.name.ends_with("_created") != created) continue;
      CHECK(series.emplace(std::pair{each.name, each.labels}, std::stod(each.value)).second);
    }
  }
  return series;
}

Series series_of(const std::vector<sample::DecodedFamily>& families) {
  Series series;
  for (const auto& family : families) {
    for (const auto& metric : family.metrics) {
      const auto add = [&](const char* suffix, const sample::LabelMap& labels, double value) {
        CHECK(series.emplace(std::pair{family.name + suffix, labels}, value).second);
      };
      if (metric.kind != "histogram") {
        add("", metric.labels, metric.value);
        continue;
      }
      add("_sum", metric.labels, metric.value);
      add("_count", metric.labels, static_cast<double>(metric.count));
      for (const auto& bucket : metric.buckets) {
        auto labels = metric.labels;
        labels["le"] = bucket_bound(bucket.bound);
        add("_bucket", labels, static_cast<double>(bucket.cumulative));
      }
    }
  }
  return series;
}

std::shared_ptr<RegistrySnapshot> builds() {
  auto view = sample::view("team-a", "api \"quoted\" \\ 仓库\nsecond line");
  EventCounters counters;
  counters.events[Outcome::success] = (std::uint64_t{1} << 53) + 1;  // No double is equal to it.
  counters.events[Outcome::failed] = 7;
  counters.created_at = at_ms(1'700'000'500'001);
  DurationHistogram& spans = counters.durations[Outcome::success].emplace();
  spans = {{1, 0, 2}, 130'501, {3, 0, {{40, 1}, {66, 2}}}, at_ms(1'700'000'600'002)};
  counters.durations[Outcome::failed] = DurationHistogram{{0, 0, 0}, 0, {}, at(1'700'000'700)};
  view->exemplars[Outcome::success] = Exemplars{Exemplar{"b-1", 30.5, at_ms(1'732'400'000'125)},
                                                Exemplar{"its bucket is empty", 99, at(1)},
                                                Exemplar{std::string(200, 'x'), 999, at(1)}};
  view->last_build = LastBuild{at(1'732'490'000), true, Millis{100'001}};
  view->oldest_open_started_at = at_ms(1'732'499'000'250);
  view->recent[1][Outcome::success] = 2;
  view->recent[1][Outcome::failed] = 1;
  view->last_read = at(1'732'499'999);
  EventCounters untouched;
  untouched.created_at = at_ms(1'700'000'500'002);
  auto broken = sample::view("bytes", "no \xff UTF-8");
  broken->failing = ErrorKind::forbidden;
  broken->first_unreadable_row = 500;
  auto registry = sample::registry(
      "acr-prod", kBuilds,
      {sample::shown(std::move(broken), untouched), sample::shown(std::move(view), counters)});
  registry->state.created_at = at_ms(1'700'000'000'007);
  registry->unknown_statuses = {{"A", 2}};
  registry->last_cycle_seconds = 1.25;
  return registry;
}

std::shared_ptr<RegistrySnapshot> deletions() {
  auto view = sample::view("org", "app");
  EventCounters counters;
  counters.events[Outcome::date_rule] = 5;
  counters.created_at = at(1'700'000'800);
  view->rules = {{"1", "date_rule", "30"}, {"1", "date_rule", "30"}, {"2", "tag_rule", "10"}};
  view->size_bytes = 34'567'890'123;
  view->last_end[Outcome::date_rule] = at(1'732'400'000);
  auto registry =
      sample::registry("swr-prod", kDeletions, {sample::shown(std::move(view), counters)});
  registry->state.created_at = at(1'700'000'001);
  return registry;
}

struct Bench {
  explicit Bench(ExpositionOptions chosen = sample::options()) : exposition(steady(chosen), self) {
    self.call_finished("acr-prod", "ListRepository", "ok", Millis{5});
    self.call_finished("acr-prod", "ListRepository", "timeout", Millis{45'000});
  }
  /// Without the values that move while the formats are compared.
  static ExpositionOptions steady(ExpositionOptions options) {
    options.process_started_at = at_ms(kProcessStart);
    options.created_timestamps = true;
    options.disabled = {
        "process_cpu_seconds_total",     "process_open_fds", "process_virtual_memory_bytes",
        "process_resident_memory_bytes", "process_threads",  "registry_exporter_exposition_bytes"};
    return options;
  }
  std::string body(const Snapshot& snapshot, ScrapeRequest request) {
    LiveState live;
    CloudHealth up;
    up.up = true;
    up.requests_per_second = 2.5;
    up.clock_offset = Millis{-1'500};
    live.registries = {{"acr-prod", up}, {"swr-prod", {}}};
    live.now = at(1'732'500'000);
    live.state_created_at = at(1'700'000'000);
    const auto chunks = exposition.render(snapshot, live, request);
    const std::string joined = sample::joined(chunks);
    return request.gzip ? sample::gunzip_one_member(joined) : joined;
  }
  SelfMetrics self{sample::kStillClock};
  Exposition exposition;
};

Snapshot both() { return {{builds(), deletions()}}; }

}  // namespace

TEST_CASE("protobuf: every sample of the text format is there with the same value, and no other") {
  Bench bench;
  const auto text = sample::parse_exposition(bench.body(both(), {}), false);
  const auto decoded = decode_families(bench.body(both(), {.format = kProtobuf}));
  const Series expected = series_of(text);
  CHECK(expected.size() > 100);
  CHECK(series_of(decoded) == expected);
  REQUIRE(decoded.size() == text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    CHECK(decoded[i].name == text[i].name);
    CHECK(decoded[i].type == text[i].type);
    CHECK(decoded[i].help == help_of(*find_family(text[i].name)));
    CHECK(decoded[i].unit == unit_of(*find_family(text[i].name)));
  }
}

TEST_CASE("protobuf: every counter and histogram tells when it began, without any option") {
  Bench bench;
  const auto openmetrics =
      sample::parse_exposition(bench.body(both(), {.format = ExpositionFormat::openmetrics}), true);
  Series told = series_of(openmetrics, true);
  CHECK(told.size() > 10);
  for (const auto& family : decode_families(bench.body(both(), {.format = kProtobuf}))) {
    CAPTURE(family.name);
    const std::string created(without_total(family.name, find_family(family.name)->type));
    for (const auto& metric : family.metrics) {
      CHECK(metric.created.has_value() == (metric.kind != "gauge"));
      if (!metric.created) continue;
      const auto found = told.find({created + "_created", metric.labels});
      // What OpenMetrics has no line for began with the process.
      const bool of_process = family.name.starts_with("process_");
      const double otherwise = of_process || family.name.find("unknown") != std::string::npos
                                   ? kProcessStart / 1000.0
                                   : to_seconds(sample::kStillClock.now());
      CHECK(*metric.created ==
            doctest::Approx(found == told.end() ? otherwise : found->second).epsilon(1e-15));
      if (found != told.end()) told.erase(found);
    }
  }
  CHECK(told.empty());
  ExpositionOptions options = sample::options();
  SelfMetrics self(sample::kStillClock);
  Exposition exposition(options, self);
  const auto plain = sample::joined(exposition.render(both(), {}, {.format = kProtobuf}));
  const auto families = decode_families(plain);
  REQUIRE(families.at(0).name == "acr_builds_total");
  CHECK(families.at(0).metrics.at(4).created == 1'700'000'500.001);
}

TEST_CASE("protobuf: native buckets beside the classic ones hold the same observations") {
  Bench bench;
  std::size_t histograms = 0;
  for (const auto& family : decode_families(bench.body(both(), {.format = kProtobuf}))) {
    for (const auto& metric : family.metrics) {
      REQUIRE(metric.native.has_value() == (metric.kind == "histogram"));
      if (!metric.native) continue;
      ++histograms;
      CHECK(metric.native->schema == 3);
      CHECK(metric.native->zero_threshold == 0x1p-128);
      CHECK(metric.native->count() == metric.count);
      CHECK(metric.buckets.back().cumulative == metric.count);
    }
  }
  CHECK(histograms == 3);
}

TEST_CASE("protobuf: any native buckets are read back as they were") {
  ProtobufWriter writer;
  const LinePart no_labels;
  std::mt19937_64 dice(5);
  const Family family{"h_seconds", FamilyType::histogram, FamilyScope::process, "a", "Help."};
  for (int round = 0; round < 500; ++round) {
    NativeHistogram native;
    const int observations = static_cast<int>(dice() % 400);
    for (int i = 0; i < observations; ++i) {
      const auto shift = static_cast<int>(dice() % 64);
      observe(native, Millis{static_cast<std::int64_t>((dice() >> 1) >> shift)}, dice() >> 10);
    }
    const std::vector<std::uint64_t> cumulative{native.count()};
    writer.histogram({no_labels, no_labels},
                     {.bounds = {}, .cumulative = cumulative, .native = &native});
    const std::string metrics = writer.take();
    const auto decoded = decode_families(protobuf_head(family, metrics.size()) + metrics);
    const auto& found = decoded.at(0).metrics.at(0).native.value();
    CHECK(found.schema == native.schema);
    CHECK(found.zeros == native.zeros);
    REQUIRE(found.buckets.size() == native.buckets.size());
    CHECK(found.buckets.size() <= 160);
    for (const NativeBucket& bucket : native.buckets) {
      CHECK(found.buckets.at(bucket.index) == bucket.count);
    }
  }
}

TEST_CASE("protobuf: exemplars are those of OpenMetrics") {
  Bench bench;
  std::size_t exemplars = 0;
  for (const auto& family : decode_families(bench.body(both(), {.format = kProtobuf}))) {
    for (const auto& metric : family.metrics) {
      for (const auto& bucket : metric.buckets) {
        if (!bucket.exemplar) continue;
        ++exemplars;
        CHECK(family.name == "acr_build_duration_seconds");
        CHECK(bucket.bound == 60);
        CHECK(bucket.exemplar->labels == sample::LabelMap{{"build_record_id", "b-1"}});
        CHECK(bucket.exemplar->value == 30.5);
        CHECK(bucket.exemplar->timestamp == 1'732'400'000.125);
      }
    }
  }
  CHECK(exemplars == 1);
}

TEST_CASE("protobuf: chosen registries and families, gzip and no series at all") {
  Bench bench;
  const auto one = decode_families(
      bench.body(both(), {.registries = {"swr-prod"}, .format = kProtobuf, .gzip = true}));
  CHECK(!one.empty());
  for (const auto& family : one) {
    for (const auto& metric : family.metrics) CHECK(metric.labels.at("registry") == "swr-prod");
  }
  const auto chosen = decode_families(bench.body(
      both(), {.families = {"acr_builds_total", "process_max_fds"}, .format = kProtobuf}));
  REQUIRE(chosen.size() == 2);
  CHECK(chosen[0].metrics.size() == 8);
  CHECK(bench.body(both(), {.families = {"process_threads"}, .format = kProtobuf}).empty());
}

TEST_CASE("protobuf: what is reused after changes is what would be rendered") {
  Bench bench(sample::busy_options());
  auto now = sample::busy_registry(1'500, 1);
  for (std::uint64_t version = 2; version < 12; ++version) {
    auto next = std::make_shared<RegistrySnapshot>(*now);
    next->version = version;
    for (std::size_t row = version; row < next->rows.size(); row += 300) {
      EventCounters counters = *next->rows[row].cells[0].shown;
      counters.events[Outcome::failed] += version * 1'000;
      ++counters.durations[Outcome::success].edit().counts[version];
      next->rows[row] =
          sample::shown(std::make_shared<RepositoryView>(*next->rows[row].cells[0].view), counters);
    }
    if (version % 4 == 0) next->rows.erase(next->rows.begin() + 700);
    Bench fresh(sample::busy_options());
    const ScrapeRequest request{.format = kProtobuf, .gzip = version % 2 == 0};
    REQUIRE(bench.body({{next}}, request) == fresh.body({{next}}, {.format = kProtobuf}));
    now = next;
  }
  const auto text = sample::parse_exposition(bench.body({{now}}, {}), false);
  CHECK(series_of(decode_families(bench.body({{now}}, {.format = kProtobuf}))) == series_of(text));
}

TEST_CASE("protobuf: times before 1970 and of whole seconds, and bounds of any kind") {
  ProtobufWriter writer;
  std::string label;
  append_label_pair(label, "a", "");
  const LinePart labels(label);
  const LinePart no_more;
  const std::vector<double> bounds{-1.5, 0, 1e300};
  const std::vector<std::uint64_t> cumulative{0, 1, 1, std::uint64_t{1} << 63};
  for (const std::int64_t created : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1'500}}) {
    writer.histogram(
        {labels, no_more},
        {.bounds = bounds, .cumulative = cumulative, .sum = -0.5, .created = at_ms(created)});
    const std::string metrics = writer.take();
    CHECK(writer.size() == 0);
    const Family family{"h_seconds", FamilyType::histogram, FamilyScope::process, "a", "Help."};
    const auto decoded = decode_families(protobuf_head(family, metrics.size()) + metrics);
    const auto& metric = decoded.at(0).metrics.at(0);
    CHECK(metric.labels == sample::LabelMap{{"a", ""}});
    REQUIRE(metric.created);
    CHECK(*metric.created == doctest::Approx(static_cast<double>(created) / 1000));
    CHECK(metric.count == std::uint64_t{1} << 63);
    CHECK(metric.value == -0.5);
    REQUIRE(metric.buckets.size() == 4);
    CHECK(metric.buckets[0].bound == -1.5);
    CHECK(std::isinf(metric.buckets[3].bound));
  }
}
