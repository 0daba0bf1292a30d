#include "exporter/store/state_codec.h"

#include <zlib.h>

#include <bit>
#include <limits>
#include <type_traits>

namespace registry_exporter {
namespace {

/// What this program writes. It reads every version from 1 on: a field that came later is read
/// only from blobs that have it, and keeps its default otherwise.
///  1: the first release.
///  2: Ledger::tail_page_size, unread_from and history_before.
constexpr std::uint8_t kVersion = 2;
constexpr std::size_t kChecksumBytes = 4;

/// What a blob is of; part of its checksum like its place.
enum class BlobKind : std::uint8_t { head, registry, repository, closed };

std::uint32_t checksum(std::string_view bytes, BlobKind kind, BlobPlace place) {
  std::string where(1, static_cast<char>(kind));
  for (const std::int64_t number : {place.row, place.owner}) {
    for (int shift = 0; shift < 64; shift += 8) {
      where.push_back(static_cast<char>(static_cast<std::uint64_t>(number) >> shift));
    }
  }
  const uLong start = crc32_z(0, reinterpret_cast<const Bytef*>(where.data()), where.size());
  return static_cast<std::uint32_t>(
      crc32_z(start, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

// Signed numbers, small ones first: 0, -1, 1, -2, …
std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

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

/// Field by field into a blob. Has the same methods as Reader, so that one function lists the
/// fields of a struct for both directions.
class Writer {
 public:
  static constexpr bool kReads = false;
  static constexpr std::uint8_t version() { return kVersion; }
  Writer() {
    out_.reserve(512);  // A usual repository, without growing on the way.
    out_.push_back(static_cast<char>(kVersion));
  }

  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>(value | 0x80));
    out_.push_back(static_cast<char>(value));
  }
  void fixed(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) out_.push_back(static_cast<char>(value >> shift));
  }
  void text(const std::string& value) {
    number(value.size());
    out_ += value;
  }

  std::string finish(BlobKind kind, BlobPlace place) {
    const std::uint32_t sum = checksum(out_, kind, place);
    for (int shift = 0; shift < 32; shift += 8) out_.push_back(static_cast<char>(sum >> shift));
    return std::move(out_);
  }

 private:
  std::string out_;
};

class Reader {
 public:
  static constexpr bool kReads = true;
  Reader(std::string_view in, std::uint8_t version) : in_(in), version_(version) {}
  std::uint8_t version() const { return version_; }

  void number(std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (in_.empty()) return fail();
      const auto byte = static_cast<std::uint8_t>(in_.front());
      in_.remove_prefix(1);
      if (shift == 63 && byte > 1) return fail();
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) return;
    }
    fail();
  }
  void fixed(std::uint64_t& value) {
    if (in_.size() < 8) return fail();
    value = 0;
    for (std::size_t i = 8; i-- > 0;) value = (value << 8) | static_cast<std::uint8_t>(in_[i]);
    in_.remove_prefix(8);
  }
  void text(std::string& value) {
    std::uint64_t size = 0;
    number(size);
    if (size > in_.size()) return fail();
    value.assign(in_.substr(0, static_cast<std::size_t>(size)));
    in_.remove_prefix(static_cast<std::size_t>(size));
  }
  void fail() {
    damaged_ = true;
    in_ = {};
  }
  bool damaged() const { return damaged_; }
  std::size_t left() const { return in_.size(); }

 private:
  std::string_view in_;
  std::uint8_t version_;
  bool damaged_ = false;
};

// One function per kind of field; `F` is the value, const when writing.

template <class IO, class F>
void field(IO& io, F& value) {
  using T = std::remove_const_t<F>;
  if constexpr (std::is_same_v<T, std::string>) {
    io.text(value);
  } else if constexpr (std::is_same_v<T, double>) {
    std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
    io.fixed(bits);
    if constexpr (IO::kReads) value = std::bit_cast<double>(bits);
  } else if constexpr (std::is_same_v<T, UnixMillis> || std::is_same_v<T, Millis>) {
    std::int64_t count = 0;
    if constexpr (std::is_same_v<T, UnixMillis>) {
      count = value.time_since_epoch().count();
    } else {
      count = value.count();
    }
    std::uint64_t coded = zigzag(count);
    io.number(coded);
    if constexpr (IO::kReads) value = T{Millis{unzigzag(coded)}};
  } else if constexpr (std::is_signed_v<T>) {
    std::uint64_t coded = zigzag(value);
    io.number(coded);
    if constexpr (IO::kReads) {
      const std::int64_t number = unzigzag(coded);
      if (number < std::numeric_limits<T>::min() || number > std::numeric_limits<T>::max()) {
        return io.fail();
      }
      value = static_cast<T>(number);
    }
  } else {
    static_assert(std::is_integral_v<T>);
    auto number = static_cast<std::uint64_t>(value);
    io.number(number);
    if constexpr (IO::kReads) {
      if (number > static_cast<std::uint64_t>(std::numeric_limits<T>::max())) return io.fail();
      value = static_cast<T>(number);
    }
  }
}

template <class IO, class F>
void enumerator(IO& io, F& value, std::uint8_t last) {
  auto number = static_cast<std::uint64_t>(value);
  io.number(number);
  if constexpr (IO::kReads) {
    if (number > last) return io.fail();
    value = static_cast<F>(number);
  }
}

template <class IO, class F, class Each>
void optional(IO& io, F& value, Each each) {
  std::uint64_t present = value.has_value() ? 1 : 0;
  io.number(present);
  if constexpr (IO::kReads) {
    if (present > 1) return io.fail();
    if (present == 1) value.emplace();
  }
  if (present == 1) each(*value);
}

