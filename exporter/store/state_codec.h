#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/model/registry_state.h"
#include "exporter/store/blob.h"

/// The state as blobs: which fields each of them has. Pure.
///
/// Numbers are varints (times and signed ones zigzag), texts have their length in front, optionals
/// a byte 0 or 1. Decoding trusts nothing: any length, count or enumerator out of range, a wrong
/// checksum and bytes left over are state_damaged; a higher version is state_newer.
namespace registry_exporter::store {

/// About the state as a whole.
struct StateHead {
  UnixMillis created_at;
  std::uint64_t commits = 0;    ///< So far; tells an older copy of the same state.
  bool follows_damage = false;  ///< It began when a damaged state was set aside.
  bool operator==(const StateHead&) const = default;
};

std::string encode_head(const StateHead& head, BlobPlace place = {});
Result<StateHead> decode_head(std::string_view blob, BlobPlace place = {});

std::string encode_registry(const RegistryState& state, BlobPlace place = {});
Result<RegistryState> decode_registry(std::string_view blob, BlobPlace place = {});

/// Everything but `ledger.closed`.
std::string encode_repository(const RepositoryState& state, BlobPlace place = {});
Result<RepositoryState> decode_repository(std::string_view blob, BlobPlace place = {});

/// A segment of closed records, in the order given: about 17 bytes a record.
std::string encode_closed(std::span<const ClosedRecord> records, BlobPlace place = {});
Result<std::vector<ClosedRecord>> decode_closed(std::string_view blob, BlobPlace place = {});

}  // namespace registry_exporter::store
