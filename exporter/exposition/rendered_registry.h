#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exporter/exposition/exposition.h"
#include "exporter/exposition/gzip_stream.h"
#include "exporter/exposition/render.h"

namespace registry_exporter {

/// Lines that stay together: rendered once, compressed at most once, by whoever wants that first.
/// Thread-safe.
class Block {
 public:
  explicit Block(LineBlock lines)
      : key_(lines.key), text_(std::make_shared<const std::string>(std::move(lines.text))) {}

  std::uint64_t key() const { return key_; }
  const Chunk& text() const { return text_; }
  const DeflatedPiece& deflated();

 private:
  const std::uint64_t key_;
  const Chunk text_;
  std::once_flag once_;
  DeflatedPiece deflated_;
};
using Blocks = std::vector<std::shared_ptr<Block>>;

/// One family's lines, and which rows each block is made of.
struct RenderedFamily {
  Blocks blocks;
  std::vector<RowRange> rows;
};

/// One registry's snapshot as lines in one format. Immutable but for the compressed forms.
struct RenderedRegistry {
  std::shared_ptr<const RegistrySnapshot> snapshot;
  std::shared_ptr<const std::vector<RowLabels>> labels;
  std::map<const Family*, RenderedFamily> families;  ///< Without empty ones.
};

/// Renders all families that are not disabled. What comes out as in `before` (nullptr: nothing)
/// keeps its blocks, and with them what was compressed.
std::shared_ptr<const RenderedRegistry> render_registry(
    std::shared_ptr<const RegistrySnapshot> snapshot, const RenderedRegistry* before,
    const ExpositionOptions& options, ExpositionFormat format);

}  // namespace registry_exporter
