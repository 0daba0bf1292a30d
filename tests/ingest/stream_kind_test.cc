// A kind of records that no cloud has: a value is all that ingestion and exposition need of it.
#include "exporter/model/stream_kind.h"

#include <doctest/doctest.h>

#include "exporter/exposition/catalog.h"
#include "exporter/exposition/lines.h"
#include "exporter/exposition/row_lines.h"
#include "tests/ingest/collector_bench.h"

using namespace registry_exporter;
using namespace registry_exporter::ingest;

namespace {

constexpr Outcome kScanOutcomes[] = {Outcome::success, Outcome::failed};
/// Scans have no ids that could be asked for, and nobody asks how long they take.
constexpr StreamKind kScans{kBuilds.number, "scans", kScanOutcomes};

exposition::WriteRow scans_by_result(const exposition::Family& family,
                                     const exposition::SnapshotSource& source) {
  return exposition::events_by("result", family, source);
}
constexpr exposition::Family kScansTotal{.name = "acr_scans_total",
                                         .type = exposition::FamilyType::counter,
                                         .scope = exposition::FamilyScope::repository,
                                         .labels = "result",
                                         .help = "Finished scans.",
                                         .render = scans_by_result,
                                         .kind = &kScans};

/// Reads the registry until everything that was merged shows.
void scrape_three_times(Bench& bench) {
  for (int i = 0; i < 3; ++i) {
    bench.baton.sleep(std::chrono::seconds(90));
    bench.scrape();
  }
}

std::string exposition_of(const RegistrySnapshot& snapshot, const exposition::Family& family) {
  const std::vector<exposition::RowLabels> labels =
      exposition::make_row_labels(snapshot, ExpositionFormat::text);
  const exposition::ExpositionOptions options;
  const exposition::SnapshotSource source{snapshot, labels, options, ExpositionFormat::text};
  exposition::Lines lines(family, source);
  lines.render_rows(snapshot.rows.size());
  std::string text;
  for (const auto& block : lines.finish().blocks) text += block->text();
  return text;
}

}  // namespace

TEST_CASE("a made-up kind of records is followed, counted once and shown by its own family") {
  Bench bench(1);
  bench.options.reading.has_histograms = false;
  bench.options.discovery.kinds = {&kScans};
  bench.start();
  scrape_three_times(bench);
  auto& list = bench.cloud.lists["r0"].newest_first;
  list.insert(list.begin(), {done("bad", bench.started_ago(5), Outcome::failed),
                             runs("good", bench.started_ago(9))});
  scrape_three_times(bench);
  list[1] = done("good", bench.started_ago(300));
  scrape_three_times(bench);

  const auto snapshot = bench.collector->snapshot();
  CHECK(snapshot->kinds == std::vector<const StreamKind*>{&kScans});
  CHECK(snapshot->ledger_imbalance == 0);
  CHECK(
      exposition_of(*snapshot, kScansTotal) ==
      "acr_scans_total{registry=\"acr\",repo_namespace=\"shop\",repo=\"r0\",result=\"success\"} 1\n"
      "acr_scans_total{registry=\"acr\",repo_namespace=\"shop\",repo=\"r0\",result=\"failed\"} "
      "1\n");
  CHECK_FALSE(snapshot->rows.at(0).cells[0].shown->durations[Outcome::success]);

  // A killed process finds the same in its state.
  bench.restart();
  scrape_three_times(bench);
  CHECK(bench.collector->snapshot()->rows.at(0).cells[0].shown->events[Outcome::failed] == 1);
  CHECK(bench.records(RecordClass::counted) == 2);
}

TEST_CASE("families of other kinds have no series in a stream of a made-up kind") {
  Bench bench(1);
  bench.options.reading.has_histograms = false;
  bench.options.discovery.kinds = {&kScans};
  bench.start();
  scrape_three_times(bench);
  for (const exposition::Family& family : exposition::families()) {
    if (family.kind == nullptr) continue;
    CAPTURE(family.name);
    CHECK(exposition_of(*bench.collector->snapshot(), family).empty());
  }
}
