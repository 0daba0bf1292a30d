#include "exporter/web/routes.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <variant>

#include "exporter/base/percent_encoding.h"
#include "exporter/web/deadline.h"
#include "exporter/web/html.h"
#include "exporter/web/http_head.h"
#include "exporter/web/negotiation.h"
#include "exporter/web/pages.h"
#include "exporter/web/status_page.h"
#include "exporter/web/target.h"

namespace registry_exporter {

struct Routes::Shared {
  WebOptions options;
  WebServices services;
  std::atomic<int> scrapes_under_way{0};
};

namespace {

constexpr Millis kTakeAnswerWithin{10'000};  ///< After the scrape's deadline.
constexpr std::size_t kEchoMax = 200;        ///< Bytes of a request that an answer repeats.
constexpr std::size_t kUserAgentMax = 200;

WebAnswer not_allowed(std::string allow) {
  WebAnswer answer = text_answer(405, "405 method not allowed, only " + allow + "\n");
  answer.headers.emplace_back("Allow", std::move(allow));
  return answer;
}

WebAnswer try_later(const std::string& why) {
  WebAnswer answer = text_answer(503, "503 " + why + "\n");
  answer.headers.emplace_back("Retry-After", "1");
  return answer;
}

bool reads(const WebRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

/// The values of a header that may be sent several times, as one list.
std::string joined(const WebRequest& request, std::string_view name) {
  std::string all;
  for (const auto& [header_name, value] : request.headers) {
    if (header_name != name) continue;
    if (!all.empty()) all += ',';
    all += value;
  }
  return all;
}

/// Who scrapes: the next scrape of the same client must be known as such.
std::string client_of(const WebRequest& request) {
  const std::string_view agent = request.header("user-agent");
  return request.client_address + " " + std::string(agent.substr(0, kUserAgentMax));
}

/// nullopt: sent, but no positive number, or more than once.
std::optional<Millis> timeout_of(const WebRequest& request, Millis otherwise) {
  std::optional<std::string_view> sent;
  for (const auto& [name, value] : request.headers) {
    if (name != "x-prometheus-scrape-timeout-seconds") continue;
    if (sent) return std::nullopt;
    sent = value;
  }
  return sent ? parse_scrape_timeout(*sent) : otherwise;
}

/// The registries asked for, each once; else the name that isn't known.
struct Selection {
  std::vector<std::string> names;
  std::optional<std::string> unknown;
};
Selection select(const QueryPairs& query, const WebServices& services) {
  Selection selection;
  for (const auto& [key, name] : query) {
    if (key != "registry") continue;
    if (!services.registry_exists(name)) {
      selection.unknown = name;
      return selection;
    }
    const auto& names = selection.names;
    const bool doubled = std::find(names.begin(), names.end(), name) != names.end();
    if (!doubled) selection.names.push_back(name);
  }
  return selection;
}

std::variant<ScrapeRequest, WebAnswer> read_scrape(const WebRequest& request,
                                                   const QueryPairs& query,
                                                   const WebOptions& options,
                                                   const WebServices& services) {
  const std::optional<Millis> timeout = timeout_of(request, services.scrape_timeout());
  if (!timeout) {
    return text_answer(400, "400 X-Prometheus-Scrape-Timeout-Seconds is no positive number\n");
  }
  Selection selection = select(query, services);
  if (selection.unknown) {
    const std::string echo = percent_encode(selection.unknown->substr(0, kEchoMax));
    return text_answer(400, "400 unknown registry \"" + echo + "\"\n");
  }
  ScrapeRequest scrape;
  scrape.registries = std::move(selection.names);
  scrape.timeout = answer_within(*timeout, options.timeout_offset);
  scrape.format = negotiate_format(joined(request, "accept"));
  scrape.gzip = accepts_gzip(joined(request, "accept-encoding"));
  scrape.client = client_of(request);
  scrape.collect = request.method == "GET";
  return scrape;
}

WebAnswer scrape_answer(const ScrapeRequest& scrape, ScrapeAnswer scraped) {
  WebAnswer answer;
  answer.headers = {{"Content-Type", std::string(content_type(scrape.format))},
                    {"Vary", "Accept, Accept-Encoding"},
                    {"X-Content-Type-Options", "nosniff"},
                    {"Cache-Control", "no-store"}};
  if (scrape.gzip) answer.headers.emplace_back("Content-Encoding", "gzip");
  answer.body = std::move(scraped.chunks);
  answer.take_within = scrape.timeout + kTakeAnswerWithin;
  answer.when_done = std::move(scraped.when_done);
  if (!scrape.collect && answer.when_done) {
    // The answer to a HEAD shows no series: nobody has seen anything.
    answer.when_done = [done = std::move(answer.when_done)](bool) { done(false); };
  }
  return answer;
}

WebAnswer html_answer(std::string html) {
  WebAnswer answer = text_answer(200, std::move(html));
  answer.headers = {
      {"Content-Type", "text/html; charset=utf-8"}, {"Content-Security-Policy", pages_policy()},
      {"X-Content-Type-Options", "nosniff"},        {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},           {"Cache-Control", "no-store"}};
  return answer;
}

/// One scrape under way, from being accepted until its answer is ready.
class UnderWay {
 public:
  explicit UnderWay(std::atomic<int>& count) : count_(count), number_(++count) {}
  ~UnderWay() { end(); }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;
  int number() const { return number_; }
  void end() {
    if (!ended_.exchange(true)) --count_;
  }

 private:
  std::atomic<int>& count_;
  const int number_;
  std::atomic<bool> ended_{false};
};

using Shared = std::shared_ptr<Routes::Shared>;

void answer_scrape(const Shared& shared, const WebRequest& request, const QueryPairs& query,
                   const Routes::Reply& reply) {
  if (!reads(request)) return reply(not_allowed("GET, HEAD"));
  auto read = read_scrape(request, query, shared->options, shared->services);
  if (auto* refused = std::get_if<WebAnswer>(&read)) return reply(std::move(*refused));
  const auto under_way = std::make_shared<UnderWay>(shared->scrapes_under_way);
  if (under_way->number() > shared->options.max_requests) {
    return reply(try_later("too many scrapes under way (--web.max-requests)"));
  }
  const auto scrape = std::make_shared<const ScrapeRequest>(std::get<ScrapeRequest>(read));
  const bool runs = shared->services.run([shared, under_way, scrape, reply] {
    WebAnswer answer = scrape_answer(*scrape, shared->services.scrape(*scrape));
    under_way->end();
    reply(std::move(answer));
  });
  if (!runs) reply(try_later("no thread for a scrape"));
}

void answer_landing(const Shared& shared, const WebRequest& request, const Routes::Reply& reply) {
  if (!reads(request)) return reply(not_allowed("GET, HEAD"));
  const bool runs = shared->services.run([shared, reply] {
    const std::vector<RegistryHealth> health = shared->services.health();
    const std::vector<std::string> refused = shared->services.refused_configurations();
    reply(html_answer(landing_page({.version = REGISTRY_EXPORTER_VERSION,
                                    .telemetry_path = shared->options.telemetry_path,
                                    .ready = shared->services.ready(),
                                    .registries = health,
                                    .refused_configurations = refused})));
  });
  if (!runs) reply(try_later("no thread for the page"));
}

/// `/status`, or `/api/v1/repositories` for programs.
void answer_repositories(const Shared& shared, const QueryPairs& pairs, bool json,
                         const Routes::Reply& reply) {
  const std::size_t per_page = json ? 0 : kStatusRowsPerPage;
  auto query = parse_repository_query(pairs, per_page);
  if (!query) return reply(text_answer(400, "400 " + query.error().detail + "\n"));
  const bool runs = shared->services.run([shared, reply, json, query = *std::move(query)] {
    const RepositoryOverview overview = shared->services.repositories();
    if (!json) return reply(html_answer(status_page(overview, query)));
    WebAnswer answer = text_answer(200, repositories_json(overview, query));
    answer.headers.front().second = "application/json";
    reply(std::move(answer));
  });
  if (!runs) reply(try_later("no thread for the page"));
}

void answer_reload(const Shared& shared, const WebRequest& request, const Routes::Reply& reply) {
  if (request.method != "POST") return reply(not_allowed("POST"));
  if (!shared->options.enable_lifecycle) {
    return reply(text_answer(403, "403 reloading is off, see --web.enable-lifecycle\n"));
  }
  const bool runs = shared->services.run([shared, reply] {
    const std::optional<std::string> problem = shared->services.reload();
    reply(problem ? text_answer(500, "500 not reloaded: " + *problem + "\n")
                  : text_answer(200, "reloaded\n"));
  });
  if (!runs) reply(try_later("no thread to reload"));
}

}  // namespace

Routes::Routes(WebOptions options, WebServices services) : shared_(std::make_shared<Shared>()) {
  shared_->options = std::move(options);
  shared_->services = std::move(services);
}

void Routes::handle(WebRequest request, Reply reply) {
  const std::optional<Target> target = parse_target(request.target);
  if (!target) return reply(text_answer(400, "400 bad request target\n"));
  const std::string& path = target->path;
  if (path == shared_->options.telemetry_path) {
    return answer_scrape(shared_, request, target->query, reply);
  }
  if (path == "/-/reload") return answer_reload(shared_, request, reply);
  const bool json = path == "/api/v1/repositories";
  const bool list = json || path == "/status";
  const bool known =
      list || path == "/" || path == "/-/healthy" || path == "/-/ready" || path == "*";
  if (!known) return reply(text_answer(404, "404 not found\n"));
  if (!reads(request) || path == "*") return reply(not_allowed("GET, HEAD"));
  if (path == "/") return answer_landing(shared_, request, reply);
  if (list) return answer_repositories(shared_, target->query, json, reply);
  const bool good = path == "/-/healthy" || shared_->services.ready();
  const char* const word = path == "/-/healthy" ? "healthy\n" : "ready\n";
  reply(good ? text_answer(200, word) : text_answer(503, "503 not ready\n"));
}

}  // namespace registry_exporter
