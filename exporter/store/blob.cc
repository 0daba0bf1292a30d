#include "exporter/store/blob.h"

#include <zlib.h>

namespace registry_exporter::store {
namespace {

constexpr std::size_t kChecksumBytes = 4;

std::uint32_t checksum(std::string_view bytes, BlobKind kind, BlobPlace place) {
  std::string where(1, static_cast<char>(kind));
  for (const std::int64_t number : {place.row, place.owner}) {
    for (int shift = 0; shift < 64; shift += 8) {
      where.push_back(static_cast<char>(static_cast<std::uint64_t>(number) >> shift));
    }
  }
  const uLong start = crc32_z(0, reinterpret_cast<const Bytef*>(where.data()), where.size());
  return static_cast<std::uint32_t>(
      crc32_z(start, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

std::string BlobWriter::finish(BlobKind kind, BlobPlace place) {
  const std::uint32_t sum = checksum(out_, kind, place);
  for (int shift = 0; shift < 32; shift += 8) out_.push_back(static_cast<char>(sum >> shift));
  return std::move(out_);
}

void BlobReader::text(std::string& value) {
  std::uint64_t size = 0;
  number(size);
  if (size > in_.size()) return fail();
  value.assign(in_.substr(0, static_cast<std::size_t>(size)));
  in_.remove_prefix(static_cast<std::size_t>(size));
}

Result<BlobReader> open_blob(std::string_view blob, BlobKind kind, BlobPlace place) {
  if (blob.size() < 1 + kChecksumBytes) return fail(ErrorKind::state_damaged, "short record");
  const std::string_view body = blob.substr(0, blob.size() - kChecksumBytes);
  std::uint32_t sum = 0;
  for (std::size_t i = kChecksumBytes; i-- > 0;) {
    sum = (sum << 8) | static_cast<std::uint8_t>(blob[body.size() + i]);
  }
  if (sum != checksum(body, kind, place)) return fail(ErrorKind::state_damaged, "wrong checksum");
  const auto version = static_cast<std::uint8_t>(body.front());
  if (version > kBlobVersion) return fail(ErrorKind::state_newer, "written by a newer version");
  if (version == 0) return fail(ErrorKind::state_damaged, "unknown version");
  return BlobReader(body.substr(1), version);
}

}  // namespace registry_exporter::store
