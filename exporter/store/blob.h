#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/base/result.h"

/// The outside of everything that is stored: version, fields, checksum. Pure.
///
/// A blob is one byte of version, fields in a fixed order, and four bytes of CRC-32 over all
/// before, over the kind of the blob, and over the place it stands in.
namespace registry_exporter::store {

/// The version that this program writes. It reads every version from 1 on: a field that came later
/// is read only from blobs that have it, and keeps its default otherwise.
///  1: the first release.
///  2: Ledger::tail_page_size, unread_from and history_before.
///  3: RepositoryState::kind, unlisted and scope_changed_at, OpenRecord::owner and ended,
///     Outcome::stopped; when counters and histograms began, and histograms' native buckets.
///  4: RegistryState::scrapers.
inline constexpr std::uint8_t kBlobVersion = 4;

/// What a blob holds.
enum class BlobKind : std::uint8_t { head, registry, repository, closed };

/// The numbers of the row that a blob stands in. They are part of its checksum, so that a number
/// that changed by itself is found too.
struct BlobPlace {
  std::int64_t row = 0;
  std::int64_t owner = 0;  ///< The registry of a repository, the repository of a segment.
};

/// Writes the fields of a blob. Has the same methods as BlobReader, so that one function lists the
/// fields of a struct for both directions.
class BlobWriter {
 public:
  static constexpr bool kReads = false;
  static constexpr std::uint8_t version() { return kBlobVersion; }
  BlobWriter() {
    out_.reserve(512);  // Enough for most repositories.
    out_.push_back(static_cast<char>(kBlobVersion));
  }

  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>(value | 0x80));
    out_.push_back(static_cast<char>(value));
  }
  void fixed(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) out_.push_back(static_cast<char>(value >> shift));
  }
  void text(const std::string& value) {
    number(value.size());
    out_ += value;
  }

  std::string finish(BlobKind kind, BlobPlace place);

 private:
  std::string out_;
};

/// Reads the fields of a blob. Bytes that make no sense set damaged(); what is read from then on is
/// empty.
class BlobReader {
 public:
  static constexpr bool kReads = true;
  BlobReader(std::string_view in, std::uint8_t version) : in_(in), version_(version) {}
  std::uint8_t version() const { return version_; }

  void number(std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (in_.empty()) return fail();
      const auto byte = static_cast<std::uint8_t>(in_.front());
      in_.remove_prefix(1);
      if (shift == 63 && byte > 1) return fail();
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) return;
    }
    fail();
  }
  void fixed(std::uint64_t& value) {
    if (in_.size() < 8) return fail();
    value = 0;
    for (std::size_t i = 8; i-- > 0;) value = (value << 8) | static_cast<std::uint8_t>(in_[i]);
    in_.remove_prefix(8);
  }
  void text(std::string& value);
  void fail() {
    damaged_ = true;
    in_ = {};
  }
  bool damaged() const { return damaged_; }
  std::size_t left() const { return in_.size(); }

 private:
  std::string_view in_;
  std::uint8_t version_;
  bool damaged_ = false;
};

/// Checks checksum and version of a blob. Returns a reader of its fields, which refers to `blob`.
/// Errors: state_damaged, state_newer.
Result<BlobReader> open_blob(std::string_view blob, BlobKind kind, BlobPlace place);

}  // namespace registry_exporter::store
