#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/exposition/exposition.h"
#include "exporter/exposition/gzip_stream.h"
#include "exporter/exposition/render.h"

namespace registry_exporter::exposition {

/// Consecutive lines: rendered once, compressed at most once, by the first scrape that needs it.
/// Thread-safe.
class Block {
 public:
  explicit Block(LineBlock lines)
      : key_(lines.key),
        text_(std::make_shared<const std::string>(std::move(lines.text))),
        row_ends_(std::move(lines.row_ends)) {}

  std::uint64_t key() const { return key_; }
  const Chunk& text() const { return text_; }
  bool is_same(const LineBlock& lines) const {
    return *text_ == lines.text && row_ends_ == lines.row_ends;
  }
  /// The lines of one of its rows, counted from 0.
  std::string_view row(std::size_t number) const {
    const std::size_t begin = number == 0 ? 0 : row_ends_[number - 1];
    return std::string_view(*text_).substr(begin, row_ends_[number] - begin);
  }
  const DeflatedPiece& deflated();

 private:
  const std::uint64_t key_;
  const Chunk text_;
  const std::vector<std::uint32_t> row_ends_;
  std::once_flag once_;
  DeflatedPiece deflated_;
};
using Blocks = std::vector<std::shared_ptr<Block>>;

/// One family's lines, and the rows of each block.
struct RenderedFamily {
  Blocks blocks;
  std::vector<RowRange> rows;
};

/// One registry's snapshot as lines in one format. Immutable but for the compressed forms.
struct RenderedRegistry {
  std::shared_ptr<const RegistrySnapshot> snapshot;
  std::shared_ptr<const std::vector<RowLabels>> labels;
  std::map<const Family*, RenderedFamily> families;  ///< Without empty ones.

  /// nullptr: it has no lines.
  const RenderedFamily* find(const Family& family) const;
};

/// Renders all families that are not disabled. Blocks that are the same as in `before` (may be
/// nullptr) are kept, and with them their compressed form.
std::shared_ptr<const RenderedRegistry> render_registry(
    std::shared_ptr<const RegistrySnapshot> snapshot, const RenderedRegistry* before,
    const ExpositionOptions& options, ExpositionFormat format);

}  // namespace registry_exporter::exposition
