// Shell: the only user of libcurl.
#include "exporter/net/curl_transport.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <vector>

#include "exporter/base/out_of_memory.h"

namespace registry_exporter {
namespace {

constexpr Millis kConnectTimeoutMax{3'000};
constexpr int kPollMs = 1'000;
constexpr const char* kUserAgent = "registry_exporter/" REGISTRY_EXPORTER_VERSION;

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct MultiDeleter {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
using HeaderList = std::unique_ptr<curl_slist, CurlDeleter>;

/// One call at a time, over connections of its own that stay open; its wait can be ended from
/// another thread.
struct Line {
  std::unique_ptr<CURLM, MultiDeleter> multi{curl_multi_init()};
  std::unique_ptr<CURL, CurlDeleter> easy{curl_easy_init()};
};

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  curl_easy_setopt(handle, option, value);
}

void append(HeaderList& list, const std::string& line) {
  list.reset(curl_slist_append(list.release(), line.c_str()));
}

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

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// One answer while it comes in.
struct Receiving {
  HttpResponse response;
  std::size_t head_bytes = 0;
  std::size_t head_bytes_max = 0;
  std::size_t body_bytes_max = 0;
  std::string length;  ///< Content-Length.
  bool is_chunked = false;
  const char* refused = nullptr;  ///< Why we stopped reading.
};

/// Notes what a header says of where the answer ends, which must not be anyone's guess: what
/// follows would be read as the next answer.
void check_framing(Receiving& receiving, std::string_view name, std::string_view value) {
  std::string& length = receiving.length;
  if (name == "transfer-encoding") receiving.is_chunked = true;
  if (name == "content-length") {
    if (!is_number(value)) receiving.refused = "http: Content-Length is no number";
    if (!length.empty() && length != value) receiving.refused = "http: two different lengths";
    length = value;
  }
  if (receiving.is_chunked && !length.empty()) {
    receiving.refused = "http: both Content-Length and Transfer-Encoding";
  }
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* target) {
  auto& receiving = *static_cast<Receiving*>(target);
  HttpResponse& response = receiving.response;
  const std::string_view line(data, size * count);
  receiving.head_bytes += line.size();
  if (receiving.head_bytes > receiving.head_bytes_max) {
    receiving.refused = "limit: answer with too long a head";
    return 0;
  }
  if (line.starts_with("HTTP/")) {
    response.headers.clear();  // A 100 came before.
    receiving.length.clear();
    receiving.is_chunked = false;
    return line.size();
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  std::string name = lower(trimmed(line.substr(0, colon)));
  std::string value(trimmed(line.substr(colon + 1)));
  check_framing(receiving, name, value);
  if (receiving.refused != nullptr) return 0;
  response.headers.emplace_back(std::move(name), std::move(value));
  return line.size();
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* target) {
  auto& receiving = *static_cast<Receiving*>(target);
  std::string& body = receiving.response.body;
  if (body.size() + size * count > receiving.body_bytes_max) {
    receiving.refused = "limit: answer with too long a body";
    return 0;
  }
  body.append(data, size * count);
  return size * count;
}

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
std::string_view place_of(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return "dns";
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
      return "proxy";
    case CURLE_COULDNT_CONNECT:
      return "connect";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ISSUER_ERROR:
      return "tls";
    case CURLE_PARTIAL_FILE:
      return "truncated";
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

/// How a request goes.
struct Way {
  Proxy proxy;
  bool secure = false;

  bool is_direct() const { return proxy.url.empty(); }
  bool has_socks() const { return lower(proxy.url).starts_with("socks"); }
  bool is_plain_http_proxy() const {
    return proxy.url.find("://") == std::string::npos || lower(proxy.url).starts_with("http://");
  }
};

/// Whether a failed call never got past its proxy: not to it, or not through it.
bool is_the_proxys_fault(CURL* handle, CURLcode code, const Way& way) {
  if (code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_PROXY) return true;
  if (way.has_socks()) return code == CURLE_COULDNT_CONNECT;
  long tunnel_status = 0;
  curl_off_t sent_after = 0;  // 0: the request was never begun.
  curl_easy_getinfo(handle, CURLINFO_HTTP_CONNECTCODE, &tunnel_status);
  curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &sent_after);
  return sent_after == 0 && tunnel_status / 100 != 2;
}

Error error_of(CURL* handle, CURLcode code, std::string_view message, const Way& way) {
  // It may be a proxy's address, with the password in it.
  const bool tells_secrets = message.find('@') != std::string_view::npos;
  const std::string why(message.empty() || tells_secrets ? curl_easy_strerror(code) : message);
  const std::string place(place_of(code));
  Error error{kind_of(code), place + ": " + why, {}, {}};
  if (way.is_direct()) return error;
  if (is_the_proxys_fault(handle, code, way)) {
    error.detail = "proxy: " + way.proxy.spoken() + ": " + why;
    error.cause = ErrorCause::proxy;
  } else {
    error.detail += ", through the proxy " + way.proxy.spoken();
  }
  return error;
}

/// libcurl would quote it, password and all.
Error unreadable(const Proxy& proxy) {
  Error error{ErrorKind::transport, "proxy: " + proxy.spoken() + ": " + kProxyForm, {}, {}};
  error.cause = ErrorCause::proxy;
  return error;
}

/// Where no tunnel leads past it, a proxy may have answered itself.
Result<HttpResponse> answered(HttpResponse response, int status, const Way& way) {
  constexpr int kProxyWantsPassword = 407;
  if (!way.is_direct() && status == kProxyWantsPassword) {
    Error error{ErrorKind::transport, {}, {}, {}};
    error.detail =
        "proxy: " + way.proxy.spoken() + ": it wants another name and password (HTTP 407)";
    error.cause = ErrorCause::proxy;
    return tl::unexpected<Error>(std::move(error));
  }
  response.status = status;
  if (!way.is_direct() && !way.secure) response.proxy = way.proxy.spoken();
  return response;
}

bool has_line_break(const HttpRequest& request) {
  return std::any_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
    return header.second.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos;
  });
}

class CurlTransport final : public HttpTransport {
 public:
  explicit CurlTransport(CurlOptions options) : options_(std::move(options)) {
    static const CURLcode initialised =
        curl_global_init_mem(CURL_GLOBAL_DEFAULT, or_end::allocate, std::free, or_end::reallocate,
                             or_end::duplicate, or_end::allocate_zeros);
    (void)initialised;
  }

