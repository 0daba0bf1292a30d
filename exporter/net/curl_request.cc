#include "exporter/net/curl_request.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "exporter/base/text.h"
#include "exporter/base/url.h"

namespace registry_exporter::net {
namespace {

constexpr Millis kConnectTimeoutMax{3'000};
constexpr const char* kUserAgent = "registry_exporter/" REGISTRY_EXPORTER_VERSION;

/// A certificate must list its names: libcurl would take the subject's common name where it
/// doesn't.
int on_certificate(int is_good, X509_STORE_CTX* store) {
  if (is_good == 0 || X509_STORE_CTX_get_error_depth(store) > 0) return is_good;
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(
      X509_STORE_CTX_get_current_cert(store), NID_subject_alt_name, nullptr, nullptr));
  bool is_named = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const int type = sk_GENERAL_NAME_value(names, i)->type;
    is_named |= type == GEN_DNS || type == GEN_IPADD;
  }
  GENERAL_NAMES_free(names);
  if (is_named) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
  return 0;
}

CURLcode on_tls_context(CURL*, void* context, void*) {
  SSL_CTX_set_verify(static_cast<SSL_CTX*>(context), SSL_VERIFY_PEER, on_certificate);
  return CURLE_OK;
}

CurlList header_list(const HttpRequest& request) {
  CurlList list;
  bool has_content_type = false;
  for (const auto& [name, value] : request.headers) {
    has_content_type |= lower(name) == "content-type";
    append(list, value.empty() ? name + ";" : name + ": " + value);
  }
  if (!has_content_type) append(list, "Content-Type:");  // libcurl would make one up for a POST.
  append(list, "Expect:");
  return list;
}

}  // namespace

CurlRequest::CurlRequest(const HttpRequest& request, const Proxy& proxy, const CurlOptions& options)
    : request_(request), proxy_(proxy), options_(options), headers_(header_list(request)) {
  const Origin origin = parse_origin(request.origin);
  const bool is_renamed = !options.server_name.empty() && origin.is_secure() &&
                          request.origin == options.server_name_origin;
  const std::string real_host = lower(origin.host);
  const std::string& host = is_renamed ? options.server_name : real_host;
  url_ = origin.scheme + "://" + host + (origin.port.empty() ? "" : ":" + origin.port) +
         request.target;
  if (!is_renamed) return;
  const std::string port(origin.effective_port());
  append(connect_to_, host + ":" + port + ":" + real_host + ":" + port);
}

void CurlRequest::configure(CURL* handle) const {
  set_message(handle);
  set_connection(handle);
  set_tls(handle);
}

void CurlRequest::set_message(CURL* handle) const {
  set_option(handle, CURLOPT_URL, url_.c_str());
  set_option(handle, CURLOPT_PATH_AS_IS, 1L);
  set_option(handle, CURLOPT_HTTPHEADER, headers_.get());
  set_option(handle, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  set_option(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set_option(handle, CURLOPT_USERAGENT, kUserAgent);
  set_option(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set_option(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set_option(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set_option(handle, CURLOPT_ACCEPT_ENCODING, "gzip");
  if (request_.method == "GET") return;
  // With a length, even if it is 0: servers may wait for one.
  set_option(handle, CURLOPT_POST, 1L);
  set_option(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(request_.body.size()));
  set_option(handle, CURLOPT_POSTFIELDS, request_.body.c_str());
  set_option(handle, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
}

void CurlRequest::set_connection(CURL* handle) const {
  set_option(handle, CURLOPT_NOSIGNAL, 1L);
  set_option(handle, CURLOPT_QUICK_EXIT, 1L);
  set_option(handle, CURLOPT_TCP_NODELAY, 1L);
  const auto timeout = static_cast<long>(std::max<std::int64_t>(1, request_.timeout.count()));
  set_option(handle, CURLOPT_TIMEOUT_MS, timeout);
  set_option(handle, CURLOPT_CONNECTTIMEOUT_MS,
             std::min(timeout, static_cast<long>(kConnectTimeoutMax.count())));
  set_option(handle, CURLOPT_PROXY, proxy_.url.c_str());  // "": none, not even libcurl's own.
  set_option(handle, CURLOPT_NOPROXY, "");
  // As Go's clients do; libcurl's own would be 1080.
  if (proxy_.is_plain_http()) set_option(handle, CURLOPT_PROXYPORT, 80L);
  if (connect_to_) set_option(handle, CURLOPT_CONNECT_TO, connect_to_.get());
}

void CurlRequest::set_tls(CURL* handle) const {
  set_option(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set_option(handle, CURLOPT_PROXY_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set_option(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  set_option(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  set_option(handle, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
  const auto set_file = [handle](CURLoption option, const std::string& path) {
    if (!path.empty()) set_option(handle, option, path.c_str());
  };
  set_file(CURLOPT_CAINFO, options_.ca_file);
  // The named authorities alone, not the system's beside them.
  if (!options_.ca_file.empty()) set_option(handle, CURLOPT_CAPATH, nullptr);
  // The certificate of an https:// proxy may come from them, too.
  set_file(CURLOPT_PROXY_CAINFO, options_.ca_file);
  set_file(CURLOPT_SSLCERT, options_.cert_file);
  set_file(CURLOPT_SSLKEY, options_.key_file);
}

}  // namespace registry_exporter::net
