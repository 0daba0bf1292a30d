#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/exposition/gzip_stream.h"

namespace registry_exporter::exposition {

/// Shorter blocks are not shared: a scrape copies, and compresses, them anew.
inline constexpr std::size_t kSharedBytesMin = 1024;

/// Consecutive whole lines: rendered once, compressed at most once, by the first scrape that needs
/// it. Thread-safe.
class Block {
 public:
  /// `key`: hash of the first row with lines, which finds the same block next time; 0 where a
  /// registry has lines for itself. `row_ends`: where the lines of each row end in the text.
  Block(std::uint64_t key, std::string text, std::vector<std::uint32_t> row_ends)
      : key_(key), text_(std::move(text)), row_ends_(std::move(row_ends)) {}

  std::uint64_t key() const { return key_; }
  const std::string& text() const { return text_; }
  const std::vector<std::uint32_t>& row_ends() const { return row_ends_; }
  /// The lines of one of its rows, counted from 0.
  std::string_view row(std::size_t number) const {
    const std::size_t begin = number == 0 ? 0 : row_ends_[number - 1];
    return std::string_view(text_).substr(begin, row_ends_[number] - begin);
  }
  bool says(std::string_view text, const std::vector<std::uint32_t>& row_ends) const {
    return text_ == text && row_ends_ == row_ends;
  }
  const DeflatedPiece& deflated() {
    std::call_once(once_, [this] { deflated_ = deflate_piece(text_); });
    return deflated_;
  }

 private:
  const std::uint64_t key_;
  const std::string text_;
  const std::vector<std::uint32_t> row_ends_;
  std::once_flag once_;
  DeflatedPiece deflated_;
};
using Blocks = std::vector<std::shared_ptr<Block>>;

/// Consecutive rows of a snapshot: [begin, end).
struct RowRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// One family's lines. The rows of a block go up to the next block; some may have no lines, as have
/// those behind the last block.
struct RenderedFamily {
  Blocks blocks;
  std::vector<RowRange> rows;
};

}  // namespace registry_exporter::exposition