  Result<HttpResponse> send(const HttpRequest& request) override {
    if (has_line_break(request)) {
      return fail(ErrorKind::transport, "http: a header's value has a line break in it");
    }
    const Way way{request.direct ? Proxy{} : proxy_for(request.origin, options_.proxy),
                  request.origin.starts_with("https://")};
    if (!way.is_direct() && !is_readable_proxy(way.proxy.url)) {
      return tl::unexpected<Error>(unreadable(way.proxy));
    }
    std::unique_ptr<Line> line = take_line();
    if (!line->multi || !line->easy) {
      return fail(ErrorKind::transport, "connection: out of memory");
    }
    Receiving receiving;
    receiving.head_bytes_max = options_.head_bytes_max;
    receiving.body_bytes_max = options_.body_bytes_max;
    char message[CURL_ERROR_SIZE] = {};
    const HeaderList headers = header_list(request);
    const HeaderList connect_to =
        configure(line->easy.get(), request, way, headers.get(), receiving);
    set(line->easy.get(), CURLOPT_ERRORBUFFER, message);

    const std::optional<CURLcode> code = perform(*line);
    long status = 0;
    curl_easy_getinfo(line->easy.get(), CURLINFO_RESPONSE_CODE, &status);
    const bool is_good = code == CURLE_OK;
    std::optional<Error> error;
    if (code && !is_good) error = error_of(line->easy.get(), *code, message, way);
    put_back(std::move(line), is_good);
    if (!code) return fail(ErrorKind::canceled, "stopping");
    if (receiving.refused != nullptr) return fail(ErrorKind::malformed, receiving.refused);
    if (error) return tl::unexpected<Error>(*std::move(error));
    return answered(std::move(receiving.response), static_cast<int>(status), way);
  }

  void abort() override {
    aborted_ = true;
    const std::lock_guard lock(mutex_);
    for (const Line* line : busy_) curl_multi_wakeup(line->multi.get());
  }

 private:
  /// The line used last has the warmest connections.
  std::unique_ptr<Line> take_line() {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<Line> line;
    if (idle_.empty()) {
      line = std::make_unique<Line>();
    } else {
      line = std::move(idle_.back());
      idle_.pop_back();
    }
    if (line->multi && line->easy) busy_.insert(line.get());
    return line;
  }

  /// After a failure the line goes, and its connections with it.
  void put_back(std::unique_ptr<Line> line, bool is_good) {
    curl_easy_reset(line->easy.get());  // Options go, connections stay.
    // Still, a resolver's thread must not be waited for when the line goes.
    set(line->easy.get(), CURLOPT_QUICK_EXIT, 1L);
    const std::lock_guard lock(mutex_);
    busy_.erase(line.get());
    if (is_good) idle_.push_back(std::move(line));
  }

  /// What curl_easy_perform() does, but abort() ends it at once. nullopt: aborted.
  std::optional<CURLcode> perform(Line& line) const {
    CURLM* multi = line.multi.get();
    if (curl_multi_add_handle(multi, line.easy.get()) != CURLM_OK) return CURLE_FAILED_INIT;
    std::optional<CURLcode> result;
    while (!aborted_ && !result) {
      int running = 0;
      int waiting = 0;
      if (curl_multi_perform(multi, &running) != CURLM_OK) result = CURLE_FAILED_INIT;
      while (const CURLMsg* message = curl_multi_info_read(multi, &waiting)) {
        if (message->msg == CURLMSG_DONE) result = message->data.result;
      }
      if (!result && curl_multi_poll(multi, nullptr, 0, kPollMs, nullptr) != CURLM_OK) {
        result = CURLE_FAILED_INIT;
      }
    }
    curl_multi_remove_handle(multi, line.easy.get());
    return result;
  }

