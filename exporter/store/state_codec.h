#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/model/registry_state.h"

/// How the state looks as bytes. Pure.
///
/// A blob is: one byte of version, fields in a fixed order, four bytes of CRC-32 over all before.
/// Numbers are varints (times and signed ones zigzag), texts have their length in front, optionals
/// a byte 0 or 1. Decoding trusts nothing: any length, count or enumerator out of range, a wrong
/// checksum and bytes left over are state_damaged; a higher version is state_newer.
namespace registry_exporter {

std::string encode_registry(const RegistryState& state);
Result<RegistryState> decode_registry(std::string_view blob);

/// Everything but `ledger.closed`.
std::string encode_repository(const RepositoryState& state);
Result<RepositoryState> decode_repository(std::string_view blob);

/// A segment of closed records, in the order given.
std::string encode_closed(std::span<const ClosedRecord> records);
Result<std::vector<ClosedRecord>> decode_closed(std::string_view blob);

}  // namespace registry_exporter
