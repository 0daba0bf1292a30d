#include "exporter/exposition/body_builder.h"

#include <utility>

#include "exporter/exposition/lines.h"

namespace registry_exporter::exposition {

void BodyBuilder::add(const std::shared_ptr<Block>& block) {
  const std::string& text = block->text();
  if (text.size() < kSharedBytesMin) return add(text);
  bytes_ += text.size();
  flush();
  // Chunks live as long as the block.
  if (!gzip_) {
    chunks_.emplace_back(block, &text);
    return;
  }
  const DeflatedPiece& piece = block->deflated();
  stream_.add(piece);
  chunks_.emplace_back(block, &piece.bytes);
}

std::vector<Chunk> BodyBuilder::finish() {
  flush();
  if (gzip_) chunks_.push_back(std::make_shared<const std::string>(stream_.trailer()));
  return std::move(chunks_);
}

void BodyBuilder::flush() {
  if (own_.empty()) return;
  std::string text = std::exchange(own_, {});
  if (gzip_) {
    DeflatedPiece piece = deflate_piece(text);
    stream_.add(piece);
    text = std::move(piece.bytes);
  }
  chunks_.push_back(std::make_shared<const std::string>(std::move(text)));
}

}  // namespace registry_exporter::exposition