  static HeaderList header_list(const HttpRequest& request) {
    HeaderList list;
    const auto add = [&list](const std::string& line) { append(list, line); };
    bool has_content_type = false;
    for (const auto& [name, value] : request.headers) {
      has_content_type |= lower(name) == "content-type";
      add(value.empty() ? name + ";" : name + ": " + value);
    }
    if (!has_content_type) add("Content-Type:");  // libcurl would make one up for a POST.
    add("Expect:");
    return list;
  }

  HeaderList configure(CURL* handle, const HttpRequest& request, const Way& way,
                       curl_slist* headers, Receiving& receiving) const {
    const OriginParts origin = split_origin(request.origin);
    const bool renamed = !options_.server_name.empty() && origin.scheme == "https" &&
                         request.origin == options_.server_name_origin;
    const std::string host = renamed ? options_.server_name : origin.host;
    const std::string port = origin.port.empty() ? "" : ":" + origin.port;
    const std::string url = origin.scheme + "://" + host + port + request.target;

    set(handle, CURLOPT_URL, url.c_str());
    set(handle, CURLOPT_PATH_AS_IS, 1L);
    set(handle, CURLOPT_HTTPHEADER, headers);
    set(handle, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
    set(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(handle, CURLOPT_USERAGENT, kUserAgent);
    set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    set(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(handle, CURLOPT_FOLLOWLOCATION, 0L);
    set(handle, CURLOPT_ACCEPT_ENCODING, "gzip");
    set(handle, CURLOPT_NOSIGNAL, 1L);
    set(handle, CURLOPT_QUICK_EXIT, 1L);
    set(handle, CURLOPT_TCP_NODELAY, 1L);
    const auto timeout = static_cast<long>(std::max<std::int64_t>(1, request.timeout.count()));
    set(handle, CURLOPT_TIMEOUT_MS, timeout);
    set(handle, CURLOPT_CONNECTTIMEOUT_MS,
        std::min(timeout, static_cast<long>(kConnectTimeoutMax.count())));
    if (request.method != "GET") {  // With a length, be it 0: servers may wait for one.
      set(handle, CURLOPT_POST, 1L);
      set(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
      set(handle, CURLOPT_POSTFIELDS, request.body.c_str());
      set(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    set(handle, CURLOPT_HEADERFUNCTION, on_header);
    set(handle, CURLOPT_HEADERDATA, &receiving);
    set(handle, CURLOPT_WRITEFUNCTION, on_body);
    set(handle, CURLOPT_WRITEDATA, &receiving);
    configure_tls(handle);
    set(handle, CURLOPT_PROXY, way.proxy.url.c_str());  // "" is: none, not even libcurl's own.
    set(handle, CURLOPT_NOPROXY, "");
    // As Go's clients do; libcurl's own would be 1080.
    if (way.is_plain_http_proxy()) set(handle, CURLOPT_PROXYPORT, 80L);

    HeaderList connect_to;
    if (renamed) {
      const std::string real_port = origin.port.empty() ? "443" : origin.port;
      append(connect_to, host + ":" + real_port + ":" + origin.host + ":" + real_port);
      set(handle, CURLOPT_CONNECT_TO, connect_to.get());
    }
    return connect_to;
  }

  void configure_tls(CURL* handle) const {
    set(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(handle, CURLOPT_PROXY_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(handle, CURLOPT_SSL_VERIFYPEER, 1L);
    set(handle, CURLOPT_SSL_VERIFYHOST, 2L);
    set(handle, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
    const auto file = [handle](CURLoption option, const std::string& path) {
      if (!path.empty()) set(handle, option, path.c_str());
    };
    file(CURLOPT_CAINFO, options_.ca_file);
    // The named authorities alone, not the system's beside them.
    if (!options_.ca_file.empty()) set(handle, CURLOPT_CAPATH, nullptr);
    // An https:// proxy may be of theirs, too.
    file(CURLOPT_PROXY_CAINFO, options_.ca_file);
    file(CURLOPT_SSLCERT, options_.cert_file);
    file(CURLOPT_SSLKEY, options_.key_file);
  }

  const CurlOptions options_;
  std::atomic<bool> aborted_{false};
  std::mutex mutex_;
  std::vector<std::unique_ptr<Line>> idle_;
  std::unordered_set<const Line*> busy_;
};

}  // namespace

std::unique_ptr<HttpTransport> make_curl_transport(CurlOptions options) {
  return std::make_unique<CurlTransport>(std::move(options));
}

}  // namespace registry_exporter
