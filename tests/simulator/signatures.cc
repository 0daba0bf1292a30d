#include "tests/simulator/signatures.h"

#include <algorithm>

#include "exporter/base/digest.h"

namespace registry_exporter::simulator {
namespace {

std::string_view trim(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

/// Sorted by name, then by value; every name keeps its '='.
std::string canonical_query(QueryPairs pairs) {
  std::sort(pairs.begin(), pairs.end());
  std::string text;
  for (const auto& [name, value] : pairs) {
    if (!text.empty()) text += '&';
    text += percent_encode(name) + "=" + percent_encode(value);
  }
  return text;
}

/// "name:value\n" for each signed header; several of one name are sorted and joined by commas.
std::optional<std::string> canonical_headers(const WireRequest& request,
                                             const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    std::vector<std::string> values;
    for (const auto& [header, value] : request.headers) {
      if (header == name) values.emplace_back(trim(value));
    }
    if (values.empty()) return std::nullopt;
    std::sort(values.begin(), values.end());
    text += name + ":" + join(values, ",") + "\n";
  }
  return text;
}

/// The path's segments decoded and encoded again, ending in a slash.
std::optional<std::string> canonical_path(std::string_view raw_path) {
  std::string path;
  for (const std::string& segment : split(raw_path, '/')) {
    const auto decoded = percent_decode(segment, false);
    if (!decoded) return std::nullopt;
    path += percent_encode(*decoded) + "/";
  }
  // A path that ends in '/' has an empty last segment, which has just added a second one.
  if (raw_path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

std::optional<Authorization> parse_authorization(std::string_view header) {
  const std::size_t blank = header.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  Authorization parsed;
  parsed.scheme = header.substr(0, blank);
  for (const std::string& part : split(header.substr(blank + 1), ',')) {
    const std::string_view field = trim(part);
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = field.substr(0, equals);
    const std::string_view value = field.substr(equals + 1);
    if (name == "Credential" || name == "Access") parsed.access_key = value;
    if (name == "SignedHeaders") parsed.signed_headers = split(value, ';');
    if (name == "Signature") parsed.signature = value;
  }
  const bool whole = !parsed.access_key.empty() && !parsed.signature.empty();
  if (!whole || parsed.signed_headers.empty()) return std::nullopt;
  return parsed;
}

std::optional<ExpectedSignature> sign_acs3(const WireRequest& request,
                                           const Authorization& authorization,
                                           std::string_view secret) {
  const auto query = parse_query(request.raw_query());
  const auto headers = canonical_headers(request, authorization.signed_headers);
  if (!query || !headers) return std::nullopt;
  const std::string canonical = request.method + "\n/\n" + canonical_query(*query) + "\n" +
                                *headers + "\n" + join(authorization.signed_headers, ";") + "\n" +
                                hex(sha256(request.body));
  ExpectedSignature expected;
  expected.to_sign = "ACS3-HMAC-SHA256\n" + hex(sha256(canonical));
  expected.signature = hex(hmac_sha256(secret, expected.to_sign));
  return expected;
}

ExpectedSignature sign_rpc(std::string_view method, const QueryPairs& parameters,
                           std::string_view secret) {
  QueryPairs kept;
  for (const auto& pair : parameters) {
    if (pair.first != "Signature") kept.push_back(pair);
  }
  ExpectedSignature expected;
  expected.to_sign =
      std::string(method) + "&%2F&" + percent_encode(canonical_query(std::move(kept)));
  expected.signature = base64(hmac_sha1(std::string(secret) + "&", expected.to_sign));
  return expected;
}

std::optional<ExpectedSignature> sign_sdk(const WireRequest& request,
                                          const Authorization& authorization,
                                          std::string_view secret) {
  const auto query = parse_query(request.raw_query());
  const auto path = canonical_path(request.raw_path());
  const auto headers = canonical_headers(request, authorization.signed_headers);
  if (!query || !path || !headers) return std::nullopt;
  const std::string_view named_hash = request.header("x-sdk-content-sha256");
  const std::string hash = named_hash.empty() ? hex(sha256(request.body)) : std::string(named_hash);
  const std::string canonical = request.method + "\n" + *path + "\n" + canonical_query(*query) +
                                "\n" + *headers + "\n" + join(authorization.signed_headers, ";") +
                                "\n" + hash;
  ExpectedSignature expected;
  expected.canonical = canonical;
  expected.to_sign = "SDK-HMAC-SHA256\n" + std::string(request.header("x-sdk-date")) + "\n" +
                     hex(sha256(canonical));
  expected.signature = hex(hmac_sha256(secret, expected.to_sign));
  return expected;
}

}  // namespace registry_exporter::simulator
