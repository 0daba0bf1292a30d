#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/exposition/exposition.h"
#include "exporter/exposition/gzip_stream.h"
#include "exporter/exposition/rendered_registry.h"

namespace registry_exporter::exposition {

/// Assembles a response body: shared blocks of snapshots, and the scrape's own text between them.
class BodyBuilder {
 public:
  explicit BodyBuilder(bool gzip) : gzip_(gzip) {
    if (gzip_) chunks_.push_back(std::make_shared<const std::string>(GzipStream::header()));
  }

  void add(std::string_view text) {
    own_ += text;
    bytes_ += text.size();
  }
  void add(const std::shared_ptr<Block>& block);
  std::vector<Chunk> finish();
  /// Of what was added, before compression.
  std::size_t bytes() const { return bytes_; }

 private:
  void flush();

  const bool gzip_;
  GzipStream stream_;
  std::string own_;
  std::size_t bytes_ = 0;
  std::vector<Chunk> chunks_;
};

}  // namespace registry_exporter::exposition
