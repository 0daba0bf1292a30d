// How much a scrape costs: 10,000 repositories that show 30 lines each, against copying the same
// bytes; and what is left of it when little or nothing changed.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>

#include "exporter/exposition/self_metrics.h"
#include "tests/exposition/sample_snapshot.h"

using namespace registry_exporter;

namespace {

constexpr std::size_t kRepositories = 10'000;

exposition::LiveState live() {
  exposition::LiveState live;
  CloudHealth health;
  health.up = true;
  health.requests_per_second = 5;
  live.registries = {{"acr-prod", health}};
  live.now = sample::at(1'732'500'000);
  return live;
}

std::size_t lines_in(const std::vector<Chunk>& chunks) {
  std::size_t lines = 0;
  for (const Chunk& chunk : chunks) {
    lines += static_cast<std::size_t>(std::count(chunk->begin(), chunk->end(), '\n'));
  }
  return lines;
}

void report(benchmark::State& state, const std::vector<Chunk>& chunks, std::size_t lines) {
  std::size_t bytes = 0;
  for (const Chunk& chunk : chunks) bytes += chunk->size();
  state.counters["lines"] = static_cast<double>(lines);
  state.counters["bytes"] = static_cast<double>(bytes);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

/// The yardstick: every block copied to new memory, as any answer that isn't shared has to be.
void CopyTheSameBytes(benchmark::State& state) {
  exposition::SelfMetrics self(sample::kStillClock);
  exposition::Exposition exposition(sample::busy_options(), self);
  const Snapshot snapshot{{sample::busy_registry(kRepositories, 1)}};
  const auto chunks = exposition.render(snapshot, live(), {});
  for (auto _ : state) {
    std::vector<Chunk> copies;
    for (const Chunk& chunk : chunks) copies.push_back(std::make_shared<const std::string>(*chunk));
    benchmark::DoNotOptimize(copies);
  }
  report(state, chunks, lines_in(chunks));
}
BENCHMARK(CopyTheSameBytes)->Unit(benchmark::kMillisecond);

/// The kinder yardstick: memcpy to one buffer that is already there.
void MemcpyTheSameBytes(benchmark::State& state) {
  exposition::SelfMetrics self(sample::kStillClock);
  exposition::Exposition exposition(sample::busy_options(), self);
  const Snapshot snapshot{{sample::busy_registry(kRepositories, 1)}};
  const std::string all = sample::joined(exposition.render(snapshot, live(), {}));
  std::string to(all.size(), ' ');
  for (auto _ : state) {
    std::memcpy(to.data(), all.data(), all.size());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(all.size()) * state.iterations());
}
BENCHMARK(MemcpyTheSameBytes)->Unit(benchmark::kMillisecond);

void RenderAll(benchmark::State& state) {
  exposition::SelfMetrics self(sample::kStillClock);
  const auto format = static_cast<ExpositionFormat>(state.range(0));
  const Snapshot snapshot{{sample::busy_registry(kRepositories, 1)}};
  std::vector<Chunk> chunks;
  for (auto _ : state) {
    exposition::Exposition exposition(sample::busy_options(), self);  // It remembers nothing.
    chunks = exposition.render(snapshot, live(), {.format = format});
    benchmark::DoNotOptimize(chunks);
  }
  report(state, chunks, lines_in(chunks));
}
BENCHMARK(RenderAll)  // Text, OpenMetrics, protobuf.
    ->Arg(0)
    ->Arg(1)
    ->Arg(2)
    ->ArgName("format")
    ->Unit(benchmark::kMillisecond);

/// Two snapshots in turn that differ in `changed` repositories.
void RenderAfterChanges(benchmark::State& state) {
  exposition::SelfMetrics self(sample::kStillClock);
  exposition::Exposition exposition(sample::busy_options(), self);
  auto first = sample::busy_registry(kRepositories, 1);
  auto second = std::make_shared<RegistrySnapshot>(*first);
  const auto changed = static_cast<std::size_t>(state.range(0));
  for (std::size_t i = 0; i < changed; ++i) {
    RepositoryRow& row = second->rows[i * (kRepositories / changed)];
    auto view = std::make_shared<RepositoryView>(*row.cells[0].view);
    view->open += 1000;
    EventCounters counters = *row.cells[0].shown;
    counters.events[Outcome::success] += 100'000;
    row = sample::shown(std::move(view), counters);
  }
  const ScrapeRequest request{.format = static_cast<ExpositionFormat>(state.range(2)),
                              .gzip = state.range(1) != 0};
  // The first one renders everything.
  std::vector<Chunk> chunks = exposition.render({{first}}, live(), request);
  for (auto _ : state) {
    std::swap(first, second);
    auto fresh = std::make_shared<RegistrySnapshot>(*first);  // A commit makes a new snapshot.
    fresh->version = static_cast<std::uint64_t>(state.iterations()) + 2;
    chunks = exposition.render({{fresh}}, live(), request);
    benchmark::DoNotOptimize(chunks);
  }
  report(state, chunks, 0);
}
BENCHMARK(RenderAfterChanges)
    ->ArgNames({"changed", "gzip", "format"})
    ->Args({10'000, 0, 0})
    ->Args({10'000, 0, 2})
    ->Args({100, 0, 0})
    ->Args({100, 0, 2})
    ->Args({100, 1, 0})
    ->Args({100, 1, 2})
    ->Args({1, 1, 0})
    ->Args({1, 1, 2})
    ->Unit(benchmark::kMillisecond);

void RenderAllAndGzip(benchmark::State& state) {
  exposition::SelfMetrics self(sample::kStillClock);
  const auto format = static_cast<ExpositionFormat>(state.range(0));
  const Snapshot snapshot{{sample::busy_registry(kRepositories, 1)}};
  std::vector<Chunk> chunks;
  for (auto _ : state) {
    exposition::Exposition exposition(sample::busy_options(), self);
    chunks = exposition.render(snapshot, live(), {.format = format, .gzip = true});
  }
  report(state, chunks, 0);
}
BENCHMARK(RenderAllAndGzip)->Arg(0)->Arg(2)->ArgName("format")->Unit(benchmark::kMillisecond);

void RenderUnchanged(benchmark::State& state) {
  exposition::SelfMetrics self(sample::kStillClock);
  exposition::Exposition exposition(sample::busy_options(), self);
  const Snapshot snapshot{{sample::busy_registry(kRepositories, 1)}};
  std::vector<Chunk> chunks;
  for (auto _ : state) {
    chunks = exposition.render(snapshot, live(), {.gzip = state.range(0) != 0});
  }
  report(state, chunks, 0);
}
BENCHMARK(RenderUnchanged)->Arg(0)->Arg(1)->ArgName("gzip")->Unit(benchmark::kMicrosecond);

}  // namespace
