#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/exposition/family.h"
#include "exporter/exposition/line_part.h"
#include "exporter/model/snapshot.h"

/// The protobuf format: messages of io.prometheus.client (client_model's metrics.proto). Pure.
namespace registry_exporter::exposition {

/// Appends a label to the labels of a series: field `label` of Metric.
void append_label_pair(std::string& out, std::string_view name, std::string_view value);

/// What stands before the metrics of a family: the length of the whole MetricFamily, of which
/// `metrics_bytes` are still to come, and its other fields.
std::string protobuf_head(const Family& family, std::size_t metrics_bytes);

/// Writes metrics of a MetricFamily. Labels are given as append_label_pair() wrote them, in two
/// parts: those of the row, and those of the series.
class ProtobufWriter {
 public:
  struct SeriesLabels {
    const LinePart& row;
    const LinePart& series;
  };
  struct Histogram {
    std::span<const double> bounds;             ///< Without +Inf.
    std::span<const std::uint64_t> cumulative;  ///< By bucket; the last is +Inf.
    double sum = 0;
    std::span<const std::optional<Exemplar>> exemplars{};  ///< By bucket; may be shorter.
    const NativeHistogram* native = nullptr;  ///< nullptr: there are classic buckets alone.
    std::optional<UnixMillis> created{};
  };

  void gauge(const SeriesLabels& labels, double value);
  void counter(const SeriesLabels& labels, double value, std::optional<UnixMillis> created);
  void histogram(const SeriesLabels& labels, const Histogram& histogram);

  std::size_t size() const { return buffer_.used; }
  std::string_view text() const { return {buffer_.bytes.data(), buffer_.used}; }
  /// Metrics as they were written before.
  void append(std::string_view metrics) {
    buffer_.used += metrics.copy(buffer_.place(metrics.size()), metrics.size());
  }
  /// Drops what is behind so many bytes.
  void shrink(std::size_t size) { buffer_.used = size; }
  /// The metrics so far; the writer is then empty and keeps its memory.
  std::string take();

 private:
  class Room;
  struct Buffer {
    std::vector<char> bytes;
    std::size_t used = 0;

    /// A place with room for so many bytes.
    char* place(std::size_t most) {
      if (bytes.size() - used < most) bytes.resize(2 * bytes.size() + most);
      return bytes.data() + used;
    }
  };
  /// The last time that was written: the series of a row began at the same one, as a rule.
  struct Time {
    std::optional<UnixMillis> time;
    std::array<char, 32> bytes{};
    std::size_t size = 0;
  };

  // Both are good until the next call.
  std::string_view time_message(UnixMillis time);
  std::string_view histogram_message(const Histogram& shown);
  /// `value`: the message in field `tag`.
  void add_metric(const SeriesLabels& labels, std::uint32_t tag, std::string_view value);

  Buffer buffer_;
  Buffer value_;  ///< Kept for its memory.
  Time time_;
};

}  // namespace registry_exporter::exposition
