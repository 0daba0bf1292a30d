#include "exporter/store/state_codec.h"

#include "exporter/store/blob_fields.h"

namespace registry_exporter::store {
namespace {

// Differences of times that wrap around: no bytes can make them overflow.
Millis difference(UnixMillis later, UnixMillis earlier) {
  return Millis{
      static_cast<std::int64_t>(static_cast<std::uint64_t>(later.time_since_epoch().count()) -
                                static_cast<std::uint64_t>(earlier.time_since_epoch().count()))};
}
UnixMillis after(UnixMillis time, Millis span) {
  return UnixMillis{
      Millis{static_cast<std::int64_t>(static_cast<std::uint64_t>(time.time_since_epoch().count()) +
                                       static_cast<std::uint64_t>(span.count()))}};
}

// One function for each struct lists its fields, for both directions.

template <class IO, class F>
void open_record(IO& io, F& open) {
  field(io, open.id);
  fixed_field(io, open.key);
  field(io, open.placed_at);
  field(io, open.start_known);
  field(io, open.sweeps_missed);
  field(io, open.gone);
  if (io.version() < 3) return;
  field(io, open.owner.repo_namespace);
  field(io, open.owner.name);
  field(io, open.ended);
}

template <class IO, class F>
void walk(IO& io, F& walk) {
  enumerator(io, walk.goal, 1);
  field(io, walk.next_page);
  field(io, walk.page_size);
  field(io, walk.started_at);
  field(io, walk.first_total);
  field(io, walk.records_met);
  field(io, walk.pairs_descending);
  field(io, walk.pairs_ascending);
}

/// Calls `each(value)` for each outcome that blobs of this version know.
template <class IO, class F, class Each>
void per_outcome(IO& io, F& values, Each each) {
  static_assert(kOutcomes == 7, "a new outcome needs a new version of blobs");
  constexpr std::size_t kBeforeVersion3 = 6;
  const std::size_t known = io.version() < 3 ? kBeforeVersion3 : kOutcomes;
  for (std::size_t i = 0; i < known; ++i) each(values.values[i]);
}

template <class IO, class F>
void counters(IO& io, F& counters) {
  per_outcome(io, counters.events, [&](auto& events) { field(io, events); });
  per_outcome(io, counters.durations, [&](auto& durations) {
    optional(io, durations, [&](auto& histogram) {
      list(io, histogram.counts, [&](auto& bucket) { field(io, bucket); });
      field(io, histogram.sum_ms);
    });
  });
}

/// Indices rise: differences are short.
template <class IO, class F>
void native_histogram(IO& io, F& native) {
  field(io, native.schema);
  field(io, native.zeros);
  std::int64_t before = 0;
  list(io, native.buckets, [&](auto& bucket) {
    std::int64_t step = bucket.index - before;
    std::uint64_t count = bucket.count;
    field(io, step);
    field(io, count);
    if constexpr (IO::kReads) {
      const bool fits = -kNativeIndexMax <= step && step <= 2 * kNativeIndexMax;
      if (!fits || count > kNativeCountMax) return io.fail();
      bucket = NativeBucket(before + step, count);
    }
    before = bucket.index;
  });
  if constexpr (IO::kReads) {
    if (!is_valid(native)) io.fail();
  }
}

DurationHistogram& inside(CopyOnWrite<DurationHistogram>& read) { return read.edit(); }
const DurationHistogram& inside(const CopyOnWrite<DurationHistogram>& written) { return *written; }

/// What histograms and counters have since version 3.
template <class IO, class F>
void counters_more(IO& io, F& counters) {
  optional(io, counters.created_at);
  for (auto& durations : counters.durations.values) {
    if (!durations) continue;
    auto& histogram = inside(durations);
    native_histogram(io, histogram.native);
    optional(io, histogram.created_at);
  }
}

template <class IO, class F>
void ledger(IO& io, F& ledger) {
  field(io, ledger.known);
  for (auto& records : ledger.present) field(io, records);
  counters(io, ledger.counters);
  list(io, ledger.open, [&](auto& open) { open_record(io, open); });
  field(io, ledger.floor);
  field(io, ledger.baseline_pending);
  field(io, ledger.read_whole);
  list(io, ledger.unanchored, [&](auto& key) { fixed_field(io, key); });
  field(io, ledger.halted);
  enumerator(io, ledger.order, 3);
  optional(io, ledger.walk, [&](auto& each) { walk(io, each); });
  field(io, ledger.tail_page);
  optional(io, ledger.total_prev);
  optional(io, ledger.newest_listed);
  field(io, ledger.capped);
  field(io, ledger.sweep_wanted);
  optional(io, ledger.last_sweep);
  optional(io, ledger.last_read);
  optional(io, ledger.last_build, [&](auto& last) {
    field(io, last.ended_at);
    field(io, last.succeeded);
    optional(io, last.duration);
  });
  per_outcome(io, ledger.last_end, [&](auto& last_end) { optional(io, last_end); });
  per_outcome(io, ledger.events_held, [&](auto& held) { field(io, held); });
  per_outcome(io, ledger.durations_held, [&](auto& held) { field(io, held); });
  if (io.version() < 2) return;
  field(io, ledger.tail_page_size);
  optional(io, ledger.unread_from);
  optional(io, ledger.history_before);
  if (io.version() < 3) return;
  counters_more(io, ledger.counters);
}

/// 0: not told.
template <class IO, class F>
void stream_kind_field(IO& io, F& kind) {
  std::uint8_t number = kind != nullptr ? kind->number : 0;
  field(io, number);
  if constexpr (IO::kReads) {
    kind = stream_kind(number);
    if (number != 0 && kind == nullptr) return io.fail();
  }
}

template <class IO, class F>
void repository(IO& io, F& state) {
  field(io, state.ref.repo_namespace);
  field(io, state.ref.name);
  field(io, state.ref.cloud_id);
  field(io, state.dropped);
  field(io, state.passes_missed);
  field(io, state.excluded);
  field(io, state.hidden);
  ledger(io, state.ledger);
  if (io.version() < 3) return;
  stream_kind_field(io, state.kind);
  field(io, state.unlisted);
  optional(io, state.scope_changed_at);
}

template <class IO, class F>
void registry(IO& io, F& state) {
  field(io, state.identity);
  optional(io, state.created_at);
  field(io, state.discovery_scope);
  field(io, state.discovered);
  bool unused = false;  // Set by 0.1.0: initial_history was count. Nothing reads it.
  field(io, unused);
  list(io, state.bucket_bounds, [&](auto& bound) { field(io, bound); });
  for (auto& records : state.records) field(io, records);
  for (auto& rejected : state.rejected) field(io, rejected);
  for (auto& invalid : state.invalid_durations) field(io, invalid);
  field(io, state.history_gaps);
  optional(io, state.last_success);
  if (io.version() < 4) return;
  list(io, state.scrapers, [&](auto& scraper) {
    fixed_field(io, scraper.id);
    field(io, scraper.at);
  });
}

/// Records stand near their neighbours in time, and ends near starts: differences are short.
template <class IO, class F>
void closed_record(IO& io, F& record, UnixMillis& placed_before) {
  fixed_field(io, record.key);
  Millis step = difference(record.placed_at, placed_before);
  Millis span = difference(record.ended_at, record.placed_at);
  std::uint8_t kind = static_cast<std::uint8_t>(static_cast<unsigned>(record.record_class) * 16 +
                                                static_cast<unsigned>(record.outcome));
  field(io, step);
  field(io, span);
  field(io, kind);
  if constexpr (IO::kReads) {
    if (kind / 16U >= kRecordClasses || kind % 16U >= kOutcomes) return io.fail();
    record.placed_at = after(placed_before, step);
    record.ended_at = after(record.placed_at, span);
    record.record_class = static_cast<RecordClass>(kind / 16U);
    record.outcome = static_cast<Outcome>(kind % 16U);
  }
  placed_before = record.placed_at;
}

template <class IO, class F>
void closed_records(IO& io, F& records) {
  UnixMillis placed_before{};
  list(io, records, [&](auto& record) { closed_record(io, record, placed_before); });
}

template <class IO, class F>
void state_head(IO& io, F& head) {
  field(io, head.created_at);
  field(io, head.commits);
  field(io, head.follows_damage);
}

template <class T, class Fields>
Result<T> decode(std::string_view blob, BlobKind kind, BlobPlace place, Fields fields) {
  Result<BlobReader> reader = open_blob(blob, kind, place);
  if (!reader) return tl::unexpected<Error>(reader.error());
  T value;
  fields(*reader, value);
  if (reader->damaged() || reader->left() != 0) {
    return fail(ErrorKind::state_damaged, "a record can't be decoded");
  }
  return value;
}

}  // namespace

std::string encode_head(const StateHead& head, BlobPlace place) {
  BlobWriter writer;
  state_head(writer, head);
  return writer.finish(BlobKind::head, place);
}

Result<StateHead> decode_head(std::string_view blob, BlobPlace place) {
  return decode<StateHead>(blob, BlobKind::head, place,
                           [](BlobReader& io, StateHead& head) { state_head(io, head); });
}

std::string encode_registry(const RegistryState& state, BlobPlace place) {
  BlobWriter writer;
  registry(writer, state);
  return writer.finish(BlobKind::registry, place);
}

Result<RegistryState> decode_registry(std::string_view blob, BlobPlace place) {
  return decode<RegistryState>(blob, BlobKind::registry, place,
                               [](BlobReader& io, RegistryState& state) { registry(io, state); });
}

std::string encode_repository(const RepositoryState& state, BlobPlace place) {
  BlobWriter writer;
  repository(writer, state);
  return writer.finish(BlobKind::repository, place);
}

Result<RepositoryState> decode_repository(std::string_view blob, BlobPlace place) {
  return decode<RepositoryState>(
      blob, BlobKind::repository, place,
      [](BlobReader& io, RepositoryState& state) { repository(io, state); });
}

std::string encode_closed(std::span<const ClosedRecord> records, BlobPlace place) {
  BlobWriter writer;
  closed_records(writer, records);
  return writer.finish(BlobKind::closed, place);
}

Result<std::vector<ClosedRecord>> decode_closed(std::string_view blob, BlobPlace place) {
  using Records = std::vector<ClosedRecord>;
  return decode<Records>(blob, BlobKind::closed, place,
                         [](BlobReader& io, Records& records) { closed_records(io, records); });
}

}  // namespace registry_exporter::store
