#include "exporter/web/routes.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <variant>

#include "exporter/base/percent_encoding.h"
#include "exporter/exposition/exposition.h"
#include "exporter/web/deadline.h"
#include "exporter/web/html.h"
#include "exporter/web/http_head.h"
#include "exporter/web/negotiation.h"
#include "exporter/web/pages.h"
#include "exporter/web/request_target.h"
#include "exporter/web/scrape_targets.h"
#include "exporter/web/status_page.h"

namespace registry_exporter::web {

struct Routes::Shared {
  const WebOptions options;
  WebServices& services;
  std::atomic<int> running_scrapes{0};
};

namespace {

constexpr Millis kSendGrace{10'000};   ///< After the scrape's deadline.
constexpr std::size_t kEchoMax = 200;  ///< Bytes of a request that a response repeats.
constexpr std::size_t kUserAgentMax = 200;

WebResponse not_allowed(std::string allow) {
  WebResponse response = text_response(405, "405 method not allowed, only " + allow + "\n");
  response.headers.emplace_back("Allow", std::move(allow));
  return response;
}

/// To the start page.
WebResponse redirect(const Site& site) {
  WebResponse response = text_response(302, "302 see " + site.home() + "\n");
  response.headers.emplace_back("Location", site.home());
  return response;
}

WebResponse unavailable(const std::string& why) {
  WebResponse response = text_response(503, "503 " + why + "\n");
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

bool is_read(const WebRequest& request) {
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

/// Identifies the scraper: the same for each of its scrapes. One that asks for other families sees
/// other series.
std::string client_of(const WebRequest& request, const std::vector<std::string>& families) {
  const std::string_view agent = request.header("user-agent");
  std::string client = request.client_address + " " + std::string(agent.substr(0, kUserAgentMax));
  for (const std::string& family : families) client += "\n" + family;
  return client;
}

/// The timeout that the scraper sent, or `otherwise` if it sent none. nullopt: not a positive
/// number, or sent more than once.
std::optional<Millis> timeout_of(const WebRequest& request, Millis otherwise) {
  std::optional<std::string_view> sent;
  for (const auto& [name, value] : request.headers) {
    if (name != "x-prometheus-scrape-timeout-seconds") continue;
    if (sent) return std::nullopt;
    sent = value;
  }
  return sent ? parse_scrape_timeout(*sent) : otherwise;
}

/// The values of a parameter without duplicates, or the first one that is not known.
struct Selection {
  std::vector<std::string> names;
  std::optional<std::string> unknown;
};
template <class IsKnown>
Selection select(const QueryPairs& query, std::string_view parameter, IsKnown is_known) {
  Selection selection;
  for (const auto& [key, name] : query) {
    if (key != parameter) continue;
    if (!is_known(name)) {
      selection.unknown = name;
      return selection;
    }
    const auto& names = selection.names;
    const bool doubled = std::find(names.begin(), names.end(), name) != names.end();
    if (!doubled) selection.names.push_back(name);
  }
  return selection;
}

WebResponse unknown(const std::string& what, const std::string& name) {
  return text_response(
      400, "400 unknown " + what + " \"" + percent_encode(name.substr(0, kEchoMax)) + "\"\n");
}

std::variant<ScrapeRequest, WebResponse> read_scrape(const WebRequest& request,
                                                     const QueryPairs& query,
                                                     const WebOptions& options,
                                                     const WebServices& services) {
  const std::optional<Millis> timeout = timeout_of(request, services.scrape_timeout());
  if (!timeout) {
    return text_response(400, "400 X-Prometheus-Scrape-Timeout-Seconds is not a positive number\n");
  }
  Selection registries = select(query, "registry", [&services](const std::string& name) {
    return services.registry_exists(name);
  });
  if (registries.unknown) return unknown("registry", *registries.unknown);
  Selection families = select(query, "collect[]", exposition::is_known_family);
  if (families.unknown) return unknown("metric family", *families.unknown);
  ScrapeRequest scrape;
  scrape.registries = std::move(registries.names);
  scrape.families = std::move(families.names);
  scrape.timeout = response_time(*timeout, options.timeout_offset);
  const std::string accept = joined(request, "accept");
  scrape.format = negotiate_format(accept);
  scrape.names_escaping = names_escaping(accept);
  scrape.gzip = accepts_gzip(joined(request, "accept-encoding"));
  scrape.client = client_of(request, scrape.families);
  scrape.collect = request.method == "GET";
  return scrape;
}

WebResponse scrape_response(const ScrapeRequest& scrape, ScrapeResponse scraped) {
  WebResponse response;
  std::string type(exposition::content_type(scrape.format));
  if (scrape.names_escaping) type += "; escaping=underscores";
  response.headers = {{"Content-Type", std::move(type)},
                      {"Vary", "Accept, Accept-Encoding"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Cache-Control", "no-store"}};
  if (scrape.gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  response.body = std::move(scraped.chunks);
  response.send_within = scrape.timeout + kSendGrace;
  response.when_done = std::move(scraped.when_done);
  if (response.when_done && (!scrape.collect || !exposition::shows_events(scrape.families))) {
    // Without a body (HEAD) or without these families the scraper has seen no zero.
    response.when_done = [done = std::move(response.when_done)](bool) { done(false); };
  }
  return response;
}

WebResponse json_response(std::string json) {
  WebResponse response = text_response(200, std::move(json));
  response.headers.front().second = "application/json";
  return response;
}

WebResponse html_response(const Html& page) {
  WebResponse response = text_response(200, page.text());
  response.headers = {
      {"Content-Type", "text/html; charset=utf-8"}, {"Content-Security-Policy", pages_policy()},
      {"X-Content-Type-Options", "nosniff"},        {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},           {"Cache-Control", "no-store"}};
  return response;
}

/// Counts one running scrape, from its acceptance until its response is ready.
class RunningScrape {
 public:
  explicit RunningScrape(std::atomic<int>& count) : count_(count), number_(++count) {}
  ~RunningScrape() { end(); }
  RunningScrape(const RunningScrape&) = delete;
  RunningScrape& operator=(const RunningScrape&) = delete;
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

void serve_scrape(const Shared& shared, const WebRequest& request, const QueryPairs& query,
                  const Routes::Reply& reply) {
  if (!is_read(request)) return reply(not_allowed("GET, HEAD"));
  auto read = read_scrape(request, query, shared->options, shared->services);
  if (auto* refused = std::get_if<WebResponse>(&read)) return reply(std::move(*refused));
  const auto running = std::make_shared<RunningScrape>(shared->running_scrapes);
  if (running->number() > shared->options.max_requests) {
    return reply(unavailable("too many concurrent scrapes (--web.max-requests)"));
  }
  const auto scrape = std::make_shared<const ScrapeRequest>(std::get<ScrapeRequest>(read));
  const bool started = shared->services.run_task([shared, running, scrape, reply] {
    WebResponse response = scrape_response(*scrape, shared->services.scrape(*scrape));
    running->end();
    reply(std::move(response));
  });
  if (!started) reply(unavailable("no thread available for the scrape"));
}

void serve_landing(const Shared& shared, const WebRequest& request, const Routes::Reply& reply) {
  if (!is_read(request)) return reply(not_allowed("GET, HEAD"));
  const bool started = shared->services.run_task([shared, reply] {
    const WebServices& services = shared->services;
    const RepositoryOverview overview = services.repositories();
    const std::string links = shared->options.site.links();
    const std::vector<std::string> refused = services.refused_configurations();
    reply(html_response(landing_page({.version = REGISTRY_EXPORTER_VERSION,
                                      .links = links,
                                      .telemetry_path = shared->options.telemetry_path,
                                      .ready = services.ready(),
                                      .overview = overview,
                                      .refused_configurations = refused})));
  });
  if (!started) reply(unavailable("no thread available for the page"));
}

/// `/status`, or `/api/v1/repositories` for programs.
void serve_repositories(const Shared& shared, const QueryPairs& pairs, bool json,
                        const Routes::Reply& reply) {
  const std::size_t per_page = json ? 0 : kStatusRowsPerPage;
  auto query = parse_repository_query(pairs, per_page);
  if (!query) return reply(text_response(400, "400 " + query.error().detail + "\n"));
  const bool started = shared->services.run_task([shared, reply, json, query = *std::move(query)] {
    const RepositoryOverview overview = shared->services.repositories();
    if (!json) {
      return reply(html_response(status_page(overview, query, shared->options.site.links())));
    }
    reply(json_response(repositories_json(overview, query)));
  });
  if (!started) reply(unavailable("no thread available for the page"));
}

void serve_targets(const Shared& shared, const WebRequest& request, const Routes::Reply& reply) {
  std::string host(request.header("host"));
  if (host.empty() && !shared->options.site.has_external_host()) {
    return reply(text_response(400, "400 no Host header: it is the address of the targets\n"));
  }
  const bool started = shared->services.run_task([shared, reply, host = std::move(host)] {
    const WebOptions& options = shared->options;
    std::vector<std::string> names;
    for (const auto& registry : shared->services.repositories().registries) {
      names.push_back(registry.snapshot->name);
    }
    reply(json_response(scrape_targets_json(options.site, options.telemetry_path, host, names)));
  });
  if (!started) reply(unavailable("no thread available for the targets"));
}

void serve_reload(const Shared& shared, const WebRequest& request, const Routes::Reply& reply) {
  if (request.method != "POST") return reply(not_allowed("POST"));
  if (!shared->options.enable_lifecycle) {
    return reply(text_response(403, "403 reload is disabled, see --web.enable-lifecycle\n"));
  }
  const bool started = shared->services.run_task([shared, reply] {
    const std::optional<std::string> problem = shared->services.reload();
    reply(problem ? text_response(500, "500 not reloaded: " + *problem + "\n")
                  : text_response(200, "reloaded\n"));
  });
  if (!started) reply(unavailable("no thread available for the reload"));
}

/// `target`: its path is the one inside the site.
void serve(const Shared& shared, const WebRequest& request, const RequestTarget& target,
           const Routes::Reply& reply) {
  const std::string& path = target.path;
  if (path == shared->options.telemetry_path) {
    return serve_scrape(shared, request, target.query, reply);
  }
  if (path == "/-/reload") return serve_reload(shared, request, reply);
  const bool json = path == "/api/v1/repositories";
  const bool list = json || path == "/status";
  const bool targets = path == "/api/v1/targets";
  const bool known = list || targets || path == "/" || path == "/-/healthy" || path == "/-/ready";
  if (!known) return reply(text_response(404, "404 not found\n"));
  if (!is_read(request)) return reply(not_allowed("GET, HEAD"));
  if (path == "/") return serve_landing(shared, request, reply);
  if (targets) return serve_targets(shared, request, reply);
  if (list) return serve_repositories(shared, target.query, json, reply);
  const bool good = path == "/-/healthy" || shared->services.ready();
  const char* const word = path == "/-/healthy" ? "healthy\n" : "ready\n";
  reply(good ? text_response(200, word) : text_response(503, "503 not ready\n"));
}

}  // namespace

Routes::Routes(WebOptions options, WebServices& services)
    : shared_(new Shared{std::move(options), services}) {}

void Routes::handle(WebRequest request, Reply reply) {
  const std::optional<RequestTarget> target = parse_request_target(request.target);
  if (!target) return reply(text_response(400, "400 bad request target\n"));
  if (target->path == "*") return reply(not_allowed("GET, HEAD"));
  const Site& site = shared_->options.site;
  const bool is_above = target->path == "/" || target->path == site.prefix;
  if (is_above && !site.prefix.empty()) {
    return reply(is_read(request) ? redirect(site) : not_allowed("GET, HEAD"));
  }
  const std::optional<std::string> path = site.path_inside(target->path);
  if (!path) return reply(text_response(404, "404 not found\n"));
  serve(shared_, request, {*path, target->query}, reply);
}

}  // namespace registry_exporter::web
