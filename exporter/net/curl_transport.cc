// Shell: the only user of libcurl.
#include "exporter/net/curl_transport.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <mutex>
#include <vector>

namespace registry_exporter {
namespace {

constexpr Millis kConnectTimeoutMax{5'000};

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, CurlDeleter>;
using HeaderList = std::unique_ptr<curl_slist, CurlDeleter>;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

/// One answer while it comes in.
struct Receiving {
  HttpResponse response;
  std::size_t head_bytes = 0;
  std::size_t head_bytes_max = 0;
  std::size_t body_bytes_max = 0;
  bool over_limit = false;
  bool two_lengths = false;  ///< Two Content-Length that differ: where it ends is anyone's guess.
  std::string host;          ///< The name the certificate must have.
  const std::atomic<bool>* aborted = nullptr;
};

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* target) {
  auto& receiving = *static_cast<Receiving*>(target);
  const std::string_view line(data, size * count);
  receiving.head_bytes += line.size();
  if (receiving.head_bytes > receiving.head_bytes_max) {
    receiving.over_limit = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) {
    receiving.response.headers.clear();  // A 100, or the head of a proxy, came before.
    return line.size();
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  std::string name = lower(trimmed(line.substr(0, colon)));
  std::string value(trimmed(line.substr(colon + 1)));
  const std::string_view before = receiving.response.header("content-length");
  if (name == "content-length" && !before.empty() && before != value) receiving.two_lengths = true;
  receiving.response.headers.emplace_back(std::move(name), std::move(value));
  return line.size();
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* target) {
  auto& receiving = *static_cast<Receiving*>(target);
  std::string& body = receiving.response.body;
  if (receiving.two_lengths || body.size() + size * count > receiving.body_bytes_max) {
    receiving.over_limit = true;
    return 0;
  }
  body.append(data, size * count);
  return size * count;
}

int on_progress(void* target, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Receiving*>(target)->aborted->load() ? 1 : 0;
}

/// libcurl would take a certificate's common name where there is no alternative name.
CURLcode on_tls_context(CURL*, void* context, void* target) {
  const std::string& host = static_cast<Receiving*>(target)->host;
  X509_VERIFY_PARAM* parameters = SSL_CTX_get0_param(static_cast<SSL_CTX*>(context));
  X509_VERIFY_PARAM_set_hostflags(
      parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  unsigned char address[16];
  const bool is_address = inet_pton(AF_INET, host.c_str(), address) == 1 ||
                          inet_pton(AF_INET6, host.c_str(), address) == 1;
  const int set = is_address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str())
                             : X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size());
  return set == 1 ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

struct OriginParts {
  std::string scheme, host, port;  ///< Port is "" when the origin names none.
};

OriginParts split_origin(const std::string& origin) {
  OriginParts parts;
  const std::size_t scheme = origin.find("://");
  parts.scheme = origin.substr(0, scheme);
  std::string rest = scheme == std::string::npos ? origin : origin.substr(scheme + 3);
  const std::size_t bracket = rest.rfind(']');
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
    parts.port = rest.substr(colon + 1);
    rest.resize(colon);
  }
  parts.host = lower(rest);
  return parts;
}

std::string without_brackets(const std::string& host) {
  return host.size() > 2 && host.front() == '[' ? host.substr(1, host.size() - 2) : host;
}

ErrorKind kind_of(CURLcode code) {
  return code == CURLE_OPERATION_TIMEDOUT ? ErrorKind::timeout : ErrorKind::transport;
}

class CurlTransport final : public HttpTransport {
 public:
  explicit CurlTransport(CurlOptions options) : options_(std::move(options)) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)initialised;
  }

