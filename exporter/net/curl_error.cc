#include "exporter/net/curl_error.h"

#include <openssl/x509_vfy.h>

#include <string>

#include "exporter/base/text.h"

namespace registry_exporter::net {
namespace {

constexpr std::string_view kDns = "dns";
constexpr std::string_view kConnect = "connect";
constexpr std::string_view kTls = "tls";
constexpr std::string_view kTruncated = "truncated";

ErrorKind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return ErrorKind::timeout;
    case CURLE_UNSUPPORTED_PROTOCOL:  // Not HTTP, or a version that isn't ours.
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_OUT_OF_MEMORY:  // What older ones say of a line without end.
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:
#endif
      return ErrorKind::malformed;
    default:
      return ErrorKind::transport;
  }
}

/// Where it went wrong, in a word to search for.
std::string_view word_for(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return kDns;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
      return "proxy";
    case CURLE_COULDNT_CONNECT:
      return kConnect;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ISSUER_ERROR:
      return kTls;
    case CURLE_PARTIAL_FILE:
      return kTruncated;
    case CURLE_OPERATION_TIMEDOUT:
      return "deadline";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
      return "connection";
    default:
      return "http";
  }
}

/// `message`: libcurl's, with OpenSSL's words in it.
ErrorCause cause_of_tls(CURL* handle, CURLcode code, std::string_view message) {
  long verdict = X509_V_OK;
  curl_easy_getinfo(handle, CURLINFO_SSL_VERIFYRESULT, &verdict);
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return ErrorCause::tls_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return ErrorCause::tls_not_yet_valid;
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return ErrorCause::tls_wrong_name;
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED:  // What libcurl begins with.
      break;
    default:
      return ErrorCause::tls;
  }
  // OpenSSL has no objection; the name is compared by libcurl itself.
  if (code == CURLE_PEER_FAILED_VERIFICATION) return ErrorCause::tls_wrong_name;
  return contains(message, "handshake failure") ? ErrorCause::tls_client_certificate
                                                : ErrorCause::tls;
}

ErrorCause cause_of(CURL* handle, CURLcode code, std::string_view message) {
  const std::string_view word = word_for(code);
  // With TLS 1.3 the server says so after the handshake.
  if (contains(message, "certificate required")) return ErrorCause::tls_client_certificate;
  if (word == kDns) return ErrorCause::dns;
  if (word == kConnect) return ErrorCause::connect;
  if (word == kTruncated) return ErrorCause::truncated;
  if (word == kTls) return cause_of_tls(handle, code, message);
  return ErrorCause::unknown;
}

/// Whether a failed call never got past its proxy: not to it, or not through it.
bool is_the_proxys_fault(CURL* handle, CURLcode code, const Proxy& proxy) {
  if (code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_PROXY) return true;
  if (proxy.is_socks()) return code == CURLE_COULDNT_CONNECT;
  long tunnel_status = 0;
  curl_off_t sent_after = 0;  // 0: the request was never begun.
  curl_easy_getinfo(handle, CURLINFO_HTTP_CONNECTCODE, &tunnel_status);
  curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &sent_after);
  return sent_after == 0 && tunnel_status / 100 != 2;
}

Error error_of_proxy(const Proxy& proxy, ErrorCause cause, const std::string& why) {
  Error error{ErrorKind::transport, "proxy: " + proxy.spoken() + ": " + why, {}, {}, cause};
  error.proxy = proxy.spoken();
  return error;
}

}  // namespace

Error curl_error(CURL* handle, CURLcode code, std::string_view message, const Proxy& proxy) {
  // The message may quote a proxy's address, with the password in it.
  const bool may_tell_secrets = contains(message, "@");
  const std::string why(message.empty() || may_tell_secrets ? curl_easy_strerror(code) : message);
  if (!proxy.is_none() && is_the_proxys_fault(handle, code, proxy)) {
    Error error = error_of_proxy(proxy, ErrorCause::proxy, why);
    error.kind = kind_of(code);
    return error;
  }
  Error error{kind_of(code),
              std::string(word_for(code)) + ": " + why,
              {},
              {},
              cause_of(handle, code, message)};
  if (!proxy.is_none()) error.detail += ", through the proxy " + proxy.spoken();
  return error;
}

Error proxy_url_error(const Proxy& proxy) {
  return error_of_proxy(proxy, ErrorCause::proxy_url, kProxyForm);
}

Error proxy_password_error(const Proxy& proxy) {
  return error_of_proxy(proxy, ErrorCause::proxy, "it wants another name and password (HTTP 407)");
}

}  // namespace registry_exporter::net
