#include "exporter/exposition/protobuf_writer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <protozero/basic_pbf_writer.hpp>
#include <protozero/buffer_fixed.hpp>
#include <protozero/buffer_string.hpp>
#include <protozero/pbf_writer.hpp>
#include <protozero/varint.hpp>
#include <utility>

#include "exporter/exposition/encode.h"

namespace registry_exporter::exposition {
namespace {

using protozero::pbf_writer;
using FixedBuffer = protozero::fixed_size_buffer_adaptor;
using FixedWriter = protozero::basic_pbf_writer<FixedBuffer>;

// Numbers of the fields in metrics.proto, by message.
namespace label_pair {
enum : protozero::pbf_tag_type { name = 1, value = 2 };
}
namespace metric_family {
enum : protozero::pbf_tag_type { name = 1, help = 2, type = 3, metric = 4, unit = 5 };
}
namespace metric {
enum : protozero::pbf_tag_type { label = 1, gauge = 2, counter = 3, histogram = 7 };
}
namespace gauge {
enum : protozero::pbf_tag_type { value = 1 };
}
namespace counter {
enum : protozero::pbf_tag_type { value = 1, created = 3 };
}
namespace histogram {
enum : protozero::pbf_tag_type {
  count = 1,
  sum = 2,
  bucket = 3,
  schema = 5,
  zero_threshold = 6,
  zero_count = 7,
  positive_span = 12,
  positive_delta = 13,
  created = 15
};
}
namespace bucket {
enum : protozero::pbf_tag_type { cumulative_count = 1, upper_bound = 2, exemplar = 3 };
}
namespace bucket_span {
enum : protozero::pbf_tag_type { offset = 1, length = 2 };
}
namespace exemplar {
enum : protozero::pbf_tag_type { label = 1, value = 2, timestamp = 3 };
}
namespace timestamp {
enum : protozero::pbf_tag_type { seconds = 1, nanos = 2 };
}

constexpr std::size_t kDoubleField = 9;    // Its tag, then eight bytes.
constexpr std::size_t kSmallMessage = 48;  // A number of each kind, and a time.
constexpr std::size_t kHead = 1 + protozero::max_varint_length;  // Tag and length of any message.
// The most that these fields can take. While a message of unknown length is written, protozero
// keeps five bytes for its length.
constexpr std::size_t kHistogramFields = 64;  // Count, sum, created.
constexpr std::size_t kBucketField = 48;
constexpr std::size_t kExemplarField = 4 * 128 + 96;  // The id: 128 characters of four bytes.
constexpr std::size_t kNativeFields = 64;             // All but the buckets.
constexpr std::size_t kSpanField = 2 + 2 * (1 + 5);
constexpr std::int32_t kNanosPerMilli = 1'000'000;

/// The value of the enumeration MetricType.
std::int32_t number_of(FamilyType type) {
  switch (type) {
    case FamilyType::counter:
      return 0;
    case FamilyType::gauge:
      return 1;
    case FamilyType::histogram:
      return 4;
  }
  return 1;
}

/// A message of a few numbers. protozero moves a message whose length it learns at its end.
class SmallMessage {
 public:
  SmallMessage() = default;
  SmallMessage(const SmallMessage&) = delete;
  SmallMessage& operator=(const SmallMessage&) = delete;

  FixedWriter& fields() { return fields_; }
  std::string_view view() const { return {buffer_.data(), buffer_.size()}; }

