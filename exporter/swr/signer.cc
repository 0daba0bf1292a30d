#include "exporter/swr/signer.h"

#include <algorithm>

#include "exporter/base/digest.h"
#include "exporter/base/percent_encoding.h"
#include "exporter/base/text.h"
#include "exporter/base/time_text.h"
#include "exporter/base/url.h"

namespace registry_exporter::swr {
namespace {

constexpr std::string_view kAlgorithm = "SDK-HMAC-SHA256";

std::string canonical_path(std::string_view path) {
  std::string canonical;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    canonical += percent_encode(percent_decode(segment, false).value_or(std::string(segment)));
    if (slash == std::string_view::npos) break;
    canonical.push_back('/');
    path.remove_prefix(slash + 1);
  }
  if (!canonical.ends_with('/')) canonical.push_back('/');
  return canonical;
}

std::string canonical_query(std::string_view query) {
  QueryPairs pairs = parse_query(query).value_or(QueryPairs{});
  std::sort(pairs.begin(), pairs.end());
  std::string canonical;
  for (const auto& [key, value] : pairs) {
    if (!canonical.empty()) canonical.push_back('&');
    canonical += percent_encode(key) + "=" + percent_encode(value);
  }
  return canonical;
}

/// Lower-case names in order, with their values.
net::HttpHeaders canonical_headers(const net::HttpRequest& request) {
  net::HttpHeaders headers;
  for (const auto& [name, value] : request.headers) {
    headers.emplace_back(lower(name), std::string(trim(value, " ")));
  }
  std::sort(headers.begin(), headers.end());
  return headers;
}

std::string signed_names(const net::HttpHeaders& headers) {
  std::string names;
  for (const auto& [name, value] : headers) names += (names.empty() ? "" : ";") + name;
  return names;
}

}  // namespace

std::string canonical_request(const net::HttpRequest& request) {
  const std::string_view target = request.target;
  const std::size_t question = target.find('?');
  const std::string_view query =
      question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
  const net::HttpHeaders headers = canonical_headers(request);
  std::string canonical = request.method + "\n" + canonical_path(target.substr(0, question)) +
                          "\n" + canonical_query(query) + "\n";
  for (const auto& [name, value] : headers) canonical += name + ":" + value + "\n";
  return canonical + "\n" + signed_names(headers) + "\n" + hex(sha256(request.body));
}

std::string authorization(const net::HttpRequest& request, const cloud::Keys& keys,
                          std::string_view date) {
  const std::string to_sign = std::string(kAlgorithm) + "\n" + std::string(date) + "\n" +
                              hex(sha256(canonical_request(request)));
  return std::string(kAlgorithm) + " Access=" + keys.access_key +
         ", SignedHeaders=" + signed_names(canonical_headers(request)) +
         ", Signature=" + hex(hmac_sha256(keys.secret_key.reveal(), to_sign));
}

net::HttpRequest sign(net::HttpRequest request, const cloud::Keys& keys,
                      const std::string& project_id, UnixMillis now) {
  if (!keys.iam_token.empty()) {
    request.headers.emplace_back("x-auth-token", keys.iam_token.reveal());
    return request;
  }
  const std::string date = format_basic(now);
  request.headers.emplace_back("host", parse_origin(request.origin).host_header());
  request.headers.emplace_back("x-sdk-date", date);
  if (!project_id.empty()) request.headers.emplace_back("x-project-id", project_id);
  if (!keys.security_token.empty()) {
    request.headers.emplace_back("x-security-token", keys.security_token.reveal());
  }
  request.headers.emplace_back("authorization", authorization(request, keys, date));
  return request;
}

}  // namespace registry_exporter::swr
