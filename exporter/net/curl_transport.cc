// Shell: the only user of libcurl, with net/curl_{request,response,error}.
#include "exporter/net/curl_transport.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <unordered_set>
#include <vector>

#include "exporter/base/mutex.h"
#include "exporter/base/out_of_memory.h"
#include "exporter/base/url.h"
#include "exporter/net/curl_error.h"
#include "exporter/net/curl_handle.h"
#include "exporter/net/curl_request.h"
#include "exporter/net/curl_response.h"

namespace registry_exporter::net {
namespace {

constexpr int kPollMs = 1'000;

/// One call at a time, over connections of its own that stay open; its wait can be ended from
/// another thread.
struct Line {
  std::unique_ptr<CURLM, CurlMultiDeleter> multi{curl_multi_init()};
  std::unique_ptr<CURL, CurlDeleter> easy{curl_easy_init()};
};

/// Without TLS there is no tunnel through the proxy, which may then have answered itself.
Result<HttpResponse> checked(HttpResponse response, const HttpRequest& request,
                             const Proxy& proxy) {
  constexpr int kProxyWantsPassword = 407;
  if (proxy.is_none()) return response;
  if (response.status == kProxyWantsPassword) {
    return tl::unexpected<Error>(proxy_password_error(proxy));
  }
  if (!parse_origin(request.origin).is_secure()) response.proxy = proxy.spoken();
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
    const Proxy proxy = request.direct ? Proxy{} : proxy_for(request.origin, options_.proxy);
    if (!proxy.is_none() && !is_readable_proxy(proxy.url)) {
      return tl::unexpected<Error>(proxy_url_error(proxy));
    }
    std::unique_ptr<Line> line = take_line();
    if (!line->multi || !line->easy) {
      return fail(ErrorKind::transport, "connection: out of memory");
    }
    CurlResponse receiving(options_.head_bytes_max, options_.body_bytes_max);
    const CurlRequest sending(request, proxy, options_);
    char message[CURL_ERROR_SIZE] = {};
    sending.configure(line->easy.get());
    receiving.receive_from(line->easy.get());
    set_option(line->easy.get(), CURLOPT_ERRORBUFFER, message);

    const std::optional<CURLcode> code = perform(*line);
    long status = 0;
    curl_easy_getinfo(line->easy.get(), CURLINFO_RESPONSE_CODE, &status);
    const bool is_good = code == CURLE_OK;
    std::optional<Error> error;
    if (code && !is_good) error = curl_error(line->easy.get(), *code, message, proxy);
    put_back(std::move(line), is_good);
    if (!code) return fail(ErrorKind::canceled, "stopping");
    if (receiving.refused() != nullptr) return fail(ErrorKind::malformed, receiving.refused());
    if (error) return tl::unexpected<Error>(*std::move(error));
    receiving.response().status = static_cast<int>(status);
    return checked(std::move(receiving.response()), request, proxy);
  }

  void abort() override {
    aborted_ = true;
    const MutexLock lock(mutex_);
    for (const Line* line : busy_) curl_multi_wakeup(line->multi.get());
  }

 private:
  /// The line used last has the warmest connections.
  std::unique_ptr<Line> take_line() {
    const MutexLock lock(mutex_);
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

  /// After a failure the line is dropped, and its connections with it.
  void put_back(std::unique_ptr<Line> line, bool is_good) {
    curl_easy_reset(line->easy.get());  // Drops the options, keeps the connections.
    // Dropping the line must not wait for the resolver's thread.
    set_option(line->easy.get(), CURLOPT_QUICK_EXIT, 1L);
    const MutexLock lock(mutex_);
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

  const CurlOptions options_;
  std::atomic<bool> aborted_{false};
  Mutex mutex_;
  std::vector<std::unique_ptr<Line>> idle_ GUARDED_BY(mutex_);
  std::unordered_set<const Line*> busy_ GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<HttpTransport> make_curl_transport(CurlOptions options) {
  return std::make_unique<CurlTransport>(std::move(options));
}

}  // namespace registry_exporter::net