 private:
  std::array<char, kSmallMessage> bytes_;
  FixedBuffer buffer_{bytes_};
  FixedWriter fields_{buffer_};
};

void add_message(FixedWriter& to, protozero::pbf_tag_type tag, std::string_view message) {
  to.add_message(tag, message.data(), message.size());
}

void add_time_fields(FixedWriter& to, UnixMillis time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = static_cast<std::int32_t>((time - whole).count());
  to.add_int64(timestamp::seconds, whole.time_since_epoch().count());
  if (rest != 0) to.add_int32(timestamp::nanos, rest * kNanosPerMilli);
}

/// Of a field that is a message or text of `bytes` bytes.
std::size_t field_bytes(std::size_t bytes) {
  return static_cast<std::size_t>(1 + protozero::length_of_varint(bytes)) + bytes;
}

/// Of a field that is a number.
std::size_t number_bytes(std::uint64_t number) {
  return static_cast<std::size_t>(1 + protozero::length_of_varint(number));
}

/// What stands before the fields of a message whose length is known. They can be written by the
/// writer of the parent, which costs less than a writer of their own.
void append_head(FixedBuffer& to, protozero::pbf_tag_type tag, std::size_t bytes) {
  protozero::add_varint_to_buffer(
      &to, protozero::tag_and_type(tag, protozero::pbf_wire_type::length_delimited));
  protozero::add_varint_to_buffer(&to, bytes);
}

/// Writes what stands before the fields of a message, and returns its end.
char* write_head(char* to, protozero::pbf_tag_type tag, std::size_t bytes) {
  to += protozero::add_varint_to_buffer(
      to, protozero::tag_and_type(tag, protozero::pbf_wire_type::length_delimited));
  return to + protozero::add_varint_to_buffer(to, bytes);
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void add_exemplar(FixedWriter& parent, const Exemplar& shown) {
  const auto id = exemplar_id(shown);
  if (!id) return;
  FixedWriter written(parent, bucket::exemplar);
  {
    FixedWriter label(written, exemplar::label);
    label.add_string(label_pair::name, kExemplarLabel.data(), kExemplarLabel.size());
    label.add_string(label_pair::value, *id);
  }
  written.add_double(exemplar::value, shown.seconds);
  SmallMessage time;
  add_time_fields(time.fields(), shown.ended_at);
  add_message(written, exemplar::timestamp, time.view());
}

void add_bucket_numbers(FixedWriter& to, std::uint64_t count, double bound) {
  to.add_uint64(bucket::cumulative_count, count);
  to.add_double(bucket::upper_bound, bound);
}

void add_bucket(FixedBuffer& to, std::uint64_t count, double bound, const Exemplar* shown) {
  FixedWriter parent(to);
  if (shown == nullptr) {
    append_head(to, histogram::bucket, number_bytes(count) + kDoubleField);
    return add_bucket_numbers(parent, count, bound);
  }
  FixedWriter written(parent, histogram::bucket);
  add_bucket_numbers(written, count, bound);
  add_exemplar(written, *shown);
}

/// Each run of buckets without a gap between them: how far it is from the one before, and its
/// length.
void add_spans(FixedWriter& to, std::span<const NativeBucket> buckets) {
  std::int32_t end_before = 0;
  for (std::size_t i = 0; i < buckets.size();) {
    const std::int32_t begin = buckets[i].index;
    std::int32_t end = begin;
    for (; i < buckets.size() && buckets[i].index == end; ++i) ++end;
    const std::int32_t offset = begin - end_before;
    const auto length = static_cast<std::uint32_t>(end - begin);
    SmallMessage span;
    span.fields().add_sint32(bucket_span::offset, offset);
    span.fields().add_uint32(bucket_span::length, length);
    add_message(to, histogram::positive_span, span.view());
    end_before = end;
  }
}

/// Each bucket's count, as the difference from that of the one before; packed.
void add_deltas(FixedWriter& to, std::span<const NativeBucket> buckets) {
  std::array<char, kNativeBucketsMax * protozero::max_varint_length> packed;
  FixedBuffer written(packed);
  std::uint64_t before = 0;
  for (const NativeBucket& bucket : buckets) {
    const auto delta = static_cast<std::int64_t>(bucket.count - before);
    protozero::add_varint_to_buffer(&written, protozero::encode_zigzag64(delta));
    before = bucket.count;
  }
  add_message(to, histogram::positive_delta, {written.data(), written.size()});
}

void add_native(FixedWriter& to, const NativeHistogram& native) {
  to.add_sint32(histogram::schema, native.schema);
  to.add_double(histogram::zero_threshold, kNativeZeroThreshold);
  if (native.zeros > 0) to.add_uint64(histogram::zero_count, native.zeros);
  if (native.buckets.empty()) return;
  add_spans(to, native.buckets);
  add_deltas(to, native.buckets);
}

template <class Writer>
void add_text(Writer& to, protozero::pbf_tag_type tag, std::string_view text) {
  to.add_string(tag, text.data(), text.size());
}

}  // namespace

void append_label_pair(std::string& out, std::string_view name, std::string_view value) {
  std::string valid;
  if (!is_ascii(value)) value = valid = valid_utf8(value);
  const std::size_t pair_bytes = field_bytes(name.size()) + field_bytes(value.size());
  const std::size_t begin = out.size();
  out.resize(begin + field_bytes(pair_bytes));
  FixedBuffer bytes(out.data() + begin, out.size() - begin);
  FixedWriter labels(bytes);
  FixedWriter pair(labels, metric::label, pair_bytes);
  add_text(pair, label_pair::name, name);
  add_text(pair, label_pair::value, value);
}

std::string protobuf_head(const Family& family, std::size_t metrics_bytes) {
  std::string fields;
  pbf_writer written(fields);
  add_text(written, metric_family::name, family.name);
  add_text(written, metric_family::help, help_of(family));
  written.add_enum(metric_family::type, number_of(family.type));
  if (const auto unit = unit_of(family); !unit.empty()) {
    add_text(written, metric_family::unit, unit);
  }
  std::string head;
  protozero::add_varint_to_buffer(&head, fields.size() + metrics_bytes);
  return head + fields;
}

/// A place in a buffer with room for one message: written without asking for room again.
class ProtobufWriter::Room {
 public:
  Room(Buffer& buffer, std::size_t most) : buffer_(buffer), bytes_(buffer.place(most), most) {}
  ~Room() { buffer_.used += bytes_.size(); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  FixedBuffer& bytes() { return bytes_; }

 private:
  Buffer& buffer_;
  FixedBuffer bytes_;
};

void ProtobufWriter::gauge(const SeriesLabels& labels, double value) {
  SmallMessage written;
  written.fields().add_double(gauge::value, value);
  add_metric(labels, metric::gauge, written.view());
}

void ProtobufWriter::counter(const SeriesLabels& labels, double value,
                             std::optional<UnixMillis> created) {
  SmallMessage written;
  written.fields().add_double(counter::value, value);
  if (created) add_message(written.fields(), counter::created, time_message(*created));
  add_metric(labels, metric::counter, written.view());
}

void ProtobufWriter::histogram(const SeriesLabels& labels, const Histogram& shown) {
  add_metric(labels, metric::histogram, histogram_message(shown));
}

void ProtobufWriter::add_metric(const SeriesLabels& labels, std::uint32_t tag,
                                std::string_view value) {
  const std::size_t bytes = labels.row.size() + labels.series.size() + field_bytes(value.size());
  char* to = buffer_.place(kHead + bytes + LinePart::kStride);
  to = write_head(to, metric_family::metric, bytes);
  to = labels.row.copy(to);
  to = labels.series.copy(to);
  to = write_head(to, tag, value.size());
  to += value.copy(to, value.size());
  buffer_.used = static_cast<std::size_t>(to - buffer_.bytes.data());
}

std::string_view ProtobufWriter::time_message(UnixMillis time) {
  if (time_.time != time) {
    FixedBuffer bytes(time_.bytes);
    FixedWriter written(bytes);
    add_time_fields(written, time);
    time_.time = time;
    time_.size = bytes.size();
  }
  return {time_.bytes.data(), time_.size};
}

std::string_view ProtobufWriter::histogram_message(const Histogram& shown) {
  value_.used = 0;
  std::size_t most = kHistogramFields + shown.cumulative.size() * kBucketField;
  most += shown.exemplars.size() * kExemplarField;
  if (shown.native) {
    most +=
        kNativeFields + shown.native->buckets.size() * (kSpanField + protozero::max_varint_length);
  }
  Room room(value_, most);
  FixedWriter written(room.bytes());
  written.add_uint64(histogram::count, shown.cumulative.back());
  written.add_double(histogram::sum, shown.sum);
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < shown.cumulative.size(); ++i) {
    const std::uint64_t count = shown.cumulative[i];
    const bool has_one = i < shown.exemplars.size() && shown.exemplars[i] && count > before;
    before = count;
    const double bound =
        i < shown.bounds.size() ? shown.bounds[i] : std::numeric_limits<double>::infinity();
    add_bucket(room.bytes(), count, bound, has_one ? &*shown.exemplars[i] : nullptr);
  }
  if (shown.native) add_native(written, *shown.native);
  if (shown.created) add_message(written, histogram::created, time_message(*shown.created));
  return {room.bytes().data(), room.bytes().size()};
}

std::string ProtobufWriter::take() {
  return {buffer_.bytes.data(), std::exchange(buffer_.used, 0)};
}

}  // namespace registry_exporter::exposition
