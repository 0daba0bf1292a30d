#include "exporter/exposition/answer.h"

#include <utility>

#include "exporter/exposition/lines.h"

namespace registry_exporter::exposition {

void Answer::add(const std::shared_ptr<Block>& block) {
  if (block->text()->size() < kSharedBytesMin) return add(*block->text());
  bytes_ += block->text()->size();
  flush();
  if (!gzip_) {
    chunks_.push_back(block->text());
    return;
  }
  const DeflatedPiece& piece = block->deflated();
  stream_.add(piece);
  chunks_.emplace_back(block, &piece.bytes);  // Lives as long as the block.
}

std::vector<Chunk> Answer::finish() {
  flush();
  if (gzip_) chunks_.push_back(std::make_shared<const std::string>(stream_.trailer()));
  return std::move(chunks_);
}

void Answer::flush() {
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
