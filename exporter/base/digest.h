#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

/// SHA-256, HMAC and their spellings (OpenSSL). Pure.
namespace registry_exporter {

using Sha256 = std::array<unsigned char, 32>;

Sha256 sha256(std::string_view bytes);
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);
std::string hex(std::string_view bytes);  ///< Lower case.
inline std::string hex(const Sha256& digest) {
  return hex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}
/// Raw 20 bytes (the older Alibaba signature).
std::string hmac_sha1(std::string_view key, std::string_view bytes);
std::string base64(std::string_view bytes);
/// nullopt: not base64 with padding.
std::optional<std::string> decode_base64(std::string_view text);
/// Does not return early at the first difference.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace registry_exporter
