#include "exporter/ingest/event_rules.h"

namespace registry_exporter::ingest {
namespace {

void observe_duration(Ledger& ledger, const Record& record, const MergeContext& context,
                      MergeEffects& effects) {
  const std::optional<Millis> duration = valid_duration(record);
  if (!duration) {
    const bool missing = !record.started_at || !record.ended_at;
    const auto reason = missing ? InvalidDuration::missing : InvalidDuration::negative;
    ++effects.invalid_durations[static_cast<std::size_t>(reason)];
    return;
  }
  auto& histogram = ledger.counters.durations[record.outcome];
  const std::size_t bucket = observe(histogram.edit(), context.bucket_bounds, *duration);
  effects.observations.push_back(
      {record.outcome, bucket, record.id, *duration, placed_end(record, context)});
}

}  // namespace

std::optional<Millis> valid_duration(const Record& record) {
  if (!record.started_at || !record.ended_at || *record.ended_at < *record.started_at) {
    return std::nullopt;
  }
  return *record.ended_at - *record.started_at;
}

UnixMillis placed_end(const Record& record, const MergeContext& context) {
  if (!record.ended_at || *record.ended_at > context.seen_at + kEndAheadMax) {
    return context.seen_at;
  }
  return *record.ended_at;
}

void note_finished(Ledger& ledger, const Record& record, const MergeContext& context) {
  const UnixMillis ended_at = placed_end(record, context);
  auto& last_end = ledger.last_end[record.outcome];
  if (!last_end || *last_end < ended_at) last_end = ended_at;
  const bool decisive = record.outcome == Outcome::success || record.outcome == Outcome::failed;
  if (decisive && (!ledger.last_build || ledger.last_build->ended_at <= ended_at)) {
    ledger.last_build =
        LastBuild{ended_at, record.outcome == Outcome::success, valid_duration(record)};
  }
  if (context.kind->has_durations) {
    add_histograms(ledger, context.bucket_bounds, context.hold_new_series);
  }
}

void count_event(Ledger& ledger, const Record& record, const MergeContext& context,
                 MergeEffects& effects) {
  ++ledger.counters.events[record.outcome];
  if (context.kind->has_durations) observe_duration(ledger, record, context, effects);
}

bool add_histograms(Ledger& ledger, std::span<const double> bucket_bounds, bool hold) {
  bool added = false;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    auto& histogram = ledger.counters.durations.values[i];
    if (histogram || !ledger.last_end.values[i]) continue;
    histogram = empty_histogram(bucket_bounds);
    ledger.durations_held.values[i] = hold;
    added = true;
  }
  return added;
}

}  // namespace registry_exporter::ingest
