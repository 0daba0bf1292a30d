#include "exporter/exposition/gzip_stream.h"

#include <zlib.h>

#include <new>

namespace registry_exporter::exposition {
namespace {

constexpr int kLevel = 1;  // Five times faster than the default, a fifth larger.
/// How much memory zlib takes, and clears, for a text.
struct Memory {
  int window_bits;  // Negative: raw deflate, without a head of its own.
  int level;
};
// A usual block fits into the window. A smaller one is cleared sooner, but takes longer in all.
constexpr Memory kForBlocks{-15, 8};
constexpr Memory kForSmallTexts{-12, 4};  // Heads between blocks; clearing would cost the most.
constexpr std::size_t kSmallText = 4096;
constexpr std::size_t kFlushBytes = 16;  // What a full flush adds, and some.

void append_little_endian(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(value >> shift));
}

}  // namespace

DeflatedPiece deflate_piece(std::string_view text) {
  DeflatedPiece piece;
  piece.text_bytes = text.size();
  piece.crc = static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
  piece.crc_step = static_cast<std::uint32_t>(crc32_combine_gen(static_cast<z_off_t>(text.size())));
  z_stream stream{};
  const Memory memory = text.size() <= kSmallText ? kForSmallTexts : kForBlocks;
  if (deflateInit2(&stream, kLevel, Z_DEFLATED, memory.window_bits, memory.level,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  piece.bytes.resize(deflateBound(&stream, text.size()) + kFlushBytes);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(piece.bytes.data());
  stream.avail_out = static_cast<uInt>(piece.bytes.size());
  deflate(&stream, Z_FULL_FLUSH);
  // Room left tells that the flush is complete.
  while (stream.avail_out == 0) {
    piece.bytes.resize(2 * piece.bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(piece.bytes.data()) + stream.total_out;
    stream.avail_out = static_cast<uInt>(piece.bytes.size() - stream.total_out);
    deflate(&stream, Z_FULL_FLUSH);
  }
  piece.bytes.resize(stream.total_out);
  piece.bytes.shrink_to_fit();
  deflateEnd(&stream);
  return piece;
}

std::string GzipStream::header() {
  return {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\x03", 10};  // Deflate, no name, fastest, Unix.
}

void GzipStream::add(const DeflatedPiece& piece) {
  crc_ = static_cast<std::uint32_t>(crc32_combine_op(crc_, piece.crc, piece.crc_step));
  text_bytes_ += piece.text_bytes;
}

std::string GzipStream::trailer() const {
  std::string end("\x03\x00", 2);  // An empty last block.
  append_little_endian(end, crc_);
  append_little_endian(end, static_cast<std::uint32_t>(text_bytes_));
  return end;
}

}  // namespace registry_exporter::exposition