  Result<HttpResponse> send(const HttpRequest& request) override {
    if (aborted_) return fail(ErrorKind::canceled, "stopping");
    Handle handle = take_handle();
    if (!handle) return fail(ErrorKind::transport, "out of memory for a connection");
    Receiving receiving;
    receiving.head_bytes_max = options_.head_bytes_max;
    receiving.body_bytes_max = options_.body_bytes_max;
    receiving.aborted = &aborted_;
    const HeaderList headers = header_list(request);
    const HeaderList connect_to = configure(handle.get(), request, headers.get(), receiving);
    char message[CURL_ERROR_SIZE] = {};
    curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, message);
    const CURLcode code = curl_easy_perform(handle.get());
    curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, nullptr);
    if (code != CURLE_OK) return failure(code, message, receiving);
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    receiving.response.status = static_cast<int>(status);
    keep_handle(std::move(handle));
    return std::move(receiving.response);
  }

  void abort() override { aborted_ = true; }

 private:
  /// A handle owns its connections: taking the one used last finds a warm one.
  Handle take_handle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return Handle(curl_easy_init());
    Handle handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
  }
  void keep_handle(Handle handle) {
    curl_easy_reset(handle.get());  // Options go, connections stay.
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(handle));
  }

  static HeaderList header_list(const HttpRequest& request) {
    HeaderList list;
    const auto add = [&list](const std::string& line) {
      list.reset(curl_slist_append(list.release(), line.c_str()));
    };
    bool has_content_type = false;
    for (const auto& [name, value] : request.headers) {
      has_content_type |= lower(name) == "content-type";
      add(value.empty() ? name + ";" : name + ": " + value);
    }
    if (!has_content_type) add("Content-Type:");  // libcurl would make one up for a POST.
    add("Expect:");
    return list;
  }

  static Result<HttpResponse> failure(CURLcode code, const char* message,
                                      const Receiving& receiving) {
    if (code == CURLE_ABORTED_BY_CALLBACK) return fail(ErrorKind::canceled, "stopping");
    if (receiving.two_lengths) return fail(ErrorKind::malformed, "two different Content-Length");
    if (receiving.over_limit) return fail(ErrorKind::malformed, "answer over the size limit");
    const std::string detail = *message != '\0' ? message : curl_easy_strerror(code);
    return fail(kind_of(code), detail);
  }

  HeaderList configure(CURL* handle, const HttpRequest& request, curl_slist* headers,
                       Receiving& receiving) const {
    const OriginParts origin = split_origin(request.origin);
    const bool renamed = !options_.server_name.empty() && origin.scheme == "https";
    const std::string host = renamed ? options_.server_name : origin.host;
    const std::string port = origin.port.empty() ? "" : ":" + origin.port;
    const std::string url = origin.scheme + "://" + host + port + request.target;
    receiving.host = without_brackets(lower(host));

    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
    const auto timeout = static_cast<long>(std::max<std::int64_t>(1, request.timeout.count()));
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                     std::min(timeout, static_cast<long>(kConnectTimeoutMax.count())));
    if (request.method == "POST") {
      curl_easy_setopt(handle, CURLOPT_POST, 1L);
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.c_str());
    } else if (request.method != "GET") {
      curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &receiving);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &receiving);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &receiving);
    configure_tls(handle, receiving);
    const std::string proxy = options_.direct ? "" : proxy_for(request.origin, options_.proxy);
    curl_easy_setopt(handle, CURLOPT_PROXY, proxy.c_str());  // "" is: none, not even libcurl's own.
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "");

    HeaderList connect_to;
    if (renamed) {
      const std::string real_port = origin.port.empty() ? "443" : origin.port;
      connect_to.reset(curl_slist_append(
          nullptr, (host + ":" + real_port + ":" + origin.host + ":" + real_port).c_str()));
      curl_easy_setopt(handle, CURLOPT_CONNECT_TO, connect_to.get());
    }
    return connect_to;
  }

  void configure_tls(CURL* handle, Receiving& receiving) const {
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
    curl_easy_setopt(handle, CURLOPT_SSL_CTX_DATA, &receiving);
    const auto file = [handle](CURLoption option, const std::string& path) {
      if (!path.empty()) curl_easy_setopt(handle, option, path.c_str());
    };
    file(CURLOPT_CAINFO, options_.ca_file);
    file(CURLOPT_SSLCERT, options_.cert_file);
    file(CURLOPT_SSLKEY, options_.key_file);
  }

  const CurlOptions options_;
  std::atomic<bool> aborted_{false};
  std::mutex mutex_;
  std::vector<Handle> idle_;
};

}  // namespace

std::unique_ptr<HttpTransport> make_curl_transport(CurlOptions options) {
  return std::make_unique<CurlTransport>(std::move(options));
}

}  // namespace registry_exporter
