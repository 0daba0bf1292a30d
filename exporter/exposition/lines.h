#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/exposition/sample_writer.h"

namespace registry_exporter::exposition {

class Block;

/// Shorter blocks are not shared: a scrape copies, and compresses, them anew.
inline constexpr std::size_t kSharedBytesMin = 1024;

/// Consecutive rows of a snapshot: [begin, end).
struct RowRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Whole lines that are compressed and reused together.
struct LineBlock {
  std::uint64_t key = 0;  ///< Hash of the first row: finds the same block next time.
  RowRange rows;          ///< The rows up to the next block, also those without lines.
  std::string text;
  std::shared_ptr<Block>
      known;  ///< Set if the block is the one of last time; `text` is then empty.
};

/// One family's lines of last time. Used only if the rows are the same and in the same order.
struct KnownLines {
  std::vector<std::pair<RowRange, std::shared_ptr<Block>>> blocks;  ///< In order.
  /// For each row, the first changed row from there on.
  const std::vector<std::size_t>* next_changed = nullptr;
};

/// Collects lines into blocks. The row at the end of a block alone decides where the block ends,
/// not the text before it. So a number that grows by a digit, or a new repository, changes one
/// block and not all blocks behind it.
class Lines {
 public:
  /// The usual size of a block. Smaller when a row has only one or two lines, so that a change
  /// affects few other rows. Not much smaller: larger blocks compress better.
  static constexpr std::size_t kBlockBytes = 16UL * 1024;
  static constexpr std::size_t kBlockRows = 32;
  /// A row in protobuf is a quarter of the text: as many rows are affected by a change.
  static constexpr std::size_t kProtobufBlockBytes = kBlockBytes / 4;

  explicit Lines(ExpositionFormat format)
      : writer_(format, 2 * kBlockBytes),
        block_bytes_(format == ExpositionFormat::protobuf ? kProtobufBlockBytes : kBlockBytes) {}

  /// As SampleWriter::add().
  template <class Frame, class... Values>
  void add(const Frame& frame, const LinePart& labels, const Values&... values) {
    writer_.add(frame, labels, values...);
  }

  /// Called before a family is rendered, with its lines of last time.
  void expect(KnownLines known) {
    known_ = std::move(known);
    next_known_ = 0;
    rows_done_ = row_ends_ = 0;
  }

  /// Keeps the blocks of last time from `row` on that have not changed. Returns the row to render
  /// next: `row`, or the first one after those blocks.
  std::size_t skip(std::size_t row) {
    if (writer_.size() > 0 || known_.next_changed == nullptr) return row;
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

  /// Called when all lines of row number `row` are added. `row_hash` identifies the row.
  void end_row(std::size_t row, std::uint64_t row_hash) {
    const std::size_t row_bytes = writer_.size() - row_begins_;
    if (row_bytes == 0) return;
    row_ends_ = row + 1;
    if (row_begins_ == 0) key_ = row_hash;
    row_begins_ = writer_.size();
    const std::size_t usual = std::clamp(kBlockRows * row_bytes, block_bytes_ / 4, block_bytes_);
    // One row in (usual / row_bytes) is a border, always the same ones.
    const std::size_t least = std::max(usual / 4, kSharedBytesMin);
    const bool border = writer_.size() >= least && (row_hash >> 32) * usual >> 32 < row_bytes;
    if (border || writer_.size() >= 4 * usual) cut();
  }

  /// Returns the blocks. Afterwards there are no lines, and the next family can begin.
  std::vector<LineBlock> finish() {
    if (writer_.size() > 0) cut();
    known_ = {};
    return std::exchange(blocks_, {});
  }

 private:
  void cut() {
    const RowRange rows{rows_done_, std::max(rows_done_, row_ends_)};
    blocks_.push_back({key_, rows, writer_.take(), nullptr});
    rows_done_ = rows.end;
    row_begins_ = 0;
    key_ = 0;
  }

  SampleWriter writer_;
  const std::size_t block_bytes_;
  std::size_t row_begins_ = 0;
  std::uint64_t key_ = 0;
  std::size_t row_ends_ = 0;
  std::size_t rows_done_ = 0;
  KnownLines known_;
  std::size_t next_known_ = 0;
  std::vector<LineBlock> blocks_;
};

}  // namespace registry_exporter::exposition
