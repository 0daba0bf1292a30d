#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace registry_exporter::exposition {

/// A text compressed so that it can stand anywhere within a gzip stream: raw deflate that ends on a
/// byte and refers to nothing before it.
struct DeflatedPiece {
  std::string bytes;
  std::uint32_t crc = 0;  ///< Of the text.
  std::uint64_t text_bytes = 0;
  std::uint32_t crc_step = 0;  ///< What joins its checksum to one before it; costly to find out.
};
DeflatedPiece deflate_piece(std::string_view text);

/// Joins pieces to one gzip stream: header(), the pieces' bytes in the order given to add(),
/// trailer(). Pure.
class GzipStream {
 public:
  static std::string header();
  void add(const DeflatedPiece& piece);
  std::string trailer() const;

 private:
  std::uint32_t crc_ = 0;
  std::uint64_t text_bytes_ = 0;
};

}  // namespace registry_exporter::exposition