template <class IO, class F>
void optional(IO& io, F& value) {
  optional(io, value, [&](auto& inner) { field(io, inner); });
}

template <class IO, class F, class Each>
void list(IO& io, F& values, Each each) {
  std::uint64_t size = values.size();
  io.number(size);
  if constexpr (IO::kReads) {
    if (size > io.left()) return io.fail();  // Each item has at least a byte.
    values.resize(static_cast<std::size_t>(size));
  }
  for (auto& value : values) each(value);
}

template <class IO, class F>
void record_key_field(IO& io, F& key) {
  if constexpr (IO::kReads) {
    std::uint64_t value = 0;
    io.fixed(value);
    key = value;
  } else {
    io.fixed(key);
  }
}

template <class IO, class F>
void open_record(IO& io, F& open) {
  field(io, open.id);
  record_key_field(io, open.key);
  field(io, open.placed_at);
  field(io, open.start_known);
  field(io, open.sweeps_missed);
  field(io, open.gone);
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

template <class IO, class F>
void counters(IO& io, F& counters) {
  for (auto& events : counters.events.values) field(io, events);
  for (auto& durations : counters.durations.values) {
    optional(io, durations, [&](auto& histogram) {
      list(io, histogram.counts, [&](auto& bucket) { field(io, bucket); });
      field(io, histogram.sum_ms);
    });
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
  list(io, ledger.unanchored, [&](auto& key) { record_key_field(io, key); });
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
  for (auto& last_end : ledger.last_end.values) optional(io, last_end);
  for (auto& held : ledger.events_held.values) field(io, held);
  for (auto& held : ledger.durations_held.values) field(io, held);
  if (io.version() < 2) return;
  field(io, ledger.tail_page_size);
  optional(io, ledger.unread_from);
  optional(io, ledger.history_before);
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
}

template <class IO, class F>
void registry(IO& io, F& state) {
  field(io, state.identity);
  optional(io, state.created_at);
  field(io, state.discovery_scope);
  field(io, state.discovered);
  field(io, state.count_history);
  list(io, state.bucket_bounds, [&](auto& bound) { field(io, bound); });
  for (auto& records : state.records) field(io, records);
  for (auto& rejected : state.rejected) field(io, rejected);
  for (auto& invalid : state.invalid_durations) field(io, invalid);
  field(io, state.history_gaps);
  optional(io, state.last_success);
}

/// Records stand near their neighbours in time, and ends near starts: differences are short.
template <class IO, class F>
void closed_record(IO& io, F& record, UnixMillis& placed_before) {
  record_key_field(io, record.key);
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

/// The fields of a blob whose version is known and whose checksum is right.
Result<Reader> checked(std::string_view blob, BlobKind kind, BlobPlace place) {
  if (blob.size() < 1 + kChecksumBytes) return fail(ErrorKind::state_damaged, "short record");
  const std::string_view body = blob.substr(0, blob.size() - kChecksumBytes);
  std::uint32_t sum = 0;
  for (std::size_t i = kChecksumBytes; i-- > 0;) {
    sum = (sum << 8) | static_cast<std::uint8_t>(blob[body.size() + i]);
  }
  if (sum != checksum(body, kind, place)) return fail(ErrorKind::state_damaged, "wrong checksum");
  const auto version = static_cast<std::uint8_t>(body.front());
  if (version > kVersion) return fail(ErrorKind::state_newer, "written by a newer version");
  if (version == 0) return fail(ErrorKind::state_damaged, "unknown version");
  return Reader(body.substr(1), version);
}

template <class T, class Fields>
Result<T> decode(std::string_view blob, BlobKind kind, BlobPlace place, Fields fields) {
  Result<Reader> reader = checked(blob, kind, place);
  if (!reader) return tl::unexpected<Error>(reader.error());
  T value;
  fields(*reader, value);
  if (reader->damaged() || reader->left() != 0) {
    return fail(ErrorKind::state_damaged, "a record that makes no sense");
  }
  return value;
}

}  // namespace

std::string encode_head(const StateHead& head, BlobPlace place) {
  Writer writer;
  state_head(writer, head);
  return writer.finish(BlobKind::head, place);
}

Result<StateHead> decode_head(std::string_view blob, BlobPlace place) {
  return decode<StateHead>(blob, BlobKind::head, place,
                           [](Reader& io, StateHead& head) { state_head(io, head); });
}

std::string encode_registry(const RegistryState& state, BlobPlace place) {
  Writer writer;
  registry(writer, state);
  return writer.finish(BlobKind::registry, place);
}

Result<RegistryState> decode_registry(std::string_view blob, BlobPlace place) {
  return decode<RegistryState>(blob, BlobKind::registry, place,
                               [](Reader& io, RegistryState& state) { registry(io, state); });
}

std::string encode_repository(const RepositoryState& state, BlobPlace place) {
  Writer writer;
  repository(writer, state);
  return writer.finish(BlobKind::repository, place);
}

Result<RepositoryState> decode_repository(std::string_view blob, BlobPlace place) {
  return decode<RepositoryState>(blob, BlobKind::repository, place,
                                 [](Reader& io, RepositoryState& state) { repository(io, state); });
}

std::string encode_closed(std::span<const ClosedRecord> records, BlobPlace place) {
  Writer writer;
  closed_records(writer, records);
  return writer.finish(BlobKind::closed, place);
}

Result<std::vector<ClosedRecord>> decode_closed(std::string_view blob, BlobPlace place) {
  using Records = std::vector<ClosedRecord>;
  return decode<Records>(blob, BlobKind::closed, place,
                         [](Reader& io, Records& records) { closed_records(io, records); });
}

}  // namespace registry_exporter
