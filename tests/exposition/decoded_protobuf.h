#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Reads delimited messages of io.prometheus.client by rules written down here on their own: the
/// encoding of protobuf (protobuf.dev/programming-guides/encoding) and client_model's
/// metrics.proto. Throws std::runtime_error for what does not belong there.
namespace registry_exporter::sample {

/// One field of a message: its number, and its value as a number or as bytes.
struct WireField {
  std::uint32_t number = 0;
  std::uint32_t type = 0;   ///< 0: varint, 1: eight bytes, 2: bytes with their length.
  std::uint64_t value = 0;  ///< Of types 0 and 1.
  std::string_view bytes;   ///< Of type 2.

  double real() const {
    if (type != 1) throw std::runtime_error("no double");
    return std::bit_cast<double>(value);
  }
  std::uint64_t whole() const {
    if (type != 0) throw std::runtime_error("no whole number");
    return value;
  }
  std::string_view content() const {
    if (type != 2) throw std::runtime_error("no bytes");
    return bytes;
  }
};

inline std::uint64_t take_varint(std::string_view& from) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (from.empty()) throw std::runtime_error("a varint is cut off");
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  throw std::runtime_error("a varint without an end");
}

inline std::string_view take_bytes(std::string_view& from, std::uint64_t size) {
  if (size > from.size()) throw std::runtime_error("bytes are cut off");
  const std::string_view bytes = from.substr(0, size);
  from.remove_prefix(size);
  return bytes;
}

inline std::vector<WireField> fields_of(std::string_view message) {
  std::vector<WireField> fields;
  while (!message.empty()) {
    WireField field;
    const std::uint64_t key = take_varint(message);
    field.number = static_cast<std::uint32_t>(key >> 3);
    field.type = static_cast<std::uint32_t>(key & 7);
    if (field.type == 0) {
      field.value = take_varint(message);
    } else if (field.type == 1) {
      const std::string_view bytes = take_bytes(message, 8);
      for (std::size_t i = 0; i < 8; ++i) {
        field.value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
      }
    } else if (field.type == 2) {
      field.bytes = take_bytes(message, take_varint(message));
    } else {
      throw std::runtime_error("an unknown wire type");
    }
    fields.push_back(field);
  }
  return fields;
}

using LabelMap = std::map<std::string, std::string>;

struct DecodedExemplar {
  LabelMap labels;
  double value = 0;
  double timestamp = 0;
};

struct DecodedBucket {
  std::uint64_t cumulative = 0;
  double bound = 0;
  std::optional<DecodedExemplar> exemplar;
};

struct DecodedNative {
  std::int64_t schema = 0;
  double zero_threshold = 0;
  std::uint64_t zeros = 0;
  std::map<std::int64_t, std::uint64_t> buckets;  ///< By index; a bucket of a span may be empty.
  std::uint64_t count() const {
    std::uint64_t all = zeros;
    for (const auto& [index, count] : buckets) all += count;
    return all;
  }
};

struct DecodedMetric {
  LabelMap labels;
  std::string kind;  ///< Which of its fields is set: "gauge", "counter" or "histogram".
  double value = 0;  ///< Of gauges and counters; of histograms their sum.
  std::uint64_t count = 0;
  std::vector<DecodedBucket> buckets;
  std::optional<DecodedNative> native;
  std::optional<double> created;
};

struct DecodedFamily {
  std::string name, help, type, unit;
  std::vector<DecodedMetric> metrics;
};

inline void decode_label(std::string_view pair, LabelMap& labels) {
  std::string name, value;
  for (const WireField& field : fields_of(pair)) {
    if (field.number > 2) throw std::runtime_error("a field in a label");
    (field.number == 1 ? name : value) = std::string(field.content());
  }
  if (!labels.emplace(name, value).second) throw std::runtime_error("a label twice");
}

inline double decode_time(std::string_view message) {
  double time = 0;
  for (const WireField& field : fields_of(message)) {
    const auto number = static_cast<double>(static_cast<std::int64_t>(field.whole()));
    if (field.number == 2 && number >= 1e9) throw std::runtime_error("too many nanoseconds");
    time += field.number == 1 ? number : number / 1e9;
  }
  return time;
}

inline DecodedBucket decode_bucket(std::string_view message) {
  DecodedBucket bucket;
  for (const WireField& field : fields_of(message)) {
    if (field.number == 1) bucket.cumulative = field.whole();
    if (field.number == 2) bucket.bound = field.real();
    if (field.number != 3) continue;
    bucket.exemplar.emplace();
    for (const WireField& part : fields_of(field.content())) {
      if (part.number == 1) decode_label(part.content(), bucket.exemplar->labels);
      if (part.number == 2) bucket.exemplar->value = part.real();
      if (part.number == 3) bucket.exemplar->timestamp = decode_time(part.content());
    }
  }
  return bucket;
}

