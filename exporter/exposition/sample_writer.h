#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/exposition/encode.h"

namespace registry_exporter {

/// A text that is copied into many lines. It is stored with padding behind it, so that it can be
/// copied in strides of a fixed size, which the compiler inlines, instead of by calls of memcpy.
class LinePart {
 public:
  static constexpr std::size_t kStride = 32;

  LinePart() = default;
  explicit LinePart(std::string text) : text_(std::move(text)), size_(text_.size()) {
    text_.resize((size_ / kStride + 1) * kStride);
  }
  std::size_t size() const { return size_; }
  std::string_view view() const { return {text_.data(), size_}; }

  /// There must be room for size() + kStride bytes. Returns the end of the text.
  char* copy(char* to) const {
    for (std::size_t at = 0; at < size_; at += kStride) {
      std::memcpy(to + at, text_.data() + at, kStride);
    }
    return to + size_;
  }

 private:
  std::string text_ = std::string(kStride, '\0');
  std::size_t size_ = 0;
};

/// What the lines of one series have in common, whichever row they belong to:
/// `head` + the labels of the row + `tail` + value.
struct LineFrame {
  LinePart head;  ///< `acr_builds_total{`
  LinePart tail;  ///< `,status="success"} `
};
inline LineFrame line_frame(std::string_view sample, std::string_view more_labels = {}) {
  std::string tail = "} ";
  if (!more_labels.empty()) tail = "," + std::string(more_labels) + tail;
  return {LinePart(std::string(sample) + "{"), LinePart(std::move(tail))};
}

/// Writes sample lines into a buffer. No other code puts a sample line together.
class SampleWriter {
 public:
  explicit SampleWriter(std::size_t capacity = 1024) : buffer_(capacity) {}

  template <class Number>
  void add(const LineFrame& frame, const LinePart& labels, Number value,
           std::string_view exemplar = {}) {
    const std::size_t most = frame.head.size() + labels.size() + frame.tail.size() +
                             LinePart::kStride + kNumberBytes + exemplar.size() + 1;
    if (buffer_.size() - used_ < most) buffer_.resize(2 * buffer_.size() + most);
    char* to = buffer_.data() + used_;
    to = frame.head.copy(to);
    to = labels.copy(to);
    to = frame.tail.copy(to);
    to = write_number(to, value);
    if (!exemplar.empty()) to += exemplar.copy(to, exemplar.size());
    *to++ = '\n';
    used_ = static_cast<std::size_t>(to - buffer_.data());
  }

  /// A line whose labels are like no other's; `labels` may be empty.
  template <class Number>
  void add(std::string_view sample, std::string_view labels, Number value) {
    const LineFrame without_labels{LinePart(std::string(sample)), LinePart(" ")};
    add(labels.empty() ? without_labels : line_frame(sample), LinePart(std::string(labels)), value);
  }

  std::size_t size() const { return used_; }
  /// The lines so far; the writer is then empty and keeps its memory.
  std::string take() { return {buffer_.data(), std::exchange(used_, 0)}; }

 private:
  std::vector<char> buffer_;
  std::size_t used_ = 0;
};

}  // namespace registry_exporter
