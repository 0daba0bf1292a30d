#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/exposition/encode.h"
#include "exporter/exposition/family.h"
#include "exporter/exposition/line_part.h"
#include "exporter/exposition/protobuf_writer.h"

namespace registry_exporter::exposition {

/// What the lines of one series have in common, whichever row they belong to:
/// `head` + the labels of the row + `tail` + value.
struct LineFrame {
  LinePart head;  ///< `acr_builds_total{`; in protobuf nothing.
  LinePart tail;  ///< `,status="success"} `; in protobuf the labels alone.
};
LineFrame line_frame(ExpositionFormat format, std::string_view sample, const Labels& more = {});
/// The tail of a frame; `labels`: as written() gives them.
LinePart frame_tail(ExpositionFormat format, std::string labels);

/// A counter that tells when it began.
struct CounterFrame {
  LineFrame value, created;
};
CounterFrame counter_frame(ExpositionFormat format, std::string_view family,
                           const Labels& more = {});

struct HistogramFrame {
  std::vector<double> bounds;      ///< Without +Inf.
  std::vector<LineFrame> buckets;  ///< The last is +Inf. In protobuf there are none.
  LineFrame sum, count, created;
};
HistogramFrame histogram_frame(ExpositionFormat format, std::string_view family,
                               std::vector<double> bounds, const Labels& more);

template <class Sum>
struct HistogramSample {
  std::span<const std::uint64_t> cumulative;  ///< By bucket; the last is +Inf.
  Sum sum{};
  std::optional<UnixMillis> created{};
  std::span<const std::optional<Exemplar>> exemplars{};  ///< By bucket; may be shorter.
  const NativeHistogram* native = nullptr;               ///< The same observations.
};

/// Writes samples in one format into a buffer. No other code puts a sample together.
class SampleWriter {
 public:
  explicit SampleWriter(ExpositionFormat format = ExpositionFormat::text,
                        std::size_t capacity = 1024)
      : format_(format), buffer_(format == ExpositionFormat::protobuf ? 0 : capacity) {}

  /// A gauge.
  template <class Number>
  void add(const LineFrame& frame, const LinePart& labels, Number value) {
    if (format_ != ExpositionFormat::protobuf) return add_line(frame, labels, value);
    protobuf_.gauge({labels, frame.tail}, as_double(value));
  }

  /// A counter; `created`: when it began, if that is to be shown.
  template <class Number>
  void add(const CounterFrame& frame, const LinePart& labels, Number value,
           std::optional<UnixMillis> created) {
    if (format_ == ExpositionFormat::protobuf) {
      protobuf_.counter({labels, frame.value.tail}, as_double(value), created);
      return;
    }
    add_line(frame.value, labels, value);
    if (created) add_line(frame.created, labels, seconds(*created));
  }

  template <class Sum>
  void add(const HistogramFrame& frame, const LinePart& labels, const HistogramSample<Sum>& shown) {
    if (format_ == ExpositionFormat::protobuf) {
      protobuf_.histogram({labels, frame.count.tail}, {.bounds = frame.bounds,
                                                       .cumulative = shown.cumulative,
                                                       .sum = as_double(shown.sum),
                                                       .exemplars = shown.exemplars,
                                                       .native = shown.native,
                                                       .created = shown.created});
      return;
    }
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < shown.cumulative.size(); ++i) {
      const bool has_one = format_ == ExpositionFormat::openmetrics && i < shown.exemplars.size() &&
                           shown.exemplars[i] && shown.cumulative[i] > before;
      before = shown.cumulative[i];
      add_line(frame.buckets[i], labels, before,
               has_one ? exemplar_text(*shown.exemplars[i]) : std::string());
    }
    add_line(frame.sum, labels, shown.sum);
    add_line(frame.count, labels, before);
    if (shown.created) add_line(frame.created, labels, seconds(*shown.created));
  }

  /// A gauge or counter whose labels are like no other's; there may be none.
  template <class Number>
  void add(std::string_view family, FamilyType type, const Labels& labels, Number value,
           std::optional<UnixMillis> created = std::nullopt) {
    const LinePart row(written(labels, format_));
    if (format_ != ExpositionFormat::protobuf && labels.empty()) {
      return add_line({LinePart(std::string(family)), LinePart(" ")}, row, value);
    }
    if (type == FamilyType::counter) {
      add(counter_frame(format_, family), row, value, created);
    } else {
      add(line_frame(format_, family), row, value);
    }
  }

  ExpositionFormat format() const { return format_; }
  std::size_t size() const {
    return format_ == ExpositionFormat::protobuf ? protobuf_.size() : used_;
  }
  std::string_view text() const {
    if (format_ == ExpositionFormat::protobuf) return protobuf_.text();
    return {buffer_.data(), used_};
  }
  /// Text as this writer wrote it before.
  void append(std::string_view text) {
    if (format_ == ExpositionFormat::protobuf) return protobuf_.append(text);
    if (buffer_.size() - used_ < text.size()) buffer_.resize(2 * buffer_.size() + text.size());
    used_ += text.copy(buffer_.data() + used_, text.size());
  }
  /// Drops what is behind so many bytes.
  void shrink(std::size_t size) {
    format_ == ExpositionFormat::protobuf ? protobuf_.shrink(size) : void(used_ = size);
  }
  /// What was added; the writer is then empty and keeps its memory.
  std::string take() {
    if (format_ == ExpositionFormat::protobuf) return protobuf_.take();
    return {buffer_.data(), std::exchange(used_, 0)};
  }

  /// One line of text. `after`: what follows the value, with a blank before it: a time or an
  /// exemplar.
  template <class Number>
  void add_line(const LineFrame& frame, const LinePart& labels, Number value,
                std::string_view after = {}) {
    const std::size_t most = frame.head.size() + labels.size() + frame.tail.size() +
                             LinePart::kStride + kNumberBytes + after.size() + 1;
    if (buffer_.size() - used_ < most) buffer_.resize(2 * buffer_.size() + most);
    char* to = buffer_.data() + used_;
    to = frame.head.copy(to);
    to = labels.copy(to);
    to = frame.tail.copy(to);
    to = write_number(to, value);
    if (!after.empty()) to += after.copy(to, after.size());
    *to++ = '\n';
    used_ = static_cast<std::size_t>(to - buffer_.data());
  }

 private:
  const ExpositionFormat format_;
  ProtobufWriter protobuf_;
  std::vector<char> buffer_;
  std::size_t used_ = 0;
};

}  // namespace registry_exporter::exposition
