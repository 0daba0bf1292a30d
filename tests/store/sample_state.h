#pragma once

#include <cstdint>
#include <string>

#include "exporter/model/registry_state.h"

namespace registry_exporter::store {

/// Seeded dice with their own arithmetic: the same everywhere (SplitMix64).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  bool flip() { return (next() & 1U) != 0; }
  UnixMillis time() { return UnixMillis{Millis{static_cast<std::int64_t>(below(1ULL << 42))}}; }
  std::string text(std::size_t size_max) {
    std::string text(below(size_max + 1), '\0');
    for (char& c : text) c = static_cast<char>(below(256));
    return text;
  }

 private:
  std::uint64_t state_;
};

inline RegistryState sample_registry(Dice& dice) {
  RegistryState state;
  state.identity = dice.text(60);
  if (dice.flip()) state.created_at = dice.time();
  state.discovery_scope = dice.text(30);
  state.discovered = dice.flip();
  for (std::uint64_t i = dice.below(15); i > 0; --i) {
    state.bucket_bounds.push_back(static_cast<double>(dice.next()) / 7.0);
  }
  for (auto& records : state.records) records = dice.next();
  for (auto& rejected : state.rejected) rejected = dice.next();
  for (auto& invalid : state.invalid_durations) invalid = dice.next();
  state.history_gaps = dice.next();
  if (dice.flip()) state.last_success = dice.time();
  for (std::uint64_t i = dice.below(4); i > 0; --i) {
    state.scrapers.push_back({dice.next(), dice.time()});
  }
  return state;
}

inline void sample_closed(Dice& dice, Ledger& ledger) {
  RecordKey key = 0;
  for (std::uint64_t i = dice.below(40); i > 0; --i) {
    ClosedRecord record;
    record.key = key += 1 + dice.below(1ULL << 56);
    record.placed_at = dice.time();
    record.ended_at = dice.time();
    record.record_class = static_cast<RecordClass>(dice.below(kRecordClasses));
    record.outcome = static_cast<Outcome>(dice.below(kOutcomes));
    ledger.closed.push_back(record);
  }
}

inline Walk sample_walk(Dice& dice) {
  Walk walk;
  walk.goal = static_cast<Walk::Goal>(dice.below(2));
  walk.next_page = static_cast<int>(dice.below(1000)) - 500;
  walk.page_size = static_cast<int>(dice.below(1000));
  walk.started_at = dice.time();
  walk.first_total = dice.next();
  walk.records_met = dice.next();
  walk.pairs_descending = dice.next();
  walk.pairs_ascending = dice.next();
  return walk;
}

/// Any state at all, so that no field is forgotten by the codec.
inline RepositoryState sample_repository(Dice& dice) {
  RepositoryState state;
  state.ref = {dice.text(20), dice.text(40), dice.text(20)};
  state.dropped = dice.flip();
  state.passes_missed = static_cast<std::uint8_t>(dice.below(256));
  state.excluded = dice.flip();
  state.hidden = dice.flip();
  state.unlisted = dice.flip();
  if (dice.flip()) state.scope_changed_at = dice.time();
  state.kind = stream_kind(static_cast<std::uint8_t>(dice.below(5)));
  Ledger& ledger = state.ledger;
  ledger.known = dice.next();
  for (auto& records : ledger.present) records = dice.next();
  if (dice.flip()) ledger.counters.created_at = dice.time();
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    ledger.counters.events.values[i] = dice.next();
    if (dice.flip()) {
      auto& histogram = ledger.counters.durations.values[i].emplace();
      for (std::uint64_t n = dice.below(15); n > 0; --n) histogram.counts.push_back(dice.next());
      histogram.sum_ms = dice.next();
      for (std::uint64_t n = dice.below(40); n > 0; --n) {
        observe(histogram.native, Millis{static_cast<std::int64_t>(dice.next() >> 4)},
                1 + dice.below(1ULL << 42));
      }
      if (dice.flip()) histogram.created_at = dice.time();
    }
    if (dice.flip()) ledger.last_end.values[i] = dice.time();
    ledger.events_held.values[i] = dice.flip();
    ledger.durations_held.values[i] = dice.flip();
  }
  for (std::uint64_t i = dice.below(4); i > 0; --i) {
    ledger.open.push_back({dice.text(40),
                           dice.next(),
                           dice.time(),
                           dice.flip(),
                           static_cast<std::uint8_t>(dice.below(256)),
                           dice.flip(),
                           {dice.text(20), dice.text(20), ""},
                           dice.flip()});
  }
  ledger.floor = dice.time();
  ledger.baseline_pending = dice.flip();
  ledger.read_whole = dice.flip();
  for (std::uint64_t i = dice.below(4); i > 0; --i) ledger.unanchored.push_back(dice.next());
  ledger.halted = dice.flip();
  ledger.order = static_cast<ListOrder>(dice.below(4));
  if (dice.flip()) ledger.walk = sample_walk(dice);
  ledger.tail_page = static_cast<int>(dice.below(1U << 30));
  ledger.tail_page_size = static_cast<int>(dice.below(1001));
  if (dice.flip()) ledger.unread_from = dice.next();
  if (dice.flip()) ledger.history_before = dice.time();
  if (dice.flip()) ledger.total_prev = dice.next();
  if (dice.flip()) ledger.newest_listed = dice.time();
  ledger.capped = dice.flip();
  ledger.sweep_wanted = dice.flip();
  if (dice.flip()) ledger.last_sweep = dice.time();
  if (dice.flip()) ledger.last_read = dice.time();
  if (dice.flip()) {
    ledger.last_build = LastBuild{dice.time(), dice.flip(), std::nullopt};
    if (dice.flip())
      ledger.last_build->duration = Millis{static_cast<std::int64_t>(dice.below(99))};
  }
  sample_closed(dice, ledger);
  return state;
}

/// A lifelike repository with 20 finished builds, all counted.
inline RepositoryState quiet_repository(int number) {
  RepositoryState state;
  state.ref = {"team-" + std::to_string(number % 100), "service-" + std::to_string(number),
               "crr-0123456789abcdef"};
  Ledger& ledger = state.ledger;
  ledger.read_whole = true;
  ledger.order = ListOrder::newest_first;
  const UnixMillis start{Millis{1'767'323'045'000}};
  for (int i = 0; i < 20; ++i) {
    const std::string id = std::to_string(number) + "-build-" + std::to_string(i);
    ledger.closed.push_back({record_key(id), start + i * Millis{3'600'000},
                             start + i * Millis{3'600'000} + Millis{240'000}, RecordClass::counted,
                             Outcome::success});
  }
  ledger.known = 20;
  ledger.present[static_cast<std::size_t>(RecordClass::counted)] = 20;
  ledger.counters.events[Outcome::success] = 20;
  auto& histogram = ledger.counters.durations[Outcome::success].emplace();
  histogram.counts.assign(14, 0);
  histogram.counts[5] = 20;
  histogram.sum_ms = 20 * 240'000;
  observe(histogram.native, Millis{240'000}, 20);
  histogram.created_at = ledger.counters.created_at = start;
  ledger.total_prev = 20;
  ledger.newest_listed = ledger.last_read = ledger.last_sweep = start;
  ledger.last_build = LastBuild{start, true, Millis{240'000}};
  ledger.last_end[Outcome::success] = start;
  return state;
}

}  // namespace registry_exporter::store
