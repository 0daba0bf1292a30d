#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/exposition/encode.h"

namespace registry_exporter {

class Block;

/// Rows of a snapshot, one after another.
struct RowRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Whole lines that are compressed, and later reused, together.
struct LineBlock {
  std::uint64_t key = 0;  ///< Of the first row: where to look for the same block next time.
  RowRange rows;          ///< All rows between those of its neighbours, with or without lines.
  std::string text;
  std::shared_ptr<Block> known;  ///< Set: as it was before, and `text` is empty.
};

/// What is known from last time, when the rows are the same ones in the same order.
struct KnownLines {
  std::vector<std::pair<RowRange, std::shared_ptr<Block>>> blocks;  ///< Of one family, in order.
  /// For each row, the first one from there on that has changed since.
  const std::vector<std::size_t>* next_changed = nullptr;
};

/// A text that is copied into lines many times: kept with room behind it, so that it can be copied
/// in whole strides instead of by calls of memcpy.
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

/// What doesn't change from row to row in the lines of one series: `head` + row labels + `tail` +
/// value.
struct LineFrame {
  LinePart head;  ///< `acr_builds_total{`
  LinePart tail;  ///< `,status="success"} `
};
inline LineFrame line_frame(std::string_view sample, std::string_view more_labels = {}) {
  std::string tail = "} ";
  if (!more_labels.empty()) tail = "," + std::string(more_labels) + tail;
  return {LinePart(std::string(sample) + "{"), LinePart(std::move(tail))};
}

/// Collects lines into blocks. Where a block ends is decided by the row it ends with, not by what
/// stands before: a number that grows by a digit, or a new repository, changes one block and not
/// all that follow.
class Lines {
 public:
  /// The usual size of a block. Less when a row has one line or two: a change then takes few other
  /// rows with it. Not much less: what is compressed together comes out smaller.
  static constexpr std::size_t kBlockBytes = 16UL * 1024;
  static constexpr std::size_t kBlockRows = 32;

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

  /// Before a family: what of it need not be made again.
  void expect(KnownLines known) {
    known_ = std::move(known);
    next_known_ = 0;
    rows_done_ = row_ends_ = 0;
  }

  /// The row to go on with: `row`, or one after it when lines from last time can stay.
  std::size_t skip(std::size_t row) {
    if (used_ > 0 || known_.next_changed == nullptr) return row;
    const auto& blocks = known_.blocks;
    for (; next_known_ < blocks.size(); ++next_known_) {
      const auto& [rows, block] = blocks[next_known_];
      if (rows.begin < row) continue;
      if (rows.begin > row || (*known_.next_changed)[row] < rows.end) break;
      blocks_.push_back({0, rows, {}, block});
      row = rows_done_ = rows.end;
    }
    return row;
  }

  /// All lines of row number `row` are there; `row_hash` tells rows apart.
  void end_row(std::size_t row, std::uint64_t row_hash) {
    const std::size_t row_bytes = used_ - row_begins_;
    if (row_bytes == 0) return;
    row_ends_ = row + 1;
    if (row_begins_ == 0) key_ = row_hash;
    row_begins_ = used_;
    const std::size_t usual = std::clamp(kBlockRows * row_bytes, kBlockBytes / 4, kBlockBytes);
    // One row in (usual / row_bytes) is a border, always the same ones.
    const bool border = used_ >= usual / 4 && (row_hash >> 32) * usual >> 32 < row_bytes;
    if (border || used_ >= 4 * usual) cut();
  }

  /// The blocks; then there are no lines any more, and the next family may begin.
  std::vector<LineBlock> finish() {
    if (used_ > 0) cut();
    known_ = {};
    return std::exchange(blocks_, {});
  }

 private:
  void cut() {
    const RowRange rows{rows_done_, std::max(rows_done_, row_ends_)};
    blocks_.push_back({key_, rows, std::string(buffer_.data(), used_), nullptr});
    rows_done_ = rows.end;
    used_ = row_begins_ = 0;
    key_ = 0;
  }

  std::vector<char> buffer_ = std::vector<char>(2 * kBlockBytes);
  std::size_t used_ = 0;
  std::size_t row_begins_ = 0;
  std::uint64_t key_ = 0;
  std::size_t row_ends_ = 0;
  std::size_t rows_done_ = 0;
  KnownLines known_;
  std::size_t next_known_ = 0;
  std::vector<LineBlock> blocks_;
};

}  // namespace registry_exporter