inline std::int64_t unzigzagged(std::uint64_t value) {
  const auto half = static_cast<std::int64_t>(value / 2);
  return value % 2 == 0 ? half : -half - 1;
}

/// Fields 5 to 13 of a histogram. Spans tell where the buckets are, deltas how many are in them.
inline DecodedNative decode_native(std::string_view histogram) {
  DecodedNative native;
  std::vector<std::int64_t> indices, deltas;
  std::int64_t next = 0;
  for (const WireField& field : fields_of(histogram)) {
    if (field.number == 5) native.schema = unzigzagged(field.whole());
    if (field.number == 6) native.zero_threshold = field.real();
    if (field.number == 7) native.zeros = field.whole();
    if (field.number == 12) {
      std::uint64_t length = 0;
      const bool first = indices.empty();
      for (const WireField& part : fields_of(field.content())) {
        if (part.number == 1) {
          const std::int64_t offset = unzigzagged(part.whole());
          if (!first && offset < 0) throw std::runtime_error("a span before the one before");
          next += offset;
        }
        if (part.number == 2) length = part.whole();
      }
      for (; length > 0; --length) indices.push_back(next++);
    }
    if (field.number == 13) {  // Packed, or one by one.
      std::string_view packed = field.bytes;
      if (field.type == 0) deltas.push_back(unzigzagged(field.value));
      while (!packed.empty()) deltas.push_back(unzigzagged(take_varint(packed)));
    }
    if ((field.number >= 8 && field.number <= 11) || field.number == 14) {
      throw std::runtime_error("negative or fractional buckets");
    }
  }
  if (indices.size() != deltas.size()) throw std::runtime_error("spans and deltas do not agree");
  std::int64_t count = 0;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    count += deltas[i];
    if (count < 0) throw std::runtime_error("a negative bucket");
    native.buckets[indices[i]] = static_cast<std::uint64_t>(count);
  }
  return native;
}

inline void decode_value(const WireField& field, DecodedMetric& metric) {
  const std::map<std::uint32_t, std::string> kinds{{2, "gauge"}, {3, "counter"}, {7, "histogram"}};
  if (!metric.kind.empty()) throw std::runtime_error("two values");
  metric.kind = kinds.at(field.number);
  const bool histogram = metric.kind == "histogram";
  for (const WireField& part : fields_of(field.content())) {
    if (part.number == (histogram ? 2U : 1U)) {
      metric.value = part.real();
    } else if (part.number == (histogram ? 15U : 3U) && metric.kind != "gauge") {
      if (!histogram || part.number == 15) metric.created = decode_time(part.content());
    } else if (histogram && part.number == 1) {
      metric.count = part.whole();
    } else if (histogram && part.number == 3) {
      metric.buckets.push_back(decode_bucket(part.content()));
    } else if (histogram && part.number >= 5 && part.number <= 13) {
      metric.native = decode_native(field.content());
    } else {
      throw std::runtime_error("an unexpected field of a value");
    }
  }
}

inline DecodedFamily decode_family(std::string_view message) {
  const std::map<std::uint64_t, std::string> types{{0, "counter"}, {1, "gauge"}, {4, "histogram"}};
  DecodedFamily family;
  for (const WireField& field : fields_of(message)) {
    if (field.number == 1) family.name = std::string(field.content());
    if (field.number == 2) family.help = std::string(field.content());
    if (field.number == 3) family.type = types.at(field.whole());
    if (field.number == 5) family.unit = std::string(field.content());
    if (field.number > 5) throw std::runtime_error("an unknown field of a family");
    if (field.number != 4) continue;
    DecodedMetric& metric = family.metrics.emplace_back();
    for (const WireField& part : fields_of(field.content())) {
      if (part.number == 1) {
        decode_label(part.content(), metric.labels);
      } else {
        decode_value(part, metric);
      }
    }
    if (metric.kind != family.type) throw std::runtime_error("a metric of another type");
  }
  return family;
}

inline std::vector<DecodedFamily> decode_families(std::string_view stream) {
  std::vector<DecodedFamily> families;
  std::set<std::string> names;
  while (!stream.empty()) {
    families.push_back(decode_family(take_bytes(stream, take_varint(stream))));
    if (!names.insert(families.back().name).second) {
      throw std::runtime_error("a family in two places");
    }
  }
  return families;
}

}  // namespace registry_exporter::sample
