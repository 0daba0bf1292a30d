#include "exporter/acr/signer.h"

#include <algorithm>
#include <map>
#include <vector>

#include "exporter/base/digest.h"
#include "exporter/base/text.h"
#include "exporter/base/time_text.h"
#include "exporter/base/url.h"

namespace registry_exporter::acr {
namespace {

constexpr std::string_view kScheme = "ACS3-HMAC-SHA256";

bool is_signed(std::string_view name) {
  return name.substr(0, 6) == "x-acs-" || name == "host" || name == "content-type";
}

/// Pairs sorted by the bytes of their keys, not of "key=value": "A" comes before "A.1".
std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    pairs.emplace_back(pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string text;
  for (const auto& [key, value] : pairs) {
    if (!text.empty()) text += '&';
    text.append(key).append("=").append(value);
  }
  return text;
}

struct CanonicalHeaders {
  std::string lines;  ///< "name:value\n" each.
  std::string names;  ///< Joined by ';'.
};

CanonicalHeaders canonical_headers(const net::HttpHeaders& headers) {
  std::map<std::string, std::vector<std::string>> by_name;
  for (const auto& [name, value] : headers) {
    std::string key = lower(name);
    if (is_signed(key)) by_name[std::move(key)].emplace_back(trim(value));
  }
  CanonicalHeaders canonical;
  for (auto& [name, values] : by_name) {
    std::sort(values.begin(), values.end());
    canonical.lines += name + ':';
    for (std::size_t i = 0; i < values.size(); ++i) {
      canonical.lines += (i == 0 ? "" : ",") + values[i];
    }
    canonical.lines += '\n';
    canonical.names += (canonical.names.empty() ? "" : ";") + name;
  }
  return canonical;
}

/// Headers that belong to one attempt alone: whatever an earlier signature left goes first.
void set(net::HttpHeaders& headers, std::string_view name, std::string value) {
  std::erase_if(headers, [&](const auto& header) { return lower(header.first) == name; });
  headers.emplace_back(name, std::move(value));
}

}  // namespace

net::HttpRequest sign_v3(net::HttpRequest request, const cloud::Keys& keys, UnixMillis now,
                         std::string_view nonce) {
  const std::string body_digest = hex(sha256(request.body));
  set(request.headers, "host", parse_origin(request.origin).host_header());
  set(request.headers, "x-acs-date", format_rfc3339(now));
  set(request.headers, "x-acs-signature-nonce", std::string(nonce));
  set(request.headers, "x-acs-content-sha256", body_digest);
  if (!keys.security_token.empty()) {
    set(request.headers, "x-acs-security-token", keys.security_token.reveal());
  }

  const std::string_view target = request.target;
  const auto path_end = std::min(target.find('?'), target.size());
  const std::string_view query = target.substr(std::min(path_end + 1, target.size()));
  const CanonicalHeaders headers = canonical_headers(request.headers);
  const std::string canonical = request.method + '\n' + std::string(target.substr(0, path_end)) +
                                '\n' + canonical_query(query) + '\n' + headers.lines + '\n' +
                                headers.names + '\n' + body_digest;
  const std::string to_sign = std::string(kScheme) + '\n' + hex(sha256(canonical));
  const std::string signature = hex(hmac_sha256(keys.secret_key.reveal(), to_sign));
  set(request.headers, "authorization",
      std::string(kScheme) + " Credential=" + keys.access_key + ",SignedHeaders=" + headers.names +
          ",Signature=" + signature);
  return request;
}

}  // namespace registry_exporter::acr
