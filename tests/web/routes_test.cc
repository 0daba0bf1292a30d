#include "exporter/web/routes.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace registry_exporter;
using namespace registry_exporter::web;

namespace {

/// Services that note what they were asked, and run tasks when told to.
struct Fake final : WebServices {
  Millis timeout{10'000};
  WebOptions options;
  std::vector<ScrapeRequest> scrapes;
  std::vector<bool> sent;
  std::vector<std::function<void()>> tasks;
  bool run_at_once = true;
  bool threads_left = true;
  bool is_ready = true;
  std::optional<std::string> reload_problem;
  std::vector<std::string> refused;
  int reloads = 0;

  Routes routes() { return Routes(options, *this); }

  bool registry_exists(const std::string& name) const override {
    return name == "acr-prod" || name == "swr-prod";
  }
  ScrapeResponse scrape(const ScrapeRequest& request) override {
    scrapes.push_back(request);
    ScrapeResponse response;
    response.chunks = {std::make_shared<const std::string>("up 1\n"),
                       std::make_shared<const std::string>("down 0\n")};
    response.when_done = [this](bool whole) { sent.push_back(whole); };
    return response;
  }
  RepositoryOverview repositories() const override {
    auto acr = std::make_shared<RegistrySnapshot>();
    acr->name = "acr-<b>";
    RepositoryRow row;
    auto view = std::make_shared<RepositoryView>();
    view->ref = {"team", "app", ""};
    row.cells[0].view = std::move(view);
    acr->rows.resize(3, row);
    acr->kinds = {&kBuilds};
    auto swr = std::make_shared<RegistrySnapshot>();
    swr->name = "swr-prod";
    swr->type = "swr";
    swr->kinds = {&kDeletions};
    swr->state.last_success = UnixMillis{};
    RepositoryOverview overview;
    overview.registries = {{acr, true}, {swr, false}};
    overview.now = UnixMillis{Millis{12'345}};
    return overview;
  }
  std::vector<std::string> refused_configurations() const override { return refused; }
  bool ready() const override { return is_ready; }
  Millis scrape_timeout() const override { return timeout; }
  std::optional<std::string> reload() override {
    ++reloads;
    return reload_problem;
  }
  bool run_task(std::function<void()> task) override {
    if (!threads_left) return false;
    if (run_at_once) {
      task();
    } else {
      tasks.push_back(std::move(task));
    }
    return true;
  }
};

using Headers = std::vector<std::pair<std::string, std::string>>;

std::optional<WebResponse> ask(Routes& routes, std::string method, std::string target,
                               Headers headers = {}) {
  const auto slot = std::make_shared<std::optional<WebResponse>>();
  routes.handle({.method = std::move(method),
                 .target = std::move(target),
                 .headers = std::move(headers),
                 .client_address = "192.0.2.1"},
                [slot](WebResponse response) { *slot = std::move(response); });
  return *slot;
}

std::string header(const WebResponse& response, std::string_view name) {
  for (const auto& [header_name, value] : response.headers) {
    if (header_name == name) return value;
  }
  return {};
}

std::string body(const WebResponse& response) {
  std::string whole;
  for (const auto& piece : response.body) whole += *piece;
  return whole;
}

}  // namespace

TEST_CASE("routes: every path and method has its code") {
  struct Row {
    const char* method;
    const char* target;
    int status;
    const char* allow;
  };
  const Row rows[] = {
      {"GET", "/metrics", 200, ""},
      {"HEAD", "/metrics", 200, ""},
      {"POST", "/metrics", 405, "GET, HEAD"},
      {"PUT", "/metrics", 405, "GET, HEAD"},
      {"DELETE", "/metrics", 405, "GET, HEAD"},
      {"OPTIONS", "/metrics", 405, "GET, HEAD"},
      {"TRACE", "/metrics", 405, "GET, HEAD"},
      {"get", "/metrics", 405, "GET, HEAD"},
      {"GET", "/metrics?registry=acr-prod", 200, ""},
      {"GET", "/metrics?registry=acr-prod&registry=swr-prod", 200, ""},
      {"GET", "/metrics?registry=nobody", 400, ""},
      {"GET", "/metrics?registry=acr-prod&registry=nobody", 400, ""},
      {"GET", "/metrics?registry=", 400, ""},
      {"GET", "/metrics?collect[]=acr_builds_total", 200, ""},
      {"GET", "/metrics?collect%5B%5D=acr_build_duration_seconds&registry=acr-prod", 200, ""},
      {"HEAD", "/metrics?collect[]=process_open_fds", 200, ""},
      {"GET", "/metrics?collect[]=x", 400, ""},
      {"GET", "/metrics?collect[]=", 400, ""},
      {"GET", "/metrics?collect[]", 400, ""},
      {"GET", "/metrics?collect[]=acr_builds_total&collect[]=nothing", 400, ""},
      {"GET", "/metrics?collect[]=acr_builds_total,acr_up", 400, ""},
      {"GET", "/metrics?collect[]=acr_build_duration_seconds_bucket", 400, ""},
      {"GET", "/metrics?collect[]=acr_up%", 400, ""},
      {"GET", "/metrics/", 404, ""},
      {"GET", "/metricsx", 404, ""},
      {"GET", "/Metrics", 404, ""},
      {"GET", "//metrics", 404, ""},
      {"GET", "/x/../metrics", 404, ""},
      {"GET", "/", 200, ""},
      {"GET", "/?x=1", 200, ""},
      {"HEAD", "/", 200, ""},
      {"POST", "/", 405, "GET, HEAD"},
      {"GET", "/index.html", 404, ""},
      {"POST", "/nothing", 404, ""},
      {"GET", "/-/healthy", 200, ""},
      {"HEAD", "/-/healthy", 200, ""},
      {"POST", "/-/healthy", 405, "GET, HEAD"},
      {"GET", "/-/ready", 200, ""},
      {"POST", "/-/ready", 405, "GET, HEAD"},
      {"GET", "/-/", 404, ""},
      {"GET", "/-/reload", 405, "POST"},
      {"HEAD", "/-/reload", 405, "POST"},
      {"POST", "/-/reload", 403, ""},
      {"GET", "/%00", 400, ""},
      {"GET", "metrics", 400, ""},
      {"CONNECT", "host:443", 400, ""},
      {"OPTIONS", "*", 405, "GET, HEAD"},
      {"GET", "http://x/metrics", 200, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.method);
    CAPTURE(row.target);
    Fake fake;
    Routes routes = fake.routes();
    const auto response = ask(routes, row.method, row.target);
    REQUIRE(response);
    CHECK(response->status == row.status);
    CHECK(header(*response, "Allow") == row.allow);
    CHECK(header(*response, "X-Content-Type-Options") == "nosniff");
    CHECK(header(*response, "Cache-Control") == "no-store");
    CHECK(!header(*response, "Content-Type").empty());
  }
}

TEST_CASE("routes: a scrape is asked for as its headers and query say") {
  Fake fake;
  fake.options.timeout_offset = Millis{1'000};
  Routes routes = fake.routes();
  const auto response =
      ask(routes, "GET", "/metrics?registry=swr-prod&registry=acr-prod&registry=swr-prod",
          {{"accept", "application/openmetrics-text"},
           {"accept", "text/plain;q=0.5"},
           {"accept-encoding", "gzip"},
           {"user-agent", "Prometheus/2.42.0"},
           {"x-prometheus-scrape-timeout-seconds", "4"}});
  REQUIRE(response);
  REQUIRE(fake.scrapes.size() == 1);
  const ScrapeRequest& scrape = fake.scrapes[0];
  CHECK(scrape.registries == std::vector<std::string>{"swr-prod", "acr-prod"});
  CHECK(scrape.timeout == Millis{3'000});
  CHECK(scrape.format == ExpositionFormat::openmetrics);
  CHECK(scrape.gzip);
  CHECK(scrape.client == "192.0.2.1 Prometheus/2.42.0");
  CHECK(scrape.collect);
  CHECK(header(*response, "Content-Encoding") == "gzip");
  CHECK(header(*response, "Vary") == "Accept, Accept-Encoding");
  CHECK(response->send_within == Millis{13'000});
  CHECK(body(*response) == "up 1\ndown 0\n");
}

TEST_CASE("routes: Content-Type names the format, and how names are escaped where that is asked") {
  const std::string protobuf =
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
  const std::pair<std::string, const char*> rows[] = {
      {"", "text/plain; version=0.0.4; charset=utf-8"},
      {"text/plain;version=0.0.4;escaping=values",
       "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
      {"application/openmetrics-text;escaping=allow-utf-8",
       "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"},
      {protobuf,
       "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
       "encoding=delimited"},
      {protobuf + ";escaping=allow-utf-8",
       "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
       "encoding=delimited; escaping=underscores"},
  };
  for (const auto& [accept, type] : rows) {
    CAPTURE(accept);
    Fake fake;
    Routes routes = fake.routes();
    const auto response = ask(routes, "GET", "/metrics", {{"accept", accept}});
    REQUIRE(response);
    CHECK(header(*response, "Content-Type") == type);
  }
}

TEST_CASE("routes: without a header the configured timeout holds, less the offset") {
  Fake fake;
  fake.timeout = Millis{600};
  Routes routes = fake.routes();
  ask(routes, "GET", "/metrics");
  REQUIRE(fake.scrapes.size() == 1);
  CHECK(fake.scrapes[0].timeout == Millis{300});
  CHECK(fake.scrapes[0].format == ExpositionFormat::text);
  CHECK(!fake.scrapes[0].gzip);
  CHECK(fake.scrapes[0].registries.empty());
}

TEST_CASE("routes: a timeout that is no positive number is refused before any collection") {
  for (const char* const value : {"", "0", "-1", "abc", "nan", "inf", "1e999"}) {
    CAPTURE(value);
    Fake fake;
    Routes routes = fake.routes();
    const auto response =
        ask(routes, "GET", "/metrics", {{"x-prometheus-scrape-timeout-seconds", value}});
    REQUIRE(response);
    CHECK(response->status == 400);
    CHECK(fake.scrapes.empty());
  }
  Fake fake;
  Routes routes = fake.routes();
  const std::pair<std::string, std::string> ten{"x-prometheus-scrape-timeout-seconds", "10"};
  const auto doubled = ask(routes, "GET", "/metrics", {ten, ten});
  REQUIRE(doubled);
  CHECK(doubled->status == 400);
}

TEST_CASE("routes: HEAD collects nothing and counts as seen by nobody") {
  Fake fake;
  Routes routes = fake.routes();
  const auto response = ask(routes, "HEAD", "/metrics");
  REQUIRE(response);
  REQUIRE(fake.scrapes.size() == 1);
  CHECK(!fake.scrapes[0].collect);
  REQUIRE(response->when_done);
  response->when_done(true);
  CHECK(fake.sent == std::vector<bool>{false});
}

TEST_CASE("routes: collect[] names the families, each once, in either spelling") {
  Fake fake;
  Routes routes = fake.routes();
  ask(routes, "GET",
      "/metrics?collect[]=acr_up&collect%5b%5d=acr_builds_total&collect%5B%5D=acr_up",
      {{"user-agent", "a"}});
  REQUIRE(fake.scrapes.size() == 1);
  CHECK(fake.scrapes[0].families == std::vector<std::string>{"acr_up", "acr_builds_total"});
  CHECK(fake.scrapes[0].registries.empty());
  const auto refused = ask(routes, "GET", "/metrics?collect[]=acr_up&collect[]=acr_\"x<y>");
  REQUIRE(refused);
  CHECK(body(*refused) == "400 unknown metric family \"acr_%22x%3Cy%3E\"\n");
  CHECK(fake.scrapes.size() == 1);
}

TEST_CASE("routes: a scrape of chosen families has seen events only if it shows them") {
  const std::pair<const char*, bool> rows[] = {
      {"/metrics?collect[]=acr_builds_total", true},
      {"/metrics?collect[]=acr_up&collect[]=acr_build_duration_seconds", true},
      {"/metrics?collect[]=acr_builds_in_progress&collect[]=process_cpu_seconds_total", false},
      {"/metrics?collect[]=registry_exporter_records_total", false},
  };
  for (const auto& [target, seen] : rows) {
    CAPTURE(target);
    Fake fake;
    Routes routes = fake.routes();
    const auto response = ask(routes, "GET", target, {{"user-agent", "a"}});
    REQUIRE(response);
    response->when_done(true);
    CHECK(fake.sent == std::vector<bool>{seen});
    CHECK(fake.scrapes[0].client.starts_with("192.0.2.1 a\n"));  // Another scraper than without.
  }
}

TEST_CASE("routes: the server's word on the answer reaches the scrape") {
  for (const bool whole : {true, false}) {
    Fake fake;
    Routes routes = fake.routes();
    const auto response = ask(routes, "GET", "/metrics");
    REQUIRE(response);
    CHECK(fake.sent.empty());
    response->when_done(whole);
    CHECK(fake.sent == std::vector<bool>{whole});
  }
}

TEST_CASE(
    "routes: a scrape is under way until its answer is ready, and no more than the limit are") {
  Fake fake;
  fake.options.max_requests = 2;
  fake.run_at_once = false;
  Routes routes = fake.routes();
  CHECK(!ask(routes, "GET", "/metrics"));
  CHECK(!ask(routes, "HEAD", "/metrics"));
  const auto refused = ask(routes, "GET", "/metrics");
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(header(*refused, "Retry-After") == "1");
  const auto healthy = ask(routes, "GET", "/-/healthy");
  REQUIRE(healthy);
  CHECK(healthy->status == 200);
  fake.tasks[0]();  // Its answer is ready, though nobody has taken it and the task is still held.
  CHECK(!ask(routes, "GET", "/metrics"));
  CHECK(ask(routes, "GET", "/metrics"));
}

TEST_CASE("routes: without a thread the answer is 503, and nothing stays under way") {
  Fake fake;
  fake.options.max_requests = 1;
  fake.options.enable_lifecycle = true;
  fake.threads_left = false;
  Routes routes = fake.routes();
  for (int i = 0; i < 3; ++i) {
    const auto response = ask(routes, "GET", "/metrics");
    REQUIRE(response);
    CHECK(response->status == 503);
  }
  CHECK(ask(routes, "GET", "/")->status == 503);
  CHECK(ask(routes, "POST", "/-/reload")->status == 503);
  fake.threads_left = true;
  CHECK(ask(routes, "GET", "/metrics")->status == 200);
}

TEST_CASE("routes: reload answers what came of it") {
  Fake fake;
  fake.options.enable_lifecycle = true;
  Routes routes = fake.routes();
  CHECK(ask(routes, "POST", "/-/reload")->status == 200);
  fake.reload_problem = "x.yml:3: unknown key";
  const auto failed = ask(routes, "POST", "/-/reload");
  REQUIRE(failed);
  CHECK(failed->status == 500);
  CHECK(body(*failed).find("x.yml:3: unknown key") != std::string::npos);
  CHECK(fake.reloads == 2);
  CHECK(ask(routes, "GET", "/-/reload")->status == 405);
  CHECK(fake.reloads == 2);
}

TEST_CASE("routes: not ready is 503, healthy stays 200") {
  Fake fake;
  fake.is_ready = false;
  Routes routes = fake.routes();
  CHECK(ask(routes, "GET", "/-/ready")->status == 503);
  CHECK(ask(routes, "GET", "/-/healthy")->status == 200);
}

TEST_CASE("routes: an unknown registry's name comes back harmless and short") {
  Fake fake;
  Routes routes = fake.routes();
  const auto response =
      ask(routes, "GET", "/metrics?registry=%3Cscript%3E%0d%0a" + std::string(5'000, 'x'));
  REQUIRE(response);
  CHECK(response->status == 400);
  CHECK(body(*response).find("%3Cscript%3E%0D%0A") != std::string::npos);
  CHECK(body(*response).find('<') == std::string::npos);
  CHECK(body(*response).size() < 400);
}

TEST_CASE("routes: the list of repositories, for people and for programs, asks no cloud") {
  Fake fake;
  Routes routes = fake.routes();
  const auto page = ask(routes, "GET", "/status?sort=last_read&order=desc&q=%3Cb%3E");
  REQUIRE(page);
  CHECK(page->status == 200);
  CHECK(header(*page, "Content-Type") == "text/html; charset=utf-8");
  CHECK(header(*page, "Content-Security-Policy").find("default-src 'none'") != std::string::npos);
  CHECK(body(*page).find("value=\"&lt;b&gt;\"") != std::string::npos);
  const auto json = ask(routes, "GET", "/api/v1/repositories?state=stale");
  REQUIRE(json);
  CHECK(json->status == 200);
  CHECK(header(*json, "Content-Type") == "application/json");
  CHECK(body(*json).starts_with("{\"now\":"));
  for (const char* path : {"/status", "/api/v1/repositories"}) {
    CAPTURE(path);
    CHECK(ask(routes, "HEAD", path)->status == 200);
    CHECK(ask(routes, "POST", path)->status == 405);
    const auto refused = ask(routes, "GET", path + std::string("?sort=%3Cscript%3E"));
    CHECK(refused->status == 400);
    CHECK(body(*refused).find("sort must be one of") != std::string::npos);
    CHECK(body(*refused).find("<script>") == std::string::npos);
  }
  CHECK(ask(routes, "GET", "/status/")->status == 404);
  CHECK(fake.scrapes.empty());
  fake.threads_left = false;
  CHECK(ask(routes, "GET", "/status")->status == 503);
}

TEST_CASE("routes: the targets are at the address of the request, and ask no cloud") {
  Fake fake;
  Routes routes = fake.routes();
  const auto response = ask(routes, "GET", "/api/v1/targets", {{"host", "exporter:10067"}});
  REQUIRE(response);
  CHECK(response->status == 200);
  CHECK(header(*response, "Content-Type") == "application/json");
  CHECK(body(*response).starts_with("[{\"targets\":[\"exporter:10067\"],"));
  CHECK(body(*response).find("\"__param_registry\":\"acr-<b>\"") != std::string::npos);
  CHECK(ask(routes, "POST", "/api/v1/targets", {{"host", "h:1"}})->status == 405);
  CHECK(ask(routes, "GET", "/api/v1/targets")->status == 400);
  fake.options.site.external = "https://example.com";
  Routes outside = fake.routes();
  CHECK(body(*ask(outside, "GET", "/api/v1/targets")).find("example.com:443") != std::string::npos);
  CHECK(fake.scrapes.empty());
  fake.threads_left = false;
  CHECK(ask(routes, "GET", "/api/v1/targets", {{"host", "h:1"}})->status == 503);
}

TEST_CASE("routes: metrics at / leave no room for the landing page") {
  Fake fake;
  fake.options.telemetry_path = "/";
  Routes routes = fake.routes();
  CHECK(body(*ask(routes, "GET", "/")) == "up 1\ndown 0\n");
  CHECK(ask(routes, "GET", "/metrics")->status == 404);
}

TEST_CASE("routes: with a prefix every path is under it, and the root leads there") {
  Fake fake;
  fake.options.site = Site{"/team/exporter", {}};
  Routes routes = fake.routes();
  for (const char* const path : {"/metrics", "/", "/status", "/api/v1/repositories", "/-/healthy",
                                 "/api/v1/targets", "/-/ready"}) {
    CAPTURE(path);
    CHECK(ask(routes, "GET", "/team/exporter" + std::string(path), {{"host", "h:1"}})->status ==
          200);
    if (path != std::string("/")) CHECK(ask(routes, "GET", path)->status == 404);
  }
  CHECK(ask(routes, "POST", "/team/exporter/-/reload")->status == 403);
  CHECK(ask(routes, "POST", "/-/reload")->status == 404);
  CHECK(ask(routes, "OPTIONS", "*")->status == 405);
  for (const char* const path : {"/", "/team/exporter", "/?x=y"}) {
    CAPTURE(path);
    const auto response = ask(routes, "GET", path);
    CHECK(response->status == 302);
    CHECK(header(*response, "Location") == "/team/exporter/");
    CHECK(ask(routes, "POST", path)->status == 405);
  }
  CHECK(body(*ask(routes, "GET", "/team/exporter/")).find("href=\"./status\"") !=
        std::string::npos);
}

TEST_CASE("routes: links and redirects carry the external URL") {
  Fake fake;
  fake.options.site = Site{"/inside", "https://example.com/out&side"};
  Routes routes = fake.routes();
  CHECK(header(*ask(routes, "GET", "/"), "Location") == "https://example.com/out&side/");
  const std::string landing = body(*ask(routes, "GET", "/inside/"));
  for (const char* const path : {"metrics", "status", "-/ready", "status?registry=swr-prod"}) {
    CAPTURE(path);
    const std::string link = "href=\"https://example.com/out&amp;side/" + std::string(path) + "\"";
    CHECK(landing.find(link) != std::string::npos);
  }
  const std::string status = body(*ask(routes, "GET", "/inside/status"));
  CHECK(status.find("href=\"https://example.com/out&amp;side/\"") != std::string::npos);
  CHECK(status.find("href=\"https://example.com/out&amp;side/api/v1/repositories\"") !=
        std::string::npos);
  CHECK(status.find("action=\"status\"") != std::string::npos);
}

TEST_CASE("pages: the landing page names every registry as text and runs nothing") {
  Fake fake;
  fake.options.telemetry_path = "/m";
  Routes routes = fake.routes();
  const auto response = ask(routes, "GET", "/");
  REQUIRE(response);
  const std::string html = body(*response);
  CHECK(header(*response, "Content-Type") == "text/html; charset=utf-8");
  CHECK(html.find("acr-&lt;b&gt;") != std::string::npos);
  CHECK(html.find("<bdi>3 pending; not yet read completely</bdi>") != std::string::npos);
  CHECK(html.find("<bdi>no repositories known; last read completely 12s ago</bdi>") !=
        std::string::npos);
  CHECK(html.find("href=\"./m\"") != std::string::npos);
  CHECK(html.find("href=\"./-/healthy\"") != std::string::npos);
  CHECK(html.find("href=\"./-/ready\"") != std::string::npos);
  CHECK(html.find(REGISTRY_EXPORTER_VERSION) != std::string::npos);
  CHECK(html.find("<script") == std::string::npos);
  CHECK(html.find("style=") == std::string::npos);
  const std::string policy = header(*response, "Content-Security-Policy");
  CHECK(policy.find("default-src 'none'; style-src 'sha256-") == 0);
  CHECK(policy.find("unsafe") == std::string::npos);
}

TEST_CASE("pages: the landing page tells why a configuration is not in force") {
  Fake fake;
  Routes routes = fake.routes();
  CHECK(body(*ask(routes, "GET", "/")).find("not in effect") == std::string::npos);
  fake.refused = {"exporter.yml:3: unknown key <b>", "web.yml: no such file"};
  const std::string html = body(*ask(routes, "GET", "/"));
  CHECK(html.find("exporter.yml:3: unknown key &lt;b&gt;") != std::string::npos);
  CHECK(html.find("web.yml: no such file") != std::string::npos);
}
